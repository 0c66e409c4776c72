"""``lsn report --claims``: formats, files, wrong requests, and what it imports."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import typer
from pylatexenc.latexwalker import LatexWalker
from rich.cells import cell_len
from typer.testing import CliRunner

from lsncli.cli import report as report_command
from lsncli.cli.main import LsnGroup
from lsncli.plan import RunSpec
from lsncli.report.claims.documents import latex
from lsncli.report.claims.evaluate import claims_of_recipe
from lsncli.report.claims.terminal import render_terminal
from lsncli.report.claims.wording import blocks

Call = Callable[..., SimpleNamespace]


def accuracy(spec: RunSpec) -> dict[str, float]:
    gain = {"standard": 0.0, "label-smoothing": 0.03, "forward-correction": 0.031}[spec.loss.name]
    return {"test_accuracy": 0.5 + gain + 0.001 * spec.seed**2 * (spec.loss.name == "standard")}


@pytest.fixture
def folder(tmp_path: Path, recipe_text: str, load_text: Any, fill: Any, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with a recipe and the results of three of its four seeds."""
    (tmp_path / "losses.toml").write_text(recipe_text, encoding="utf-8")
    fill(load_text(), lambda spec: accuracy(spec) if spec.seed < 3 else None)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def lsn(folder: Path) -> Call:
    app = typer.Typer(cls=LsnGroup)
    app.callback()(lambda: None)
    app.command("report")(report_command.command)

    def call(*words: str) -> SimpleNamespace:
        result = CliRunner().invoke(app, ["report", *words], env={"COLUMNS": "160"})
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return SimpleNamespace(status=result.exit_code, out=result.stdout, err=" ".join(result.stderr.split()))

    return call


def strict(text: str) -> Any:
    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is not JSON")

    return json.loads(text, parse_constant=refuse)


def test_json(lsn: Call) -> None:
    report = strict(lsn("losses.toml", "--claims", "--format", "json").out)
    # As of every report.
    assert (report["title"], report["profile"], report["cells"]) == (
        "The paper's claims, tested: Losses on digits",
        "paper",
        [],
    )
    assert report["fill"] == ["lsn run losses.toml"]
    first = report["claims"][0]
    assert (first["id"], first["unit"]) == ("smoothing-denoises", "%")
    assert {"statement", "reference", "verdict", "verdict_holm", "rule", "settings", "margin"} <= set(first)
    setting = first["settings"][0]
    # 3 less 0, 0.1 and 0.4: mean 8.5/3.
    assert setting["differences"] == [3.0, 2.9, 2.6]
    assert (setting["n"], setting["expected"], setting["mean_difference"]) == (3, 4, pytest.approx(8.5 / 3))
    assert [len(pair) for pair in setting["keys"]] == [2, 2, 2]
    assert setting["dropped"] == ["seed 3: standard is missing"]
    assert {"ci_low", "ci_high", "p", "effect_size", "verdict", "p_holm"} <= set(setting)
    assert all(len(key) == 20 for pair in setting["keys"] for key in pair)


def test_json_of_the_whole_paper_without_a_database(lsn: Call, folder: Path) -> None:
    (folder / "results.db").rename(folder / "kept.db")
    report = strict(lsn("--claims", "--format", "json").out)
    claims = report["claims"]
    assert len(claims) >= 11
    assert claims[0]["settings"][0]["mean_difference"] is None
    assert any("There is no database results.db here yet" in note for note in report["notes"])
    by_id = {claim["id"]: claim for claim in claims}
    linear = by_id["smoothing-restores-separator"]
    assert (linear["verdict"], linear["settings"][0]["keys"], linear["unit"]) == ("supported", [], "")


def test_csv(lsn: Call) -> None:
    rows = list(csv.DictReader(io.StringIO(lsn("losses.toml", "--claims", "--format", "csv").out)))
    claims = strict(lsn("losses.toml", "--claims", "--format", "json").out)["claims"]
    assert len(rows) == sum(len(claim["settings"]) for claim in claims)
    assert rows[0]["differences"] == "3.0;2.9;2.6"
    assert float(rows[0]["mean_difference"]) == pytest.approx(8.5 / 3)
    assert rows[0]["keys"].count(":") == 3
    assert (rows[0]["verdict"], rows[0]["claim_verdict"]) == ("supported", "supported")


def test_terminal(lsn: Call, load_text: Any, store: Any) -> None:
    out = lsn("losses.toml", "--claims").out
    assert "The paper's claims, tested: Losses on digits" in out
    assert "Profile paper." in out
    assert "+2.83" in out
    assert "3/4" in out
    assert "seed 3: standard is missing" in out
    assert "two-sided paired t-test" in out
    assert "mixed if some do the one and some the other" in out
    assert "lsn run losses.toml" in out
    narrow = render_terminal(claims_of_recipe(load_text(), store), width=90)
    assert max(map(len, narrow.splitlines())) <= 90


