"""Builds a figure of the paper: finds its recipe and its runs, or computes it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

from lsncli.errors import LsnError
from lsncli.recipe.documents import Computation, document_of
from lsncli.recipe.loading import Overrides, load, read_source
from lsncli.registry import Registry, registry
from lsncli.report.figures.computed import Computations, Keep
from lsncli.report.figures.model import Figure
from lsncli.report.figures.recipes import COMPUTED, check_number, recipe_of_figure
from lsncli.report.figures.runs import FigureResults, FigureRuns
from lsncli.report.published import published_table
from lsncli.report.results import find_profile

#: Figures that show a table's numbers, too: the table, and what it calls the figure's labels.
_PUBLISHED: dict[int, tuple[int, dict[str, str]]] = {2: (7, {"FC": "FC smoothing", "BC": "BC smoothing"})}

QUANTITIES = ("probabilities", "logits")
_WITH_QUANTITY = (3, 7)


class FigureSource(FigureResults, Computations, Protocol):
    """All that figures read from; :class:`lsncli.store.Store` is one."""


def build_figure(
    number: int,
    results: FigureSource | None,
    overrides: Overrides | None = None,
    *,
    recipe: str | None = None,
    quantity: str | None = None,
    keep: Keep | None = None,
    components: Registry | None = None,
    run_options: Sequence[str] = (),
    notes: Sequence[str] = (),
    data_dir: Path | None = None,
) -> Figure:
    """Figure ``number`` of the paper from the database alone; ``results`` None is an empty database.

    recipe: another recipe, or computation, to draw in that figure's way instead of the shipped one. quantity: of
    Figures 3 and 7, ``probabilities`` (as in the paper, the default) or ``logits``. keep: stores what was computed
    for Figures 1 and 5. run_options, notes: as of :func:`lsncli.report.build.build_report`. data_dir: where the
    prepared data sets are, which know their classes' names; None where there are none. Raises :class:`LsnError`
    for a figure that there is not, for options that it does not have, and for a recipe that cannot be drawn so.
    """
    check_number(number)
    _check_quantity(number, quantity)
    overrides = overrides or Overrides()
    if number in COMPUTED:
        from lsncli.report.figures.computed import computed_figure

        return computed_figure(number, _with_parameters(number, recipe, overrides), results, keep)
    components = components or registry()
    loaded = load(recipe or recipe_of_figure(number), overrides)
    table, aliases = _PUBLISHED.get(number, (None, {}))
    runs = FigureRuns(
        find_profile(loaded, results, components=components),
        results,
        run_options,
        published_table(table) if table is not None else None,
        aliases,
        components,
        data_dir,
    )
    figure = _draw_from(number, runs, components, quantity)
    return replace(figure, notes=(*notes, *figure.notes))


def _with_parameters(number: int, recipe: str | None, overrides: Overrides) -> Overrides:
    """What is set on the command line, over what the figure's file says under the profile."""
    source = read_source(recipe or recipe_of_figure(number))
    document = document_of(source)
    if not isinstance(document, Computation) or document.figure != number:
        raise LsnError(
            f"figure {number} is computed, and {source.name} does not say from what",
            where=f"--figure {number}",
            valid=f"a file with figure = {number} and a table [computation]",
            next="leave the recipe out for the paper's figure",
        )
    document.check_profile(overrides.profile, source.name)
    parameters = document.parameters(overrides.profile, overrides.settings)
    return replace(overrides, settings=tuple(parameters.items()))


def needs_runs(number: int) -> bool:
    """Whether the figure is drawn from trained runs."""
    return number not in COMPUTED


def _draw_from(number: int, runs: FigureRuns, components: Registry, quantity: Any) -> Figure:
    if number in (2, 6):
        from lsncli.report.figures.accuracy import accuracy_figure

        return accuracy_figure(number, runs)
    if number in _WITH_QUANTITY:
        from lsncli.report.figures.densities import density_figure

        return density_figure(number, runs, components, quantity or "probabilities")
    from lsncli.report.figures.projections import projection_figure

    return projection_figure(number, runs, components)


def _check_quantity(number: int, quantity: str | None) -> None:
    if quantity is None:
        return
    if number not in _WITH_QUANTITY:
        raise LsnError(
            f"figure {number} has no --quantity to choose",
            where="--quantity",
            valid=f"figures {' and '.join(map(str, _WITH_QUANTITY))}",
        )
    if quantity not in QUANTITIES:
        raise LsnError(f"unknown quantity {quantity!r}", where="--quantity", valid=QUANTITIES)
