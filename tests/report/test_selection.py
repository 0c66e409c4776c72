"""What a noisy validation split selects: by hand, and on real digits."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from lsncli.cli.main import build_app
from lsncli.errors import LsnError
from lsncli.recipe.resolve import ResolvedRecipe
from lsncli.report.results import find_results
from lsncli.report.selection import Selection, select
from lsncli.report.selection_table import selection_table

RECIPE = """\
title = "Which α?"
seeds = [0, 1]
[data]
name = "digits"
validation_size = 200
[noise]
name = "symmetric"
[model]
name = "mlp"
[loss]
name = "label-smoothing"
[train]
steps = 100
[sweep]
"noise.rate" = [0.2, 0.4]
"loss.alpha" = [0.1, 0.4, 0.8]
"""

#: By α: validation and test accuracy of the two seeds. The means are 0.71, 0.74, 0.735 and 0.80, 0.91, 0.93.
ACCURACIES = {
    0.1: ((0.70, 0.80), (0.72, 0.80)),
    0.4: ((0.73, 0.90), (0.75, 0.92)),
    0.8: ((0.74, 0.94), (0.73, 0.92)),
}


@pytest.fixture
def chosen(
    resolved: Callable[..., ResolvedRecipe], results: Any, specs_at: Callable[..., Any]
) -> Callable[..., Selection]:
    def choose(over: tuple[str, ...] = ("loss.alpha",), leave_out: tuple[float, int] | None = None) -> Selection:
        recipe = resolved(RECIPE)
        for alpha, by_seed in ACCURACIES.items():
            for spec in specs_at(recipe, noise__rate=0.2, loss__alpha=alpha):
                if (alpha, spec.seed) != leave_out:
                    validation, test = by_seed[spec.seed]
                    results.add(spec, validation_accuracy=validation, test_accuracy=test)
        return select(find_results(recipe, results), results, over)

    return choose


def test_the_highest_mean_validation_accuracy_is_selected(chosen: Callable[..., Selection]) -> None:
    choice = chosen().choices[0]
    assert choice.place == {"noise.rate": 0.2}
    assert choice.selected is not None
    assert choice.best is not None
    assert choice.worst is not None
    assert [o.value["loss.alpha"] for o in (choice.selected, choice.best, choice.worst)] == [0.4, 0.8, 0.1]
    # 0.94 − 0.90 and 0.92 − 0.92, seed by seed.
    assert choice.lost() == pytest.approx([0.04, 0.0])


def test_each_seed_alone_may_choose_otherwise(chosen: Callable[..., Selection]) -> None:
    choice = chosen().choices[0]
    assert [option.value["loss.alpha"] for option in choice.chosen_alone] == [0.8, 0.4]
    assert choice.lost_alone() == pytest.approx([0.0, 0.0])
    assert [(option.value["loss.alpha"], count) for option, count in choice.votes()] == [(0.4, 1), (0.8, 1)]


@pytest.mark.parametrize(
    ("first", "second"),
    # The means are equal, 0.2 and 0.7/3; as floating-point numbers they are not, whether by sum() or by fsum().
    [((0.1, 0.1, 0.4), (0.3, 0.2, 0.1)), ((0.1, 0.1, 0.5), (0.1, 0.2, 0.4))],
)
def test_of_equals_the_first_is_taken(
    resolved: Callable[..., ResolvedRecipe],
    results: Any,
    specs_at: Callable[..., Any],
    first: tuple[float, ...],
    second: tuple[float, ...],
) -> None:
    for turn in ((first, second), (second, first)):
        recipe = resolved(RECIPE.replace("seeds = [0, 1]", "seeds = [0, 1, 2]").replace("0.4, 0.8]", "0.8]"))
        for alpha, accuracies in zip((0.1, 0.8), turn, strict=True):
            for spec, value in zip(specs_at(recipe, noise__rate=0.2, loss__alpha=alpha), accuracies, strict=True):
                results.add(spec, validation_accuracy=value, test_accuracy=value)
        choice = select(find_results(recipe, results), results, ("loss.alpha",)).choices[0]
        for option in (choice.selected, choice.best, choice.worst):
            assert option is not None
            assert option.value == {"loss.alpha": 0.1}


def three_seeds(
    resolved: Callable[..., ResolvedRecipe],
    results: Any,
    specs_at: Callable[..., Any],
    validation: dict[float, tuple[float, ...]],
) -> Selection:
    """One setting; test accuracies are as the validation's."""
    text = RECIPE.replace("seeds = [0, 1]", "seeds = [0, 1, 2]").replace("[0.2, 0.4]", "[0.2]")
    recipe = resolved(text.replace("[0.1, 0.4, 0.8]", str(list(validation))))
    for alpha, accuracies in validation.items():
        for spec, value in zip(specs_at(recipe, loss__alpha=alpha), accuracies, strict=False):
            results.add(spec, validation_accuracy=value, test_accuracy=value)
    return select(find_results(recipe, results), results, ("loss.alpha",))


