"""Tables 1 and 6, which are computed: numbers by hand, every format, and requests that cannot be met."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from typer.testing import CliRunner

from lsncli.cli.main import build_app
from lsncli.errors import LsnError
from lsncli.report.architecture_table import architecture_table
from lsncli.report.formats.listing import render_terminal, renderer
from lsncli.report.listing import Listing, lines_of
from lsncli.report.smearing_table import Setting, setting_of, smearing_table, smearings

Lsn = Callable[..., Any]
FORMATS = ("rich", "md", "csv", "json", "latex", "html")


@pytest.fixture
def lsn() -> Lsn:
    def call(*words: str) -> Any:
        return CliRunner().invoke(build_app(), ["report", *words], prog_name="lsn")

    return call


# -- table 1 ---------------------------------------------------------------------------------------------


def test_entries_by_hand() -> None:
    """L = 4, α = 0.2: 1 − 0.2 + 0.05 and 0.05; (1 − 0.05)/0.8 and −0.05/0.8 (paper, Table 1)."""
    standard, smoothing, backward = (m.matrix for m in smearings(Setting(4, 0.2)))
    np.testing.assert_array_equal(standard, np.eye(4))
    np.testing.assert_allclose(smoothing, np.full((4, 4), 0.05) + 0.8 * np.eye(4), rtol=1e-15)
    np.testing.assert_allclose(np.diag(backward), np.full(4, 1.1875), rtol=1e-14)
    assert backward[0, 1] == pytest.approx(-0.0625)


@given(st.integers(2, 40), st.floats(0, 0.95), st.integers(0, 2**32 - 1))
def test_what_each_does_to_probabilities(classes: int, alpha: float, seed: int) -> None:
    """M^T p* from §3.3, with the matrices written out as sums over labels, not as products."""
    p = np.random.default_rng(seed).dirichlet(np.ones(classes))
    _, smoothing, backward = (m.matrix for m in smearings(Setting(classes, alpha)))
    smoothed = [sum(smoothing[i, j] * p[i] for i in range(classes)) for j in range(classes)]
    np.testing.assert_allclose(smoothed, (1 - alpha) * p + alpha / classes, atol=1e-12)
    # A label stays with probability 1 − α + α/L and becomes any other with probability α/L each (equation 3).
    noisy = np.array([p[j] * (1 - alpha) + alpha / classes * p.sum() for j in range(classes)])
    cleaned = [sum(backward[i, j] * noisy[i] for i in range(classes)) for j in range(classes)]
    np.testing.assert_allclose(cleaned, p, atol=1e-10)


def test_the_checks_of_the_table_would_notice_a_wrong_matrix() -> None:
    from dataclasses import replace

    clean = np.random.default_rng(1).dirichlet(np.ones(5), 200)
    smoothing = smearings(Setting(5, 0.3))[1]
    wrong = replace(smoothing, matrix=smoothing.matrix[::-1])
    assert smoothing.deviation(clean) < 1e-15 < 0.1 < wrong.deviation(clean)
    assert smoothing.kept(clean) == 200 > wrong.kept(clean)


def test_json_has_the_keys_of_every_report() -> None:
    value = json.loads(renderer("json")(smearing_table(Setting(10, 0.1))))
    assert (value["profile"], value["table"], value["classes"], value["alpha"]) == ("computed", 1, 10, 0.1)
    assert value["rate"] == pytest.approx(0.09)  # (L − 1)/L · α
    for cell in value["cells"]:
        assert {"row", "column", "metric", "mean", "std", "n", "values", "keys", "paper", "status"} <= set(cell)
    means = {(c["row"]["loss.name"], *c["column"].values()): c["mean"] for c in value["cells"]}
    # By hand: 1 − 0.1 + 0.01 and 0.01; (1 − 0.01)/0.9 and −0.01/0.9.
    assert means["label-smoothing", "diagonal"] == pytest.approx(0.91)
    assert means["label-smoothing", "off-diagonal"] == pytest.approx(0.01)
    assert means["backward-correction", "diagonal"] == pytest.approx(1.1)
    assert means["backward-correction", "off-diagonal"] == pytest.approx(-1 / 90)
    assert all(means[m["loss"], "argmax"] == 1 and m["largest_deviation"] < 1e-12 for m in value["methods"])
    assert value["methods"][0]["matrix"] is None, "ten classes are not written out"


def test_few_classes_are_written_out() -> None:
    text = render_terminal(smearing_table(Setting(3, 0.3)), 160)
    for row in ("0.8  0.1  0.1", "0.1  0.8  0.1", "0.1  0.1  0.8", "−0.143  −0.143"):
        assert row in text
    matrix = json.loads(renderer("json")(smearing_table(Setting(3, 0.3))))["methods"][1]["matrix"]
    np.testing.assert_allclose(matrix, [[0.8, 0.1, 0.1], [0.1, 0.8, 0.1], [0.1, 0.1, 0.8]])


@pytest.mark.parametrize("width", [40, 60, 80, 100])
def test_no_width_cuts_or_folds_a_number(width: int) -> None:
    for listing in (smearing_table(Setting(10, 0.1)), architecture_table()):
        text = render_terminal(listing, width)
        assert max(map(cell_len, text.splitlines())) <= width
        for row in listing.rows:
            for column, value in zip(listing.columns, row, strict=True):
                if column.numeric:
                    (number,) = lines_of(value)
                    assert re.search(rf"(?<!\S){re.escape(number)}(?!\S)", text), (number, text)


def test_where_the_columns_do_not_fit_rows_are_written_out() -> None:
    lines = render_terminal(architecture_table(), 60).splitlines()
    at = lines.index("ResNet-v2-50")
    assert " ".join(lines[at + 1 : at + 5]).split() == [
        *("configuration:", "[(3,", "64,", "1),", "(4,", "128,", "2),", "(6,", "256,", "2),", "(3,", "512,", "2)]"),
        *("data:", "imagenet", "pixels:", "224×224", "classes:", "1,000"),
        *("parameters:", "25,549,352", "MACs:", "4,089,184,256"),
    ]


def test_settings() -> None:
    assert setting_of([]) == Setting(10, 0.1)
    assert setting_of([("classes", 100), ("alpha", 0)]) == Setting(100, 0.0)
    # α = L/(L − 1) · ρ (equation 3): 10/9 · 0.18.
    assert setting_of([("rate", 0.18)]).alpha == pytest.approx(0.2)
    assert setting_of([("rate", 0.18)]).rate == pytest.approx(0.18)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--set", "classes=1"), "a whole number from 2 to 2000"),
        (("--set", "classes=2001"), "a whole number from 2 to 2000"),
        (("--set", "classes=true"), "a whole number from 2 to 2000"),
        (("--set", "classes=ten"), "a whole number from 2 to 2000"),
        (("--set", "alpha=1"), "a number from 0 to below 1"),
        (("--set", "alpha=-0.1"), "a number from 0 to below 1"),
        (("--set", "alpha=nan"), "a number from 0 to below 1"),
        (("--set", "alpha=true"), "a number from 0 to below 1"),
        (("--set", "rate=0.9"), "below (L-1)/L"),
        (("--set", "rate=0.8999999999999999"), "its α = L/(L-1) · rate is 1 but for rounding"),
        (("--set", "alpha=0.1", "--set", "rate=0.1"), "leave one of the two out"),
        (("--set", "alfa=0.1"), "did you mean 'alpha'?"),
        (("--set", "alpha"), "alpha"),
        (("--format", "jsn"), "did you mean 'json'?"),
        (("--profile", "quick"), "--profile means nothing"),
        (("--seeds", "3", "--data", "a=b"), "--data, --seeds means nothing"),
        (("--output", "no-such-folder/x.md"), "does not exist"),
    ],
)
def test_requests_that_cannot_be_met(lsn: Lsn, words: tuple[str, ...], message: str) -> None:
    result = lsn("--table", "1", *words)
    assert result.exit_code == 2
    assert message in " ".join(result.stderr.split())
    assert "Traceback" not in result.stderr


def test_a_configured_profile_is_meant_for_other_reports(lsn: Lsn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LSN_PROFILE", "quick")
    for table in ("1", "6"):
        assert lsn("--table", table).exit_code == 0
        told = lsn("--table", table, "--profile", "quick")
        assert (told.exit_code, "--profile means nothing" in told.stderr) == (2, True)


def test_a_computed_table_has_no_claims(lsn: Lsn) -> None:
    for table in ("1", "6"):
        told = lsn("--table", table, "--claims")
        assert told.exit_code == 2
        assert f"table {table} is computed: it has no runs to test claims on" in told.stderr


# -- table 6 ---------------------------------------------------------------------------------------------


def test_configurations_and_sizes() -> None:
    """Configurations as the paper's Table 6 prints them; sizes as He et al. 2016 do (0.46 and 0.85 million)."""
    rows = {(row[0], row[2]): row for row in architecture_table().rows}
    assert rows["ResNet-32", "cifar10"][1] == "[(5, 16, 1), (5, 32, 2), (5, 64, 2)]"
    assert rows["ResNet-56", "cifar10"][1] == "[(9, 16, 1), (9, 32, 2), (9, 64, 2)]"
    assert rows["ResNet-v2-50", "imagenet"][1] == "[(3, 64, 1), (4, 128, 2), (6, 256, 2), (3, 512, 2)]"
    millions = {key: round(float(row[5]) / 1e6, 2) for key, row in rows.items()}  # type: ignore[arg-type]
    assert millions["ResNet-32", "cifar10"] == 0.46
    assert millions["ResNet-56", "cifar10"] == 0.85
    assert millions["ResNet-v2-50", "imagenet"] == 25.55


