"""Panels of lines: means with their standard deviation, densities, and functions."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from lsncli.report.figures.model import CurvePanel, DensityPanel, LinePanel, LineSeries, Point
from lsncli.report.figures.style import BLACK, BLUE, GREEN, GREY, VERMILLION, Look, looks

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_SHADE = 0.18
NOTHING = "no results yet"


def draw_means(panel: LinePanel, axes: Axes, entries: list[tuple[Any, str]]) -> None:
    """Means against x, ± standard deviation shaded; a series without x is a level; published means are hollow."""
    look = looks([series.label for series in panel.series])
    _label(axes, panel.title, panel.x_label, panel.y_label)
    xs = [p.x for series in panel.series for p in series.points if p.x is not None] or [0.0]
    margin = 0.06 * (max(xs) - min(xs, default=0.0)) or 0.05
    # A baseline belongs to zero: its published mean is shown there.
    low = 0.0 if any(s.constant for s in panel.series) else min(xs)
    axes.set_xlim(min(low, *xs) - margin, max(xs) + margin)
    drawn = False
    for series in panel.series:
        handle, any_point = _series(series, look[series.label], axes)
        entries.append((handle, series.label))
        drawn = drawn or any_point
    published = _published(panel, look, axes)
    if not drawn:
        _say(axes, NOTHING)
        if not published:
            axes.set_ylim(0, 100 if panel.y_label.endswith("%") else 1)
    axes.grid(axis="y", color="#DDDDDD", linewidth=0.5)
    axes.set_axisbelow(True)


def _series(series: LineSeries, look: Look, axes: Axes) -> tuple[Any, bool]:
    style: dict[str, Any] = {"color": look.color, "linestyle": look.line}
    shown = [p for p in series.points if p.cell.mean is not None and math.isfinite(p.cell.mean)]
    if series.constant:
        for point in shown[:1]:
            mean, std = _numbers(point)
            axes.axhline(mean, **style)
            axes.axhspan(mean - std, mean + std, color=look.color, alpha=_SHADE, linewidth=0)
        handle = axes.plot([], [], **style)[0]
    else:
        placed = [p for p in shown if p.x is not None]
        # A missing run breaks the line: nothing is known in between.
        every = [p.x for p in series.points if p.x is not None]
        known = {p.x: _numbers(p) for p in placed}
        means = np.array([known.get(x, (math.nan, math.nan))[0] for x in every])
        stds = np.array([known.get(x, (math.nan, math.nan))[1] for x in every])
        handle = axes.plot(every, means, marker=look.marker, **style)[0]
        axes.fill_between(every, means - stds, means + stds, color=look.color, alpha=_SHADE, linewidth=0)
    return handle, bool(shown)


def _published(panel: LinePanel, look: dict[str, Look], axes: Axes) -> int:
    """Show the published means as hollow markers, one for each set of runs; how many."""
    lines: dict[tuple[str, ...], list[tuple[str, Point]]] = {}
    for series in panel.series:
        for point in series.points:
            if point.cell.paper is not None:
                lines.setdefault(point.cell.keys, []).append((series.label, point))
    for shared in lines.values():
        label, point = shared[0]
        assert point.cell.paper is not None
        # What several lines share, the baseline, belongs to none of them.
        how = look[label] if len(shared) == 1 else Look(BLACK, "-", "D")
        axes.errorbar(
            point.x or 0.0,
            point.cell.paper.mean,
            yerr=point.cell.paper.std,
            marker=how.marker,
            markersize=7,
            markerfacecolor="none",
            color=how.color,
            linestyle="none",
            capsize=2,
            linewidth=0.8,
        )
    return len(lines)


def _numbers(point: Point) -> tuple[float, float]:
    assert point.cell.mean is not None
    return point.cell.mean, point.cell.std if point.cell.std is not None else 0.0


def draw_densities(panel: DensityPanel, axes: Axes, entries: list[tuple[Any, str]]) -> None:
    """Densities, ± standard deviation shaded, on a square-root scale: peaks are many times as high as the rest."""
    look = looks([series.label for series in panel.series])
    _label(axes, panel.title, panel.x_label, panel.y_label)
    highest = 0.0
    for series in panel.series:
        how = look[series.label]
        style: dict[str, Any] = {"color": how.color, "linestyle": how.line, "linewidth": 1.2}
        if series.mean is None:
            entries.append((axes.plot([], [], **style)[0], series.label))
            continue
        entries.append((axes.plot(series.x, series.mean, **style)[0], series.label))
        top = series.mean
        if series.std is not None:
            top = series.mean + series.std
            below = np.maximum(series.mean - series.std, 0.0)
            axes.fill_between(series.x, below, top, color=how.color, alpha=_SHADE, linewidth=0)
        highest = max(highest, float(top.max()))
    axes.set_yscale("function", functions=(_root, np.square))
    axes.set_ylim(0, highest * 1.05 or 1.0)
    axes.yaxis.set_major_locator(_ticks(highest or 1.0))
    if panel.series:
        low, high = float(panel.series[0].x[0]), float(panel.series[0].x[-1])
        # The peaks are at both ends: they stay clear of the axis.
        axes.set_xlim(low - 0.02 * (high - low), high + 0.03 * (high - low))
    if not highest:
        _say(axes, NOTHING)


def _root(values: Any) -> Any:
    return np.sqrt(np.maximum(values, 0.0))


def _ticks(highest: float) -> Any:
    """Round values, evenly spaced on the square-root scale as far as that goes."""
    from matplotlib.ticker import FixedLocator

    unit = 10.0 ** math.floor(math.log10(highest))
    steps = (0.0, 0.1, 0.5, 1.0, 2.0, 5.0, 10.0) if highest / unit > 2 else (0.0, 0.1, 0.3, 0.6, 1.0, 1.5, 2.0)
    return FixedLocator([step * unit for step in steps if step * unit <= highest * 1.05])


def draw_curves(panel: CurvePanel, axes: Axes, entries: list[tuple[Any, str]]) -> None:
    """Functions by their values; the levels are dotted."""
    order = (Look(BLACK, "-", ""), Look(BLUE, "-", ""), Look(GREEN, "-.", ""), Look(VERMILLION, "--", ""))
    _label(axes, panel.title, panel.x_label, panel.y_label)
    axes.axhline(0, color=GREY, linewidth=0.6)
    for index, curve in enumerate(panel.curves):
        how = order[index % len(order)]
        # The smoothed loss nearly covers the standard one in places: it is the thicker line.
        wide = 2.4 if index == 1 else 1.5
        line = axes.plot(curve.x, curve.y, color=how.color, linestyle=how.line, linewidth=wide)[0]
        entries.append((line, curve.label))
    for label, level in panel.levels:
        axes.axhline(level, color=VERMILLION, linestyle=":", linewidth=0.9)
        x = float(panel.curves[0].x[-1])
        axes.annotate(label, (x, level), xytext=(-2, 2), textcoords="offset points", ha="right", fontsize=8)
    axes.set_xlim(float(panel.curves[0].x[0]), float(panel.curves[0].x[-1]))


def _label(axes: Axes, title: str, x: str, y: str) -> None:
    axes.set_title(title)
    axes.set_xlabel(x)
    axes.set_ylabel(y)


def _say(axes: Axes, text: str) -> None:
    axes.text(0.5, 0.5, text, transform=axes.transAxes, ha="center", va="center", color=GREY, fontsize=9)
