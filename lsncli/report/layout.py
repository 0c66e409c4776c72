"""Decides which swept keys make the rows of a report and which its columns, and in what order."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from lsncli.errors import LsnError
from lsncli.recipe.resolve import ResolvedRecipe, ResolvedVariant
from lsncli.report.table import Heading, identity

LABEL, METRIC = "label", "metric"


@dataclass(frozen=True, slots=True)
class Layout:
    """The keys of rows and columns; each may hold ``metric``."""

    rows: tuple[str, ...]
    columns: tuple[str, ...]

    def row(self, variant: ResolvedVariant, metric: str) -> Heading:
        """The row of a variant's metric."""
        return _heading(self.rows, variant, metric)

    def column(self, variant: ResolvedVariant, metric: str) -> Heading:
        """The column of a variant's metric."""
        return _heading(self.columns, variant, metric)


def layout_of(resolved: ResolvedRecipe) -> Layout:
    """The layout that the recipe asks for; by default labels, or else the last swept key, make the columns.

    Raises :class:`LsnError` for a key that is not swept, that is used twice, or if two combinations of the
    sweep would fall into one cell.
    """
    section = resolved.loaded.recipe.report
    swept = list(dict.fromkeys(key for variant in resolved.variants for key in variant.coordinates))
    _check_keys(section.rows, section.columns, swept, resolved)
    rows, columns = section.rows, section.columns
    if columns is None:
        columns = [key for key in swept if key not in (rows or ())]
        if rows is None:
            columns = [LABEL] if LABEL in columns else columns[-1:]
    if rows is None:
        rows = [key for key in swept if key not in columns]
    if len(section.metrics) > 1 and METRIC not in (*rows, *columns):
        columns = [*columns, METRIC]
    layout = Layout(tuple(rows), tuple(columns))
    _check_cells(layout, resolved)
    return layout


def check_layouts(recipes: Iterable[ResolvedRecipe]) -> None:
    """Raise what :func:`layout_of` would at the report, before hours of training."""
    for recipe in recipes:
        layout_of(recipe)


def ordered(headings: Iterable[Heading], keys: Sequence[str]) -> tuple[Heading, ...]:
    """The distinct headings, those of equal first key together, otherwise in the order of the sweep."""
    found: dict[tuple[str, ...], Heading] = {}
    ranks: list[dict[str, int]] = [{} for _ in keys]
    for heading in headings:
        texts = _texts(heading, keys)
        found.setdefault(texts, heading)
        for rank, text in zip(ranks, texts, strict=True):
            rank.setdefault(text, len(rank))
    places = sorted(found, key=lambda texts: [rank[text] for rank, text in zip(ranks, texts, strict=True)])
    return tuple(found[texts] for texts in places)


def _texts(heading: Heading, keys: Sequence[str]) -> tuple[str, ...]:
    return tuple(
        heading.metric or "" if key == METRIC else identity({"": heading.coordinates[key]}) for key in keys
    )


def _heading(keys: Sequence[str], variant: ResolvedVariant, metric: str) -> Heading:
    coordinates = {key: variant.coordinates.get(key) for key in keys if key != METRIC}
    return Heading(coordinates, metric if METRIC in keys else None)


def _check_keys(
    rows: list[str] | None, columns: list[str] | None, swept: list[str], resolved: ResolvedRecipe
) -> None:
    known = [*swept, METRIC]
    used: dict[str, str] = {}
    for name, keys in (("rows", rows), ("columns", columns)):
        for key in keys or ():
            where = resolved.loaded.source.place(f"report.{name}")
            if key not in known:
                close = get_close_matches(key, known, n=1, cutoff=0.5)
                raise LsnError(
                    f"report.{name}: {key!r} is not swept by the recipe",
                    where=where,
                    valid=known,
                    next=f"did you mean {close[0]!r}?" if close else None,
                )
            if key in used:
                also = " twice" if used[key] == name else f", and report.{used[key]} too"
                raise LsnError(f"report.{name} has {key!r}{also}", where=where, next="name each key once")
            used[key] = name


def _check_cells(layout: Layout, resolved: ResolvedRecipe) -> None:
    """Two combinations in one cell would mix different experiments in one mean."""
    seen: dict[str, Any] = {}
    for variant in resolved.variants:
        place = identity({key: variant.coordinates.get(key) for key in (*layout.rows, *layout.columns)})
        keys = {spec.key for spec in variant.specs}
        if seen.setdefault(place, keys) != keys:
            left_out = [k for k in variant.coordinates if k not in (*layout.rows, *layout.columns)]
            raise LsnError(
                "the report would mix different runs in one cell",
                where=resolved.loaded.source.place("report" if left_out else "sweep.case"),
                next=f"add {', '.join(map(repr, left_out))} to report.rows or report.columns"
                if left_out
                else "give each [[sweep.case]] its own label",
            )
