"""Which profile a report shows, and when a data set stands in for another."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from lsncli.errors import LsnError
from lsncli.recipe.loading import LoadedRecipe
from lsncli.recipe.resolve import ResolvedRecipe
from lsncli.report.build import build_report, build_table
from lsncli.report.table import Published, Table

Load = Callable[..., LoadedRecipe]
Resolve = Callable[..., ResolvedRecipe]

ACCURACIES = [0.60, 0.61, 0.62, 0.63, 0.64]


def names(table: Table) -> list[str]:
    return list(dict.fromkeys(str(row.coordinates["data.name"]) for row in table.rows))


@pytest.mark.parametrize(
    ("there", "shown"),
    [((), "paper"), (("smoke",), "smoke"), (("smoke", "quick"), "quick"), (("quick", "paper"), "paper")],
)
def test_the_first_profile_with_results(
    loaded: Load, resolved: Resolve, results: Any, fill: Any, there: tuple[str, ...], shown: str
) -> None:
    for profile in there:
        fill(results, resolved(profile=profile).specs()[:3], ACCURACIES)
    table = build_report(loaded(), results)
    assert table.profile == shown
    keys = {spec.key for spec in resolved(profile=shown).specs()}
    assert {key for cell in table.cells for key in cell.keys} == keys  # never two profiles in one report
    assert sum(cell.n for cell in table.cells) == (3 if there else 0)


def test_a_profile_that_was_asked_for_is_shown_though_empty(
    loaded: Load, resolved: Resolve, results: Any, fill: Any
) -> None:
    fill(results, resolved(profile="paper").specs(), ACCURACIES)
    table = build_report(loaded(profile="quick"), results)
    assert (table.profile, {c.status for c in table.cells}) == ("quick", {"missing"})
    assert table.fill == "lsn run recipe.toml --profile quick"


def test_unfinished_runs_are_no_results(loaded: Load, resolved: Resolve, results: Any, fill: Any) -> None:
    for spec in resolved(profile="paper").specs():
        results.add(spec, "diverged")
    fill(results, resolved(profile="smoke").specs()[:1], ACCURACIES)
    table = build_report(loaded(), results)
    assert table.profile == "smoke"
    assert table.fill == "lsn run recipe.toml --profile smoke"


def test_a_profile_that_the_options_do_not_fit_is_passed_over(
    loaded: Load, resolved: Resolve, results: Any, fill: Any, table7_text: str
) -> None:
    text = table7_text + '[profiles.quick.sweep]\n"model.name" = ["resnet8"]\n'
    fill(results, resolved(text, profile="smoke").specs(), ACCURACIES)
    table = build_report(loaded(text, only=(("model.name", "resnet56"),)), results)
    assert table.profile == "smoke"
    with pytest.raises(LsnError, match="no run of the recipe is left"):
        build_report(loaded(text, profile="quick", only=(("model.name", "resnet56"),)), results)


def test_data_option(loaded: Load, resolved: Resolve, results: Any, fill: Any) -> None:
    data = {"cifar10": "cifar10-copy"}
    fill(results, resolved(data=data).specs(), ACCURACIES)
    table = build_report(loaded(data=data), results)
    assert names(table) == ["cifar100", "cifar10-copy"]
    for cell in table.cells:
        replaced = cell.row["data.name"] == "cifar10-copy"
        assert cell.stand_in == ("cifar10" if replaced else None)
        assert (cell.differs is None) == replaced  # against another data set nothing is marked
    stood_in = next(c for c in table.cells if c.stand_in and c.column["label"] == "LS")
    assert stood_in.paper == Published(83.95, 0.18, 5)  # the replaced set's number
    assert "cifar10-copy stands in for cifar10 (--data)." in {
        n.text for n in table.footnotes if n.mark in stood_in.marks
    }


def test_a_declared_stand_in_is_shown_where_there_is_nothing_else(
    loaded: Load, resolved: Resolve, results: Any, fill: Any
) -> None:
    fill(results, resolved(profile="quick", data={"cifar10": "cifar10-copy"}).specs()[10:], ACCURACIES)
    results.replacements = {"cifar10-copy": "cifar10", "other": "cifar10", "third": "digits"}
    table = build_report(loaded(), results)
    assert table.profile == "quick"
    assert names(table) == ["cifar100", "cifar10-copy"]
    cell = next(c for c in table.cells if c.stand_in)
    assert "stands in for cifar10 (no results of its own)" in table.footnotes[int(cell.marks[0]) - 1].text
    assert table.fill == "lsn run recipe.toml --profile quick --data cifar10=cifar10-copy"


def test_the_stand_in_with_more_results_is_taken(loaded: Load, resolved: Resolve, results: Any, fill: Any) -> None:
    for name, count in (("a-copy", 3), ("b-copy", 4)):
        specs = [s for s in resolved(data={"cifar10": name}).specs() if s.data.name == name]
        fill(results, specs[:count], ACCURACIES)
    results.replacements = {"a-copy": "cifar10", "b-copy": "cifar10"}
    assert names(build_report(loaded(), results)) == ["cifar100", "b-copy"]


def test_real_results_come_first(loaded: Load, resolved: Resolve, results: Any, fill: Any) -> None:
    fill(results, resolved(data={"cifar10": "cifar10-copy"}).specs(), ACCURACIES)
    real = [s for s in resolved().specs() if s.data.name == "cifar10"]
    fill(results, real[:1], ACCURACIES)
    results.replacements = {"cifar10-copy": "cifar10"}
    table = build_report(loaded(), results)
    assert names(table) == ["cifar100", "cifar10"]
    assert not any(cell.stand_in for cell in table.cells)


def test_without_a_declaration_nothing_stands_in(loaded: Load, resolved: Resolve, results: Any, fill: Any) -> None:
    fill(results, resolved(data={"cifar10": "cifar10-copy"}).specs(), ACCURACIES)
    assert names(build_report(loaded(), results)) == ["cifar100", "cifar10"]


def test_a_stand_in_that_does_not_fit_shows_nothing(
    loaded: Load, resolved: Resolve, results: Any, fill: Any
) -> None:
    # The recipe's asymmetric noise has a map for the classes of CIFAR-10 only: digits cannot take its place.
    settings = (("noise", {"name": "asymmetric", "rate": 0.2}),)
    fill(results, resolved(settings=settings, only=(("data.name", "cifar100"),)).specs(), ACCURACIES)
    results.replacements = {"digits": "cifar10"}
    assert names(build_report(loaded(settings=settings), results)) == ["cifar100", "cifar10"]


def test_a_stand_in_for_a_data_set_that_is_not_swept(resolved: Resolve, results: Any, small_text: str) -> None:
    for spec in resolved(small_text, data={"digits": "my-digits"}).specs():
        results.add(spec, test_accuracy=0.9)
    results.replacements = {"my-digits": "digits"}
    (cell,) = build_table(resolved(small_text), results).cells
    assert (cell.stand_in, cell.n, cell.row) == ("digits", 3, {})
