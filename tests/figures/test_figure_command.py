"""``lsn report --figure``: what it writes, what it prints, what it refuses, and what it keeps."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from figure_samples import fill, resolved

import lsncli.report.figures.recipes
from lsncli.errors import LsnError
from lsncli.report.figures.recipes import recipe_of_figure
from lsncli.store import Store, schema
from lsncli.synthetic.loss_curves import REVISION, LossCurvesParams

CURVES = {**LossCurvesParams().model_dump(mode="json"), "revision": REVISION}


def test_no_database_yet(lsn: Any, folder: Path) -> None:
    result = lsn("means.toml", "--figure", "2")
    assert (result.status, result.out) == (0, "")
    assert "There is no database results.db here yet" in result.err
    assert "Missing: 18 of 18 runs. To train them: lsn run means.toml" in result.err
    assert result.err.endswith("wrote figure2.png")
    assert (folder / "figure2.png").stat().st_size > 5000
    assert not (folder / "results.db").exists()


def test_every_shipped_figure_has_its_numbers_from_an_empty_database(lsn: Any) -> None:
    for number in range(1, 10):
        result = lsn("--figure", str(number), "--format", "json")
        assert result.status == 0
        value = json.loads(result.out)
        assert value["figure"] == number
        assert {cell["status"] for cell in value["cells"]} == (set() if number in (1, 5) else {"missing"})
        assert value["fill"] == (None if number in (1, 5) else f"lsn run {recipe_of_figure(number)}")


def test_numbers_as_json(lsn: Any, folder: Path) -> None:
    fill(folder / "results.db", resolved("means.toml"))
    value = json.loads(lsn("means.toml", "--figure", "2", "--format", "json").out)
    assert (value["title"], value["profile"]) == ("Smoothing on digits", "paper")
    # In the tables' words.
    assert {"row", "column", "metric", "mean", "std", "n", "values", "keys", "paper", "status"} <= set(
        value["cells"][0]
    )
    points = value["panels"][0]["series"][1]["points"]
    assert [point["x"] for point in points] == [0.1, 0.4]
    assert points[0]["mean"] == pytest.approx(np.mean(points[0]["values"]))
    assert points[0]["std"] == pytest.approx(np.std(points[0]["values"], ddof=1))
    fill(folder / "results.db", resolved("densities.toml"))
    lsn("densities.toml", "--figure", "3", "--format", "json", "--output", "numbers.json")
    panel = json.loads((folder / "numbers.json").read_text())["panels"][0]
    assert [len(panel["series"][0][name]) for name in ("x", "mean", "std")] == [100, 100, 100]


def test_runs_are_only_read(lsn: Any, folder: Path) -> None:
    fill(folder / "results.db", resolved("means.toml"))
    before = (folder / "results.db").read_bytes()
    assert lsn("means.toml", "--figure", "2", "--output", "a.svg").err == "wrote a.svg"
    assert (folder / "results.db").read_bytes() == before


def test_a_computed_figure_is_kept(lsn: Any, folder: Path) -> None:
    fill(folder / "results.db", resolved("means.toml"))
    lsn("--figure", "1", "--format", "json")
    with Store.open("results.db") as store:
        kept = store.get_computation("loss-curves", CURVES)
        assert kept is not None
        assert kept.shape == (5, 481)
        # What is drawn is what is stored.
        store.record_computation("loss-curves", CURVES, np.full((5, 481), 7.0))
    value = json.loads(lsn("--figure", "1", "--format", "json").out)
    assert set(value["panels"][0]["series"][0]["y"]) == {7.0}


def test_other_parameters_are_another_computation(lsn: Any) -> None:
    value = json.loads(lsn("--figure", "1", "--format", "json", "--set", "alpha=0.6", "--set", "points=3").out)
    # At z = 0 every loss is log 2.
    assert [curve["y"][1] for curve in value["panels"][0]["series"]] == pytest.approx([np.log(2)] * 4)
    assert "α = 0.6" in value["caption"]
    lines = json.loads(lsn("--figure", "5", "--format", "json", "--set", "alphas=[0.5]").out)["panels"][0]["series"]
    assert [line["label"] for line in lines] == ["Bayes-optimal", "clean labels", "α = 0", "α = 0.5"]


def test_a_computation_of_ones_own(lsn: Any, folder: Path) -> None:
    value = json.loads(lsn("curves.toml", "--figure", "1", "--format", "json").out)
    assert len(value["panels"][0]["series"][0]["x"]) == 3
    assert "α = 0.3." in value["caption"]
    # Its profile and the command line come on top.
    assert "α = 0.4." in lsn("curves.toml", "--figure", "1", "--format", "json", "--profile", "quick").out
    words = ("--profile", "quick", "--set", "computation.alpha=0.5")
    assert "α = 0.5." in lsn("curves.toml", "--figure", "1", "--format", "json", *words).out


def test_a_database_that_cannot_be_written_is_no_obstacle(lsn: Any, folder: Path) -> None:
    fill(folder / "results.db", resolved("means.toml"))
    other = sqlite3.connect(folder / "results.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    assert lsn("--figure", "1", "--format", "json").status == 0
    other.execute("COMMIT")
    other.close()
    with Store.open("results.db") as store:
        assert store.get_computation("loss-curves", CURVES) is None


def test_a_report_does_not_upgrade_a_database(lsn: Any, folder: Path, repository: Path) -> None:
    dump = (repository / "tests/store/frozen/0001.sql").read_text(encoding="utf-8")
    connection = sqlite3.connect(folder / "results.db")
    connection.executescript(dump)
    connection.close()
    before = (folder / "results.db").read_bytes()
    assert lsn("--figure", "1", "--format", "json").status == 0
    assert (folder / "results.db").read_bytes() == before
    assert schema.REVISIONS[-1] != "0001"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--figure", "10"), "the paper has no figure 10"),
        (("--figure", "0"), "the paper has no figure 0"),
        (("--figure", "2", "--table", "7"), "a figure and --table cannot be reported together"),
        (("--figure", "2", "--claims"), "a figure and --claims"),
        (("--quantity", "logits"), "--quantity is of a figure"),
        (("--figure", "2", "--quantity", "logits"), "figure 2 has no --quantity"),
        (("--figure", "3", "--quantity", "logit"), "unknown quantity 'logit'"),
        (("--figure", "2", "--format", "md"), "figures cannot be written as 'md'"),
        (("--figure", "2", "--output", "a.gif"), "figures cannot be written as 'gif'"),
        (("--figure", "2", "--output", "a.png", "--format", "pdf"), "contradicts the file's ending"),
        (("--figure", "2", "--output", "no/a.png"), "does not exist"),
        (("--figure", "2", "--output", "."), "is a folder"),
        (("--figure", "2", "--profile", "quik"), "unknown profile 'quik'"),
        (("--figure", "2", "--only", "label=XY"), "no run of the recipe is left"),
        (("--figure", "2", "--db", "other.db"), "other.db"),
        (("means.toml", "--figure", "1"), "figure 1 is computed, and means.toml does not say from what"),
        (("curves.toml", "--figure", "5"), "figure 5 is computed, and curves.toml does not"),
        (("curves.toml", "--figure", "2"), "lsn report --figure 1 draws it"),
        (("--figure", "1", "--only", "label=LS"), "has no runs for --only"),
        (("--figure", "5", "--seeds", "2"), "has no runs for --seeds"),
        (("--figure", "5", "--data", "cifar10=a"), "has no runs for --data"),
        (("--figure", "1", "--set", "alpha=2"), "alpha: input should be less than 1"),
        (("--figure", "5", "--set", "alpah=[0.1]"), "has no parameter 'alpah'"),
        (("--figure", "1", "--profile", "typo"), "unknown profile 'typo'"),
        (("--figure", "5", "--set", "alphas=[1.5]"), "in (0, 1) are expected"),
    ],
)
def test_wrong_requests_cost_one_message(lsn: Any, folder: Path, words: tuple[str, ...], said: str) -> None:
    before = sorted(path.name for path in folder.iterdir())
    result = lsn(*words)
    assert (result.status, result.out) == (2, "")
    assert result.err.startswith("error: ")
    assert said in result.err
    assert sorted(path.name for path in folder.iterdir()) == before


def test_a_figure_that_no_recipe_has(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "broken.toml").write_text("figure = ")
    (tmp_path / "two.toml").write_text("figure = [3, 7]")
    shipped = {path.stem: path for path in tmp_path.iterdir()}
    monkeypatch.setattr(lsncli.report.figures.recipes, "shipped_recipes", lambda: shipped)
    assert recipe_of_figure(7) == "two"
    with pytest.raises(LsnError, match="figure 2") as error:
        recipe_of_figure(2)
    assert error.value.valid == "3 (two), 7 (two)"


def test_no_torch_and_no_display(folder: Path) -> None:
    fill(folder / "results.db", resolved("means.toml"))
    program = (
        "import sys, typer; from lsncli.cli import report\n"
        "assert 'matplotlib' not in sys.modules and 'numpy' not in sys.modules\n"
        "app = typer.Typer(); app.command()(report.command)\n"
        "app(['means.toml', '--figure', '2'], standalone_mode=False)\n"
        "app(['--figure', '5', '--format', 'json', '--output', 'figure5.json'], standalone_mode=False)\n"
        "print(*sys.modules)"
    )
    environment = {name: value for name, value in os.environ.items() if name != "DISPLAY"}
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=folder, env=environment
    )
    loaded = set(done.stdout.split())
    assert loaded.isdisjoint({"torch", "torchvision", "matplotlib.pyplot", "sklearn", "alembic"})
    assert {"figure2.png", "figure5.json"} <= {path.name for path in folder.iterdir()}
