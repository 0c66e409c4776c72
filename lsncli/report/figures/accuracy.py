"""Figures 2 and 6: a metric against a swept value, one line per method, one panel per problem."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import replace
from typing import Any

from lsncli.errors import LsnError
from lsncli.recipe.resolve import ResolvedVariant
from lsncli.report.figures.model import Figure, LinePanel, LineSeries, Point
from lsncli.report.figures.runs import FigureRuns
from lsncli.report.figures.wording import axis_words, is_series_key, lettered, panel_words, runs_words, sentence
from lsncli.report.figures.wording import series_words as in_words
from lsncli.report.table import identity
from lsncli.report.wording import METRICS, metric_words, one_line

#: What these figures are drawn against in the paper; a recipe of one's own may sweep another number.
_USUAL = ("loss.alpha", "teacher.loss.alpha")


def accuracy_figure(number: int, runs: FigureRuns) -> Figure:
    """The first metric of the recipe's report against the swept number.

    Raises :class:`LsnError` for a recipe that sweeps no number, or different runs under one name.
    """
    loaded = runs.found.resolved.loaded
    metric = loaded.recipe.report.metrics[0]
    x_key = _x_key(runs)
    compared = runs.is_papers_setting(metric)
    panels: dict[str, dict[str, list[Point]]] = defaultdict(lambda: defaultdict(list))
    titles: dict[str, str] = {}
    seen: dict[str, tuple[str, ...]] = {}
    for variant in runs.variants:
        row, column = _split(variant, x_key)
        x = variant.coordinates.get(x_key)
        cell = runs.metric(variant, metric, row, {**column, x_key: x})
        if not compared or cell.stand_in is not None:
            # Beside another setting, or other images, the published number would mislead.
            cell = replace(cell, paper=None)
        panel, name = identity(row), in_words(column)
        place = identity({"panel": panel, "series": identity(column), "x": x})
        if place in seen:
            if seen[place] != cell.keys:
                raise LsnError(
                    f"figure {number} would show different runs as one point",
                    where=loaded.source.place("sweep.case"),
                    next="give each [[sweep.case]] its own label",
                )
            continue  # two combinations of the sweep that are the same runs
        seen[place] = cell.keys
        titles.setdefault(panel, panel_words(variant, row))
        panels[panel][name].append(Point(None if x is None else float(x), cell))
    grid = tuple(
        LinePanel(
            title=lettered(titles[panel], index, len(panels)),
            x_label=one_line(axis_words(x_key)),
            y_label=one_line(metric_words(metric)),
            series=tuple(LineSeries(name, _by_x(points)) for name, points in series.items()),
        )
        for index, (panel, series) in enumerate(panels.items())
    )
    cells = [point.cell for panel in grid for series in panel.series for point in series.points]
    published = any(cell.paper for cell in cells)
    return Figure(
        number=number,
        title=loaded.recipe.title,
        profile=loaded.profile,
        grid=(grid,),
        caption=sentence(
            f"Profile {loaded.profile}.",
            runs.setting(),
            f"{METRICS.get(metric, metric.replace('_', ' ')).capitalize()}: mean of {runs_words(cells)};"
            " shaded: ± sample standard deviation (ddof 1).",
            "Each run at its evaluation of best test accuracy, which is optimistic."
            if loaded.recipe.report.which == "best"
            else "",
            f"Hollow: published mean ± standard deviation (Table {runs.paper.number})."
            if published and runs.paper
            else "",
        ),
        notes=tuple(runs.notes()),
        fill=runs.fill(),
        source=runs.paper.source if published and runs.paper else None,
    )


def _x_key(runs: FigureRuns) -> str:
    swept = list(dict.fromkeys(key for variant in runs.variants for key in variant.coordinates))
    numeric = [
        key for key in swept if (values := _values(runs, key)) and all(_is_number(value) for value in values)
    ]
    for key in (*_USUAL, *numeric):
        if key in numeric:
            return key
    loaded = runs.found.resolved.loaded
    raise LsnError(
        "the recipe sweeps no number that the figure could be drawn against",
        where=loaded.source.place("sweep"),
        valid='for example "loss.alpha" = [0.1, 0.2, 0.4] in [sweep], or in the sweep of a case',
    )


def _values(runs: FigureRuns, key: str) -> list[Any]:
    return [v for variant in runs.variants if (v := variant.coordinates.get(key)) is not None]


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _split(variant: ResolvedVariant, x_key: str) -> tuple[dict[str, Any], dict[str, Any]]:
    rest = {key: value for key, value in variant.coordinates.items() if key != x_key}
    return (
        {key: value for key, value in rest.items() if not is_series_key(key)},
        {key: value for key, value in rest.items() if is_series_key(key)},
    )


def _by_x(points: list[Point]) -> tuple[Point, ...]:
    return tuple(sorted(points, key=lambda point: (point.x is not None, point.x or 0.0)))