def test_table_6_has_no_settings(lsn: Lsn) -> None:
    result = lsn("--table", "6", "--set", "alpha=0.1")
    assert result.exit_code == 2
    assert "table 6 has no settings" in result.stderr


# -- both ------------------------------------------------------------------------------------------------


@pytest.fixture(params=[1, 6])
def listing(request: pytest.FixtureRequest) -> Listing:
    return smearing_table(Setting()) if request.param == 1 else architecture_table()


@pytest.mark.parametrize("format", FORMATS)
def test_every_format_by_the_command(lsn: Lsn, format: str, tmp_path: Path) -> None:
    for table, word in (("1", "Label smoothing"), ("6", "ResNet-v2-50")):
        result = lsn("--table", table, "--format", format)
        assert result.exit_code == 0, result.stderr
        assert word in result.stdout
        file = tmp_path / f"{table}.{format}"
        assert lsn("--table", table, "--format", format, "--output", str(file)).exit_code == 0
        assert word in file.read_text(encoding="utf-8")


def test_csv_has_a_value_per_column(listing: Listing) -> None:
    rows = list(csv.reader(io.StringIO(renderer("csv")(listing))))
    assert {len(row) for row in rows} == {len(listing.columns)}
    assert len(rows) == 1 + len(listing.rows)