def test_what_cannot_be_told_from_the_choice_is_said(
    resolved: Callable[..., ResolvedRecipe], results: Any, specs_at: Callable[..., Any]
) -> None:
    # Against 0.4: −0.10, −0.11, −0.09 (t = 17, p = 0.003) for 0.1; −0.03, +0.02, −0.01 (t = 0.5, p = 0.69) for 0.8.
    values = {0.1: (0.60, 0.61, 0.64), 0.4: (0.70, 0.72, 0.73), 0.8: (0.67, 0.74, 0.72)}
    selection = three_seeds(resolved, results, specs_at, values)
    (choice,) = selection.choices
    alike = choice.alike()
    assert alike is not None
    assert [option.value["loss.alpha"] for option in alike] == [0.8]
    table = selection_table(selection)
    # The mean of 70, 72 and 73, and their deviation, √(7/3).
    assert ("71.67 ± 1.53", "like it: 0.8") in table.rows[0]
    assert not any("tried" in note or "same" in note or "Fewer" in note for note in table.notes)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({0.1: (0.6, 0.7, 0.6), 0.4: (0.7, 0.8, 0.9)}, "α = 0.4 is the greatest value tried"),
        ({0.1: (0.7, 0.8, 0.9), 0.4: (0.6, 0.7, 0.6)}, "α = 0.1 is the least value tried"),
        ({0.1: (0.7, 0.8, 0.9), 0.4: (0.8, 0.9, 0.7), 0.8: (0.1, 0.2, 0.2)}, "0.1, 0.4 have the same validation"),
        ({0.1: (0.6, 0.7, 0.6), 0.4: (0.7, 0.8, 0.9), 0.8: (0.7,)}, "Seeds 1, 2 are not compared"),
        ({0.1: (0.6, 0.7), 0.4: (0.7, 0.8)}, "Fewer than 3 seeds"),
    ],
)
def test_what_one_should_know_before_acting_on_it(
    resolved: Callable[..., ResolvedRecipe],
    results: Any,
    specs_at: Callable[..., Any],
    values: dict[float, tuple[float, ...]],
    said: str,
) -> None:
    notes = selection_table(three_seeds(resolved, results, specs_at, values)).notes
    assert [note for note in notes if said in note]
    if "Fewer" not in said and "Seeds" not in said:
        assert not any("Fewer" in note for note in notes)


@pytest.mark.parametrize(
    "values",
    [
        # Of the value beyond nothing is known yet, so that sweeping beyond is no advice.
        {0.1: (0.6, 0.7, 0.6), 0.4: (0.7, 0.8, 0.9), 0.8: ()},
        # As good as the end is one that is none.
        {0.1: (0.7, 0.8, 0.9), 0.4: (0.8, 0.9, 0.7), 0.8: (0.1, 0.2, 0.2)},
    ],
)
def test_the_end_of_the_grid_is_no_matter(
    resolved: Callable[..., ResolvedRecipe],
    results: Any,
    specs_at: Callable[..., Any],
    values: dict[float, tuple[float, ...]],
) -> None:
    notes = selection_table(three_seeds(resolved, results, specs_at, values)).notes
    assert not any("value tried" in note for note in notes)


def test_runs_without_a_seed_in_common_are_not_missing(
    resolved: Callable[..., ResolvedRecipe], results: Any, specs_at: Callable[..., Any]
) -> None:
    recipe = resolved(RECIPE.replace("[0.2, 0.4]", "[0.2]").replace("[0.1, 0.4, 0.8]", "[0.1, 0.4]"))
    for alpha, seed in ((0.1, 0), (0.4, 1)):
        results.add(specs_at(recipe, loss__alpha=alpha)[seed], validation_accuracy=0.5, test_accuracy=0.5)
    table = selection_table(select(find_results(recipe, results), results, ("loss.alpha",)))
    assert (table.rows[0][1], table.rows[0][-1]) == ("no common seed", 0)
    assert "Seeds 0, 1 are not compared, as some value has no run of them." in table.notes