@pytest.mark.parametrize("width", [40, 60, 80, 100, 140, 200])
def test_no_width_cuts_a_number_an_id_or_a_verdict(load_text: Any, store: Any, width: int) -> None:
    report = claims_of_recipe(load_text(), store)
    text = render_terminal(report, width)
    assert max(map(cell_len, text.splitlines())) <= width
    words = re.findall(r"[^\s:]+", text)
    for block in blocks(report):
        for row in block.rows:
            for column, cell in zip(block.columns, row, strict=True):
                if column in ("claim", "pairs", "difference", "d_z", "p", "Holm", "95 % interval"):
                    assert set(cell.split()) <= set(words), (column, cell)
        assert set(" ".join(block.columns).split()) - {"setting"} <= set(words)
    # Of each setting, and of each claim: the verdict is there, whole, however narrow.
    verdicts = [row[-1].split() for block in blocks(report) for row in block.rows]
    counts = Counter(words)
    assert all(counts[word] >= 1 for verdict in verdicts for word in verdict)
    assert counts["supported"] + counts["supported,"] >= sum(verdict == ["supported"] for verdict in verdicts)


@pytest.mark.parametrize(
    ("format", "begins"),
    [("md", "### The paper's claims, tested"), ("html", "<!DOCTYPE html>"), ("latex", "% needs")],
)
def test_documents(lsn: Call, folder: Path, format: str, begins: str) -> None:
    text = lsn("losses.toml", "--claims", "--format", format).out
    assert text.startswith(begins)
    assert "label-smoothing" in text
    result = lsn("losses.toml", "--claims", "--format", format, "--output", "claims.txt")
    assert (result.status, result.out, result.err) == (0, "", "wrote claims.txt")
    assert (folder / "claims.txt").read_text(encoding="utf-8") == text


def test_latex_can_be_parsed(lsn: Call) -> None:
    text = lsn("losses.toml", "--claims", "--format", "latex").out
    nodes, _, _ = LatexWalker(text, tolerant_parsing=False).get_latex_nodes()
    assert nodes
    assert text.isascii()
    assert text.count("\\begin{tabular}") == text.count("\\end{tabular}") > 1
    assert latex("50 % of a_b & α ≥ 2ρ \\ {x}") == (
        "50 \\% of a\\_b \\& \\ensuremath{\\alpha} \\ensuremath{\\ge} 2\\ensuremath{\\rho} "
        "\\textbackslash{} \\{x\\}"
    )


def test_html_and_markdown_escape_what_a_recipe_says(lsn: Call, folder: Path, recipe_text: str) -> None:
    (folder / "evil.toml").write_text(recipe_text.replace("Losses on digits", "<b>|x|</b>"), encoding="utf-8")
    assert "&lt;b&gt;|x|&lt;/b&gt;" in lsn("evil.toml", "--claims", "--format", "html").out
    assert "&lt;b>\\|x\\|&lt;/b>" in lsn("evil.toml", "--claims", "--format", "md").out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--claims", "--format", "jsn"), "unknown format of claims 'jsn' where: --format valid: csv, html, json"),
        (("--claims", "losses.toml", "--table", "7"), "both the recipe 'losses.toml' and --table 7"),
        (("--claims", "nothing.toml"), "unknown recipe 'nothing.toml'"),
        (("--claims", "--profile", "quik"), "unknown profile 'quik'"),
        (("--claims", "losses.toml", "--profile", "quik"), "unknown profile 'quik'"),
        (("--claims", "--data", "mnist=other"), "no recipe of the claims uses the data set 'mnist'"),
        (("--claims", "losses.toml", "--data", "mnist=other"), "unknown data set of the recipe 'mnist'"),
        (("--claims", "--db", "other.db"), "other.db"),
        (("--claims", "losses.toml", "--output", "no/claims.md"), "does not exist"),
    ],
)
def test_wrong_requests_cost_one_message(lsn: Call, words: tuple[str, ...], said: str) -> None:
    result = lsn(*words)
    assert (result.status, result.out) == (2, "")
    assert result.err.startswith("error: ")
    assert said in result.err
    assert "Traceback" not in result.err


def test_no_torch(folder: Path) -> None:
    program = (
        "import sys, typer; from lsncli.cli import report\n"
        "app = typer.Typer(); app.command()(report.command)\n"
        "app(['losses.toml', '--claims', '--format', 'json'], standalone_mode=False)\n"
        "print(*sorted({name.partition('.')[0] for name in sys.modules}), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        cwd=folder,
        env=dict(os.environ),
    )
    assert strict(done.stdout)
    assert set(done.stderr.split()).isdisjoint({"torch", "torchvision", "sklearn", "matplotlib", "alembic"})
