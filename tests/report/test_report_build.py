"""The cells of a report: statistics, missing and diverged runs, marks, and how to train what is missing."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from typing import Any

import pytest

from lsncli.cli.selection import overrides_from
from lsncli.recipe.loading import LoadedRecipe
from lsncli.recipe.resolve import ResolvedRecipe
from lsncli.report.build import build_report, build_table
from lsncli.report.table import Cell, Published, Table

Load = Callable[..., LoadedRecipe]
Resolve = Callable[..., ResolvedRecipe]

ACCURACIES = [0.60, 0.61, 0.62, 0.63, 0.64]
# Mean 62; squares (4 + 1 + 0 + 1 + 4) = 10, divided by 4: sqrt(2.5).
MEAN, STD = 62.0, 2.5**0.5
FIRST = {"data__name": "cifar100", "model__name": "resnet32", "label": "LS"}


def cell_at(table: Table, **coordinates: Any) -> Cell:
    wanted = {key.replace("__", "."): value for key, value in coordinates.items()}
    (found,) = [c for c in table.cells if {**c.row, **c.column} == wanted]
    return found


def texts(table: Table, cell: Cell | None = None) -> str:
    return "\n".join(n.text for n in table.footnotes if cell is None or n.mark in cell.marks)


def test_no_database(loaded: Load) -> None:
    table = build_report(loaded(), None, notes=("There is no database.",))
    assert (table.profile, table.number, len(table.cells)) == ("paper", 7, 16)
    assert {cell.status for cell in table.cells} == {"missing"}
    assert all(c.n == 0 and c.mean is None and c.std is None and len(c.keys) == 5 for c in table.cells)
    assert cell_at(table, **FIRST).paper == Published(60.70, 0.28, 5)
    assert table.fill == "lsn run recipe.toml"
    assert "There is no database." in texts(table)


def test_empty_database(loaded: Load, results: Any) -> None:
    table = build_report(loaded(), results)
    assert (table.profile, {c.status for c in table.cells}) == ("paper", {"missing"})


def test_complete_cell(loaded: Load, resolved: Resolve, results: Any, specs_at: Any, fill: Any) -> None:
    specs = specs_at(resolved(), **FIRST)
    fill(results, specs, ACCURACIES)
    cell = cell_at(build_report(loaded(), results), **FIRST)
    assert (cell.status, cell.n, cell.unit) == ("complete", 5, "%")
    assert cell.values == (60.0, 61.0, 62.0, 63.0, 64.0)
    assert cell.keys == tuple(spec.key for spec in specs)
    assert cell.mean == pytest.approx(MEAN)
    assert cell.std == pytest.approx(STD)
    # |62 − 60.70| = 1.3 against 2·sqrt(2.5/5 + 0.28²/5) = 1.436
    assert cell.differs is False


def test_a_difference_is_marked(loaded: Load, resolved: Resolve, results: Any, specs_at: Any, fill: Any) -> None:
    fill(results, specs_at(resolved(), **FIRST), [a + 0.01 for a in ACCURACIES])  # 2.3 > 1.436
    table = build_report(loaded(), results)
    assert cell_at(table, **FIRST).differs is True
    assert "two combined standard errors" in texts(table)


def test_some_seeds(loaded: Load, resolved: Resolve, results: Any, specs_at: Any, fill: Any) -> None:
    specs = specs_at(resolved(), **FIRST)
    fill(results, specs[1:3], ACCURACIES)
    results.add(specs[3], "running", test_accuracy=0.9)
    results.add(specs[4], "interrupted", test_accuracy=0.9)
    cell = cell_at(build_report(loaded(), results), **FIRST)
    assert (cell.status, cell.n, cell.failed, len(cell.keys)) == ("partial", 2, 0, 5)
    assert cell.mean == pytest.approx(61.5)
    assert cell.std == pytest.approx(0.5**0.5)  # two values one apart: 2·0.5² / 1


def test_one_seed_has_no_deviation(loaded: Load, resolved: Resolve, results: Any, specs_at: Any, fill: Any) -> None:
    fill(results, specs_at(resolved(), **FIRST)[:1], ACCURACIES)
    cell = cell_at(build_report(loaded(), results), **FIRST)
    assert (cell.mean, cell.std, cell.n, cell.differs) == (60.0, None, 1, None)


@pytest.mark.parametrize("status", ["diverged", "failed"])
def test_a_run_that_ended_badly_is_not_there(
    loaded: Load, resolved: Resolve, results: Any, specs_at: Any, fill: Any, status: str
) -> None:
    specs = specs_at(resolved(), **FIRST)
    fill(results, specs, ACCURACIES)
    results.add(specs[4], status, test_accuracy=0.01)
    table = build_report(loaded(), results)
    cell = cell_at(table, **FIRST)
    assert (cell.status, cell.n, cell.failed) == ("partial", 4, 1)
    assert cell.values == (60.0, 61.0, 62.0, 63.0)
    assert f"1 of 5 runs {status}" in texts(table, cell)


def test_only_diverged_runs_are_no_reason_to_train(resolved: Resolve, results: Any, small_text: str) -> None:
    recipe = resolved(small_text)
    for spec in recipe.specs():
        results.add(spec, "diverged")
    assert build_table(recipe, results).fill is None


def test_runs_that_failed_are_asked_for_again(resolved: Resolve, results: Any, small_text: str) -> None:
    """Without the option they would be left as they are."""
    recipe = resolved(small_text)
    for spec in recipe.specs():
        results.add(spec, "failed")
    assert build_table(recipe, results, run_options=["--db", "a.db"]).fill == (
        "lsn run recipe.toml --retry-failed --db a.db"
    )


def test_nothing_to_train_when_all_is_there(resolved: Resolve, results: Any, small_text: str) -> None:
    recipe = resolved(small_text)
    for spec in recipe.specs():
        results.add(spec, test_accuracy=0.9)
    table = build_table(recipe, results)
    (cell,) = table.cells
    assert (table.fill, cell.row, cell.column, cell.n, cell.paper) == (None, {}, {}, 3, None)
    assert cell.std == 0.0


def test_a_finished_run_without_the_metric(resolved: Resolve, results: Any, small_text: str) -> None:
    recipe = resolved(small_text + '[report]\nmetrics = ["train_accuracy_noisy_true"]\n')
    for spec in recipe.specs():
        results.add(spec, test_accuracy=0.9)
    table = build_table(recipe, results)
    (cell,) = table.cells
    assert cell.status == "missing"
    assert "3 of 3 runs finished without the metric train_accuracy_noisy_true" in texts(table, cell)


@pytest.mark.parametrize("which", ["last", "best"])
def test_last_or_best_as_the_recipe_says(resolved: Resolve, results: Any, small_text: str, which: str) -> None:
    recipe = resolved(f'{small_text}[report]\nwhich = "{which}"\n')
    results.add(recipe.specs()[0], test_accuracy=0.9)
    assert build_table(recipe, results).which == which
    assert results.asked == [which]


def test_several_metrics(resolved: Resolve, results: Any, small_text: str) -> None:
    recipe = resolved(small_text + '[report]\nmetrics = ["test_accuracy", "test_loss"]\n')
    for spec in recipe.specs():
        results.add(spec, test_accuracy=0.5, test_loss=0.5)
    table = build_table(recipe, results)
    assert [(c.metric, c.unit, c.mean) for c in table.cells] == [
        ("test_accuracy", "%", 50.0),
        ("test_loss", "", 0.5),
    ]
    assert [[c.metric for c in row if c] for row in table.grid()] == [["test_accuracy", "test_loss"]]


@pytest.mark.parametrize(
    ("profile", "settings", "said"),
    [
        ("quick", (), "Profile quick: not the paper's setting"),
        ("paper", (("train.steps", 10),), "Changed by --set: train.steps"),
        ("smoke", (("train.batch_size", 8),), "Profile smoke, changed by --set: train.batch_size"),
        ("paper", (("report.which", "best"),), "Best evaluations, where the paper has the last ones: not the"),
    ],
)
def test_differences_are_marked_in_the_papers_setting_only(
    loaded: Load, resolved: Resolve, results: Any, fill: Any, profile: str, settings: Any, said: str
) -> None:
    overrides = {"profile": profile, "settings": settings}
    fill(results, resolved(**overrides).specs(), ACCURACIES)
    table = build_report(loaded(**overrides), results)
    assert {cell.differs for cell in table.cells} == {None}
    assert all(cell.paper for cell in table.cells)
    assert said in texts(table)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("steps = 64000", "steps = 200"),
        ('name = "cifar100"\n', 'name = "cifar100"\ntrain_size = 1000\n'),
        (
            "rate = 0.2",
            "rate = 0.2\nseed = 0",
        ),  # one noise for all seeds, of which the first agrees with the paper's
        ("rate = 0.2", "rate = 0.2\nseed = 7"),
    ],
)
def test_a_changed_copy_is_not_in_the_papers_setting(
    loaded: Load, resolved: Resolve, results: Any, fill: Any, table7_text: str, before: str, after: str
) -> None:
    text = table7_text.replace(before, after, 1)
    assert text != table7_text
    fill(results, resolved(text).specs(), ACCURACIES)
    table = build_report(loaded(text), results)
    assert {(cell.differs, cell.status, cell.paper is None) for cell in table.cells} == {(None, "complete", False)}
    assert "Other runs than those of the recipe table7: not the paper's setting. Its" in texts(table)
    assert "combined standard errors" not in texts(table)


def test_what_is_set_to_the_papers_value_stays_in_its_setting(
    loaded: Load, resolved: Resolve, results: Any, fill: Any
) -> None:
    overrides = {"settings": (("train.steps", 64000),), "seeds": 2}
    fill(results, resolved(**overrides).specs(), ACCURACIES)
    table = build_report(loaded(**overrides), results)
    assert {cell.differs for cell in table.cells} == {True, False}
    assert "not the paper's setting" not in texts(table)


def test_some_cells_in_the_papers_setting(
    loaded: Load, resolved: Resolve, results: Any, fill: Any, table7_text: str
) -> None:
    text = table7_text.replace('label = "LS"\n', 'label = "LS"\n"train.batch_size" = 100\n')
    fill(results, resolved(text).specs(), ACCURACIES)
    table = build_report(loaded(text), results)
    marked = {(cell.column["label"] == "LS", cell.differs is None) for cell in table.cells}
    assert marked == {(True, True), (False, False)}
    # Two data sets and two architectures of four methods, of which one is changed.
    assert "recipe table7: not the paper's setting in 4 of 16 cells." in texts(table)
    assert "combined standard errors" in texts(table)


def test_narrowing_the_sweep_stays_in_the_papers_setting(
    loaded: Load, resolved: Resolve, results: Any, fill: Any
) -> None:
    overrides = {"settings": (("model.name", "resnet32"),)}
    fill(results, resolved(**overrides).specs(), ACCURACIES)
    table = build_report(loaded(**overrides), results)
    assert len(table.cells) == 8
    assert {cell.differs for cell in table.cells} == {True, False}


def test_another_noise_rate_has_no_published_numbers(loaded: Load) -> None:
    table = build_report(loaded(settings=(("noise.rate", 0.4),)), None)
    assert not any(cell.paper for cell in table.cells)
    assert table.source is None


def test_the_command_repeats_every_option(loaded: Load) -> None:
    options = {
        "profile": "quick",
        "settings": ["train.steps=500", "loss.name=standard", 'train.augment="crop flip"'],
        "only": ['label=["LS", "Baseline"]', "model.name=resnet32"],
        "data": ["cifar10=my set"],
        "seeds": 2,
    }
    overrides = overrides_from(**options)  # type: ignore[arg-type]
    recipe = loaded(name="my recipe.toml")
    from dataclasses import replace

    from lsncli.report.filling import command_for

    words = shlex.split(command_for(replace(recipe, profile="quick", overrides=overrides), ["--db", "a b.db"]))
    assert words[:5] == ["lsn", "run", "my recipe.toml", "--profile", "quick"]
    again: dict[str, list[str]] = {}
    for option, value in zip(words[5::2], words[6::2], strict=True):
        again.setdefault(option, []).append(value)
    assert again.pop("--db") == ["a b.db"]
    assert (
        overrides_from("quick", again["--set"], again["--only"], again["--data"], int(again["--seeds"][0]))
        == overrides
    )


def test_a_shipped_recipe_is_named_as_one_types_it(loaded: Load) -> None:
    assert build_report(loaded(name="table7.toml (shipped)"), None).fill == "lsn run table7"


def test_of_several_replacements_the_command_has_those_that_the_recipe_uses(loaded: Load) -> None:
    data = {"cifar10": "a", "mnist": "b", "cifar100": "c"}
    # Both of the recipe's sets, the one that --only leaves out too: lsn run takes it as well.
    fill = build_report(loaded(data=data, shared=True, only=(("data.name", "cifar10"),)), None).fill
    assert fill == "lsn run recipe.toml --only data.name=cifar10 --data cifar10=a --data cifar100=c"


@pytest.mark.parametrize("value", [True, 1, 0.1, 1e-4, "plain", "0.1", "true", "a=b", ' "', [1, "x"], {"a b": 1}])
def test_setting_texts_read_back(value: Any) -> None:
    from lsncli.recipe.loading import parse_setting, setting_text

    read = parse_setting(f"key={setting_text(value)}")[1]
    assert read == value
    assert type(read) is type(value)