def test_what_diverges_is_not_chosen_by_its_lucky_runs(
    resolved: Callable[..., ResolvedRecipe], results: Any, specs_at: Callable[..., Any]
) -> None:
    """0.8 has the best run of all, and two that came to nothing; the other values keep their three seeds."""
    text = RECIPE.replace("seeds = [0, 1]", "seeds = [0, 1, 2]").replace("[0.2, 0.4]", "[0.2]")
    recipe = resolved(text)
    for alpha, accuracies in {0.1: (0.6, 0.7, 0.6), 0.4: (0.7, 0.8, 0.9)}.items():
        for spec, value in zip(specs_at(recipe, loss__alpha=alpha), accuracies, strict=True):
            results.add(spec, validation_accuracy=value, test_accuracy=value)
    lucky, *others = specs_at(recipe, loss__alpha=0.8)
    results.add(lucky, validation_accuracy=0.99, test_accuracy=0.99)
    for spec in others:
        results.add(spec, status="diverged")
    selection = select(find_results(recipe, results), results, ("loss.alpha",))
    (choice,) = selection.choices
    assert choice.selected is not None
    assert (choice.selected.value, choice.seeds, choice.missing) == ({"loss.alpha": 0.4}, (0, 1, 2), 0)
    table = selection_table(selection)
    assert "α = 0.8: 2 of 3 runs diverged, so it is not chosen from." in table.notes
    # Beyond 0.4 a value was tried, and nothing is left to train.
    assert not any("value tried" in note or "Train the missing" in note for note in table.notes)
    (told,) = table.extra["choices"]
    assert told["diverged"] == [{"value": {"loss.alpha": 0.8}, "seeds": [1, 2]}]


def test_where_all_diverge_nothing_is_chosen(
    resolved: Callable[..., ResolvedRecipe], results: Any, specs_at: Callable[..., Any]
) -> None:
    recipe = resolved(RECIPE.replace("[0.2, 0.4]", "[0.2]").replace("[0.1, 0.4, 0.8]", "[0.1]"))
    for spec in specs_at(recipe, loss__alpha=0.1):
        results.add(spec, status="diverged")
    table = selection_table(select(find_results(recipe, results), results, ("loss.alpha",)))
    assert (table.rows[0][1], table.rows[0][-1]) == ("diverged", 0)
    assert "α = 0.1: 2 of 2 runs diverged, so it is not chosen from." in table.notes


def test_below_zero_there_is_nothing(
    resolved: Callable[..., ResolvedRecipe], results: Any, specs_at: Callable[..., Any]
) -> None:
    selection = three_seeds(resolved, results, specs_at, {0.0: (0.7, 0.8, 0.9), 0.4: (0.6, 0.7, 0.6)})
    assert not any("tried" in note for note in selection_table(selection).notes)


def test_only_seeds_that_all_have_are_compared(chosen: Callable[..., Selection]) -> None:
    """Without α = 0.4's second run the first seed decides, and it prefers 0.8."""
    selection = chosen(leave_out=(0.4, 1))
    choice = selection.choices[0]
    assert choice.seeds == (0,)
    assert choice.selected is not None
    assert choice.selected.value == {"loss.alpha": 0.8}
    assert "Seed 1 is not compared, as some value has no run of it." in selection_table(selection).notes
    assert selection.fill is not None
    assert selection.fill.startswith("lsn run recipe.toml")


def test_a_setting_without_runs_is_told_as_missing(chosen: Callable[..., Selection]) -> None:
    selection = chosen()
    assert (selection.choices[1].selected, selection.choices[1].missing) == (None, 3)
    table = selection_table(selection)
    assert (table.rows[0][1], table.rows[0][-1]) == (("α = 0.4", "91.00 ± 1.41"), 2)
    assert (table.rows[1][1], table.rows[1][-1]) == ("missing", 0)
    # In the words of every other report.
    assert any(note.startswith("Train the missing runs: lsn run recipe.toml") for note in table.notes)


def test_the_noise_rate_can_be_chosen_over_too(chosen: Callable[..., Selection]) -> None:
    (choice,) = chosen(over=("noise.rate", "loss.alpha")).choices
    assert choice.place == {}
    assert choice.missing == 3


def test_what_cannot_be_chosen_is_refused(
    chosen: Callable[..., Selection], resolved: Callable[..., ResolvedRecipe]
) -> None:
    with pytest.raises(LsnError, match="not swept") as raised:
        chosen(over=("loss.beta",))
    assert raised.value.valid
    without = find_results(resolved(RECIPE.replace("validation_size = 200\n", "")), None)
    with pytest.raises(LsnError, match="no validation set"):
        select(without, None, ("loss.alpha",))


