"""Warnings of a report about data sets: names with nothing behind them, or with other contents than before."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lsncli.recipe.loading import LoadedRecipe, Overrides
    from lsncli.store import Store


def warn_of_unknown_data(overrides: Overrides, store: Store | None, data_dir: Path | None) -> None:
    """Warn of each data set that is to stand in, is not on this machine, and has no run in the database.

    No error: a report needs no data, and its runs may be trained elsewhere.
    """
    from lsncli.cli.output import warn
    from lsncli.data.catalogue import describe
    from lsncli.data.context import default_data_dir
    from lsncli.errors import UnknownNameError

    for name in dict.fromkeys((overrides.data or {}).values()):
        try:
            describe(name, data_dir or default_data_dir())
        except UnknownNameError as error:
            if not _has_runs(store, name):
                hint = f": {error.next}" if error.next else ""
                warn(f"--data: data set {name!r} is not known here, and no stored run uses it{hint}")


def _has_runs(store: Store | None, data: str) -> bool:
    specs = [] if store is None else [run.spec.get("data") for run in store.runs()]
    return any(isinstance(section, dict) and section.get("name") == data for section in specs)


def warn_of_replaced_data(loaded: Iterable[LoadedRecipe], store: Store | None, data_dir: Path | None) -> None:
    """Warn where stored runs of the recipes were trained on other images than their data sets have here now."""
    from lsncli.data.context import DataContext, default_data_dir
    from lsncli.recipe.resolve import used_data

    recipes, folder = list(loaded), data_dir or default_data_dir()
    prepared = DataContext(folder).prepared_dir
    if store is None or not prepared.is_dir():
        return
    names = set(store.stand_ins()).union(*(used_data(recipe) for recipe in recipes))
    names |= {other for recipe in recipes for other in (recipe.overrides.data or {}).values()}
    if not any((prepared / name).is_dir() for name in names):
        return  # what follows reads the recipes once more
    from lsncli.cli.output import warn
    from lsncli.plan import Plan
    from lsncli.replaced_data import of_prepared_sets, trained_on_others
    from lsncli.report.results import DONE, find_profile

    found = [find_profile(recipe, store) for recipe in recipes]
    done = {key for each in found for key, status in each.statuses.items() if status == DONE}
    runs = of_prepared_sets(Plan.of(spec for each in found for spec in each.resolved.specs()), done)
    if told := trained_on_others(runs, store, folder):
        warn(told)