def test_markdown_rows_have_as_many_bars(listing: Listing) -> None:
    rows = [line for line in renderer("md")(listing).splitlines() if line.startswith("|")]
    assert {row.count(" | ") for row in rows} == {len(listing.columns) - 1}


def test_an_unknown_format() -> None:
    with pytest.raises(LsnError, match="unknown format of this table 'xml'"):
        renderer("xml")


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed")
def test_latex_compiles_and_fits_a_page(tmp_path: Path) -> None:
    render = renderer("latex")
    tables = [smearing_table(Setting()), smearing_table(Setting(3, 0.3)), architecture_table()]
    preamble = r"\documentclass{article}\usepackage[margin=2.5cm]{geometry}\usepackage{booktabs}\begin{document}"
    text = f"{preamble}\n{''.join(map(render, tables))}\n\\end{{document}}\n"
    (tmp_path / "tables.tex").write_text(text, encoding="utf-8")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "-no-shell-escape", "tables.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, timeout=60, check=False)
    log = done.stdout.decode("utf-8", "replace")
    assert done.returncode == 0, log[-2000:]
    assert "Overfull" not in log
    assert "Missing character" not in log


def test_they_need_neither_torch_nor_a_database() -> None:
    code = (
        "import sys\n"
        "from lsncli.cli.main import build_app\n"
        "for table in '16':\n"
        "    build_app()(['report', '--table', table], standalone_mode=False)\n"
        "sys.exit(','.join(sorted({'torch', 'sqlmodel', 'sklearn'} & set(sys.modules))) or 0)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