def test_a_choice_by_runs_of_two_steps_is_warned_of(tmp_path: Path) -> None:
    database = str(tmp_path / "r.db")
    few = ["choose-alpha", "--seeds", "1", "--only", "label=label smoothing", "--db", database]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LSN_EXECUTOR", "in-process")
        assert CliRunner().invoke(build_app(), ["run", *few, "--profile", "smoke"]).exit_code == 0
    told = CliRunner().invoke(build_app(), ["select", *few])
    assert "runs of the profile smoke alone" in told.stderr
    assert "smoke alone" not in CliRunner().invoke(build_app(), ["select", *few, "--profile", "smoke"]).stderr


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """Three seeds of the shipped recipe, trained; label smoothing alone, as the test must be quick."""
    folder = tmp_path_factory.mktemp("digits")
    chosen_runs = ["choose-alpha", "--seeds", "3", "--only", "label=label smoothing", "--db", str(folder / "r.db")]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LSN_EXECUTOR", "in-process")
        trained = CliRunner().invoke(build_app(), ["run", *chosen_runs])
        assert trained.exit_code == 0, trained.output
        told = CliRunner().invoke(build_app(), ["select", *chosen_runs, "--format", "json"])
    assert told.exit_code == 0, told.output
    choices: list[dict[str, Any]] = json.loads(told.stdout)["choices"]
    return choices


@pytest.mark.parametrize("rate", [0.2, 0.4])
def test_on_digits_the_choice_is_within_the_noise_of_the_best(digits: list[dict[str, Any]], rate: float) -> None:
    """Two standard deviations of the difference of two runs; and it is far from the worst."""
    (choice,) = [c for c in digits if c["setting"]["noise.rate"] == rate]
    tested = {option["value"]["loss.alpha"]: option["test_accuracy"] for option in choice["options"]}
    selected, best, worst = (tested[choice[name]["loss.alpha"]] for name in ("selected", "best", "worst"))
    lost = mean(best) - mean(selected)
    assert lost <= 2 * math.sqrt(variance(best) + variance(selected))
    assert mean(best) - mean(worst) > 0.05
    assert lost < 0.25 * (mean(best) - mean(worst))


@pytest.mark.parametrize("rate", [0.2, 0.4])
def test_noisy_accuracy_is_the_line_that_symmetric_noise_makes_of_clean_accuracy(
    digits: list[dict[str, Any]], rate: float
) -> None:
    """(1 − ρ) a + ρ (1 − a)/9, within four binomial standard errors of 200 validation and 797 test examples."""
    (choice,) = [c for c in digits if c["setting"]["noise.rate"] == rate]
    for option in choice["options"]:
        clean, noisy = mean(option["test_accuracy"]), mean(option["validation_accuracy"])
        expected = (1 - rate) * clean + rate * (1 - clean) / 9
        # The test set and the 200 validation examples are the same for all seeds; their labels' noise is not.
        error = math.sqrt(expected * (1 - expected) / 600 + clean * (1 - clean) * (1 / 200 + 1 / 797))
        assert abs(noisy - expected) <= 4 * error


def mean(values: list[float]) -> float:
    return math.fsum(values) / len(values)


def variance(values: list[float]) -> float:
    return math.fsum((value - mean(values)) ** 2 for value in values) / (len(values) - 1)


CASES = """\
title = "Which loss?"
seeds = [0, 1]
[data]
name = "digits"
validation_size = 200
[noise]
name = "symmetric"
rate = 0.2
[model]
name = "mlp"
[train]
steps = 100
[[sweep.case]]
label = "plain"
loss = { name = "standard" }
[[sweep.case]]
label = "smoothed"
loss = { name = "label-smoothing" }
sweep = { "loss.alpha" = [0.1, 0.4] }
"""


def test_values_of_several_keys_are_told_apart(resolved: Callable[..., ResolvedRecipe], results: Any) -> None:
    """Semicolons part them, and an option says nothing of a key that it has no value of."""
    recipe = resolved(CASES)
    for spec in recipe.specs():
        results.add(spec, validation_accuracy=0.5, test_accuracy=0.5)
    table = selection_table(select(find_results(recipe, results), results, ("label", "loss.alpha")))
    assert table.rows[0][0] == ("method = plain", "50.00 ± 0.00")
    equals = "plain; smoothed, 0.1; smoothed, 0.4 have the same validation accuracy; the first is taken."
    assert equals in table.notes
