"""``lsn report`` from the command line, on real databases, and the options that it shares with run and plan."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import typer
from rich.console import Console
from typer.testing import CliRunner

from lsncli.cli import report as report_command
from lsncli.cli.main import LsnGroup
from lsncli.cli.selection import overrides_from
from lsncli.errors import LsnError
from lsncli.recipe.loading import Overrides, load
from lsncli.recipe.resolve import ResolvedRecipe, resolve
from lsncli.report.show import print_report
from lsncli.store import Store

ACCURACIES = (0.60, 0.61, 0.62, 0.63, 0.64)


@pytest.fixture
def folder(tmp_path: Path, table7_text: str, small_text: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with two recipes and no database."""
    (tmp_path / "table7.toml").write_text(table7_text, encoding="utf-8")
    (tmp_path / "small.toml").write_text(small_text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("LSN_DB", raising=False)
    monkeypatch.delenv("LSN_DEBUG", raising=False)
    return tmp_path


@pytest.fixture
def lsn(folder: Path) -> Callable[..., SimpleNamespace]:
    """Call ``lsn report …`` in the folder; gives its exit status, stdout and stderr."""
    app = typer.Typer(cls=LsnGroup)
    app.callback()(lambda: None)
    app.command("report")(report_command.command)

    def call(*words: str) -> SimpleNamespace:
        result = CliRunner().invoke(app, ["report", *words])
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return SimpleNamespace(status=result.exit_code, out=result.stdout, err=" ".join(result.stderr.split()))

    return call


def store_runs(database: Path, recipe: ResolvedRecipe, count: int | None = None, status: str = "done") -> None:
    with Store.open(str(database)) as store:
        for spec in recipe.specs()[:count]:
            store.begin_run(spec.key, spec.plain(), steps=spec.train.steps, provenance={})
            store.record_metrics(spec.key, 1, {"test_accuracy": 0.99})  # best, but not last
            store.record_metrics(spec.key, spec.train.steps, {"test_accuracy": ACCURACIES[spec.seed]})
            store.finish_run(spec.key, status, final_step=spec.train.steps, seconds=1.0)  # type: ignore[arg-type]


def test_no_database_yet(lsn: Any, folder: Path) -> None:
    result = lsn("table7.toml")
    assert result.status == 0
    assert result.out.count("missing (0/5)") == 16
    assert "There is no database results.db here yet" in result.out
    assert "lsn run table7.toml" in result.out
    assert not (folder / "results.db").exists()


def test_a_database_that_was_named_must_be_there(lsn: Any) -> None:
    result = lsn("table7.toml", "--db", "other.db")
    assert (result.status, result.out) == (2, "")
    assert "other.db" in result.err


def test_an_empty_database(lsn: Any, folder: Path) -> None:
    """It is there, and nothing is in it: the paper's numbers, and how to fill ours."""
    (folder / "other.db").touch()
    result = lsn("table7.toml", "--db", "other.db")
    assert result.status == 0
    assert result.out.count("missing (0/5)") == 16
    assert "The database other.db is empty" in result.out
    assert "lsn run table7.toml --db other.db" in result.out
    assert (folder / "other.db").stat().st_size == 0


def test_a_file_that_is_no_database(lsn: Any, folder: Path) -> None:
    (folder / "results.db").write_text("no database " * 100)
    result = lsn("table7.toml")
    assert result.status == 2
    assert "not a database" in result.err


def test_json_from_a_real_database(lsn: Any, folder: Path) -> None:
    recipe = resolve(load("table7.toml", Overrides(profile="quick")))
    store_runs(folder / "results.db", recipe, count=8)
    value = json.loads(lsn("table7.toml", "--format", "json").out)
    assert value["profile"] == "quick"
    first, second, third = value["cells"][:3]
    assert first["keys"] == [spec.key for spec in recipe.specs()[:5]]
    # The last evaluation, in percent; deviation by hand: sqrt((4+1+0+1+4)/4).
    assert first["values"] == [60.0, 61.0, 62.0, 63.0, 64.0]
    assert first["std"] == pytest.approx(2.5**0.5)
    assert (first["status"], second["status"], third["status"]) == ("complete", "partial", "missing")
    assert value["fill"] == "lsn run table7.toml --profile quick"


def test_diverged_runs_and_stand_ins_of_a_real_database(lsn: Any, folder: Path) -> None:
    recipe = resolve(load("table7.toml", Overrides(profile="smoke", data={"cifar10": "copy"})))
    store_runs(folder / "my.db", recipe, status="diverged")
    stood_in = [v for v in recipe.variants if v.replaced_data]
    store_runs(folder / "my.db", ResolvedRecipe(recipe.loaded, tuple(stood_in)))
    with Store.open("my.db") as store:
        store.set_stand_in("copy", "cifar10")
    value = json.loads(lsn("table7.toml", "--db", "my.db", "--format", "json").out)
    assert value["profile"] == "smoke"
    assert {(c["row"]["data.name"], c["stand_in"], c["n"], c["failed"]) for c in value["cells"]} == {
        ("cifar100", None, 0, 5),
        ("copy", "cifar10", 5, 0),
    }


def test_the_database_is_only_read(lsn: Any, folder: Path) -> None:
    store_runs(folder / "results.db", resolve(load("small.toml")))
    before = (folder / "results.db").read_bytes()
    assert lsn("small.toml").status == 0
    assert (folder / "results.db").read_bytes() == before


def test_run_prints_the_same_report(lsn: Any, folder: Path) -> None:
    recipe = resolve(load("small.toml"))
    store_runs(folder / "results.db", recipe)
    console = Console(record=True, width=160, highlight=False)
    with Store.open("results.db", create=False, read_only=True) as store, console.capture() as printed:
        print_report(recipe, store, console)
    assert printed.get() == lsn("small.toml").out
    assert "61.00 ± 1.00 (3)" in printed.get()


def test_options_choose_the_runs(lsn: Any) -> None:
    out = lsn(
        *("table7.toml", "--profile", "quick", "--set", "train.steps=7", "--only", 'label=["LS"]'),
        *("--only", "model.name=resnet56", "--data", "cifar10=copy", "--seeds", "2", "--format", "json"),
    ).out
    value = json.loads(out)
    assert [(c["row"], c["column"], len(c["keys"])) for c in value["cells"]] == [
        ({"data.name": "cifar100", "model.name": "resnet56"}, {"label": "LS"}, 2),
        ({"data.name": "copy", "model.name": "resnet56"}, {"label": "LS"}, 2),
    ]
    assert value["fill"] == (
        "lsn run table7.toml --profile quick --set train.steps=7 --only 'label=[\"LS\"]'"
        " --only model.name=resnet56 --data cifar10=copy --seeds 2"
    )


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "what to report is missing"),
        (("table7.toml", "--table", "7"), "both the recipe 'table7.toml' and --table 7"),
        (("--table", "99"), "no shipped recipe reproduces table 99"),
        (("nothing.toml",), "unknown recipe 'nothing.toml'"),
        (
            ("table7.toml", "--format", "jsn"),
            "unknown report format 'jsn' where: --format valid: csv, html, json, latex, md",
        ),
        (("table7.toml", "--profile", "quik"), "unknown profile 'quik'"),
        (("table7.toml", "--set", "train.steps"), "KEY=VALUE is expected"),
        (("table7.toml", "--set", "train.step=3"), "train.step"),
        (("table7.toml", "--only", "label"), "--only 'label': KEY=VALUE is expected"),
        (("table7.toml", "--only", "label=XY"), "no run of the recipe is left"),
        (("table7.toml", "--data", "cifar10"), "--data 'cifar10': NAME=OTHER is expected"),
        (("table7.toml", "--data", "=x"), "NAME=OTHER is expected"),
        (("table7.toml", "--data", "cifar10="), "is missing"),
        (("table7.toml", "--data", "cifar10=cifar10"), "would stand in for itself"),
        (("table7.toml", "--data", "cifar10=a", "--data", "cifar10=b"), "is replaced twice"),
        (("table7.toml", "--seeds", "0"), "at least one seed"),
        (("table7.toml", "--output", "no/report.md"), "does not exist"),
    ],
)
def test_wrong_requests_cost_one_message(lsn: Any, words: tuple[str, ...], said: str) -> None:
    result = lsn(*words)
    assert (result.status, result.out) == (2, "")
    assert result.err.startswith("error: ")
    assert said in result.err
    assert "Traceback" not in result.err


def test_a_shipped_recipe_by_its_table(lsn: Any, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import lsncli.recipe.loading
    import lsncli.report.shipped

    shipped = {"table7": folder / "table7.toml", "broken": folder / "broken.toml", "small": folder / "small.toml"}
    (folder / "broken.toml").write_text("table = ")
    monkeypatch.setattr(lsncli.recipe.loading, "shipped_recipes", lambda: shipped)
    monkeypatch.setattr(lsncli.report.shipped, "shipped_recipes", lambda: shipped)
    assert json.loads(lsn("--table", "7", "--format", "json").out)["table"] == 7
    assert "valid: 1 and 6 (computed), 7 (table7)" in lsn("--table", "8").err


@pytest.mark.parametrize(
    ("ending", "format"),
    [("csv", "csv"), ("JSON", "json"), ("md", "md"), ("tex", "latex"), ("html", "html"), ("txt", "rich")],
)
@pytest.mark.parametrize("what", [("small.toml",), ("small.toml", "--claims"), ("--table", "6")])
def test_the_ending_of_the_file_names_the_format(
    lsn: Any, folder: Path, ending: str, format: str, what: tuple[str, ...]
) -> None:
    for name, options in ((f"by-ending.{ending}", ()), ("said.csv", ("--format", format))):
        assert lsn(*what, *options, "--output", name).status == 0
    assert (folder / f"by-ending.{ending}").read_text() == (folder / "said.csv").read_text()


def test_output_file(lsn: Any, folder: Path) -> None:
    result = lsn("table7.toml", "--format", "md", "--output", "report.md")
    assert (result.status, result.out, result.err) == (0, "", "wrote report.md")
    assert (folder / "report.md").read_text(encoding="utf-8").startswith("### Table 7: Label smearing")
    to_stdout = lsn("table7.toml", "--format", "md", "--output", "-")
    assert to_stdout.out == (folder / "report.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("with_database", [False, True])
def test_neither_torch_nor_needless_libraries(folder: Path, with_database: bool) -> None:
    if with_database:
        store_runs(folder / "results.db", resolve(load("small.toml")))
    program = (
        "import sys, typer; from lsncli.cli import report\n"
        "app = typer.Typer(); app.command()(report.command)\n"
        "app(['small.toml', '--format', 'csv'], standalone_mode=False)\n"
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
    loaded = set(done.stderr.split())
    assert done.stdout.startswith("title,")
    assert loaded.isdisjoint({"torch", "torchvision", "sklearn", "alembic", "PIL"})
    assert ("sqlalchemy" in loaded) == with_database
    assert "sqlmodel" not in loaded or with_database


def test_overrides() -> None:
    assert overrides_from() == Overrides()
    made = overrides_from("quick", ["train.steps=5"], ["label=LS"], ["cifar10=a", "cifar100 = b"], 3)
    assert made == Overrides(
        profile="quick",
        settings=(("train.steps", 5),),
        only=(("label", "LS"),),
        data={"cifar10": "a", "cifar100": "b"},
        seeds=3,
    )


def test_the_same_replacement_twice_is_one() -> None:
    assert overrides_from(data=["a=b", "a=b"]).data == {"a": "b"}
    with pytest.raises(LsnError):
        overrides_from(data=["a=b", "a=c"])


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--all", "--table", "3"], "--all and --table cannot be reported together"),
        (["small.toml", "--all", "--claims"], "--all and RECIPE and --claims"),
        (["--all", "--format", "png"], "valid: rich, md, csv, json, latex, html"),
        (["--all", "--output", "small.toml"], "cannot make the folder small.toml"),
        (["--all", "--output", "my page.html"], "next: lsn report --all --format html --output 'my page'"),
        (["--all", "--output", "all.md"], "next: lsn report --all --output all"),
        (["--all", "--output", "all.PNG"], "--all writes a folder, not one file"),
        (["--all", "--data", "mnist=digits"], "no recipe of the claims uses the data set 'mnist'"),
        (["--all", "--only", "data.name=mnist"], "--only data.name=mnist: no run of the recipe is left"),
    ],
)
def test_wrong_requests_for_all(lsn: Any, folder: Path, words: list[str], message: str) -> None:
    done = lsn(*words)
    assert done.status == 2
    assert message in done.err
    assert sorted(path.name for path in folder.iterdir()) == ["small.toml", "table7.toml"]


def test_the_whole_report_leaves_out_what_only_leaves_no_run(
    lsn: Any, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lsncli.cli import whole_report

    # As the others: table 3 has cifar100 alone, table 7 both, table 6 and figure 1 are computed.
    monkeypatch.setattr(whole_report, "TABLES", (3, 6, 7))
    monkeypatch.setattr(whole_report, "FIGURES", (1, 3))
    done = lsn("--all", "--only", "data.name=cifar10", "--format", "md")
    assert done.status == 0
    for left_out in ("table 3", "figure 3"):
        assert f"left out: {left_out} (--only data.name=cifar10: no run of the recipe is left)" in done.err
    written = sorted(path.name for path in (folder / "report").iterdir())
    assert written == ["claims.md", "figure1.png", "table6.md", "table7.md"]
