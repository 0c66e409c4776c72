"""Draws a figure: panels side by side, one legend below them, then the caption and what is missing."""

from __future__ import annotations

import io
import itertools
import re
import textwrap
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from lsncli.report.figures.model import (
    CurvePanel,
    DensityPanel,
    Figure,
    LinePanel,
    Panel,
    PlanePanel,
    ProjectionPanel,
    WordsPanel,
)
from lsncli.report.figures.style import GREY, VERMILLION, styled
from lsncli.report.wording import one_line

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Form = Literal["png", "svg", "pdf"]
FORMS: tuple[Form, ...] = ("png", "svg", "pdf")

#: Legend entries: what is shown, and its words.
Entries = list[tuple[Any, str]]

#: Inches: a figure of two panels fills a page's text width, one panel a column.
_PANEL_WIDTH = {1: 4.4, 2: 3.5, 3: 2.7, 4: 2.5}
_LINE = 0.135


def draw(figure: Figure, form: Form = "png") -> bytes:
    """The figure as a file's contents."""
    # Imported here: a report of tables does not pay for it. Never pyplot, which looks for a display.
    from matplotlib.figure import Figure as Canvas

    with styled():
        columns = max(map(len, figure.grid))
        width = columns * _PANEL_WIDTH.get(columns, 2.5)
        text = _foot(figure, width)
        foot = _LINE * (len(text) + 1)
        body = 0.75 + sum(_height(row, width / columns) for row in figure.grid)
        canvas = Canvas(figsize=(width, body + foot), layout="constrained")
        upper, lower = np.ravel(canvas.subfigures(2, 1, height_ratios=(body, foot), squeeze=False))
        upper.suptitle("\n".join(textwrap.wrap(title_of(figure), int(width / 0.078))))
        axes = upper.subplots(len(figure.grid), columns, squeeze=False)
        entries: Entries = []
        names = _shared_names(figure)
        for i, row in enumerate(figure.grid):
            for j, panel in enumerate(row):
                _draw_panel(panel, axes[i, j], entries, names, inner=_inner(figure, i, j))
        _legend(upper, entries, width)
        for index, (line, color, weight) in enumerate(text):
            lower.text(
                *(0.05 / width, 1 - _LINE * (index + 0.3) / foot),
                line,
                fontsize=7,
                color=color,
                fontweight=weight,
                va="top",
            )
        stream = io.BytesIO()
        # Without its date, the same numbers give the same file.
        metadata = {"png": {}, "svg": {"Date": None}, "pdf": {"CreationDate": None}}[form]
        canvas.savefig(stream, format=form, metadata={"Title": title_of(figure), **metadata})
    return stream.getvalue()


def title_of(figure: Figure) -> str:
    """The title with the figure's number, once."""
    # A recipe of several figures says so in its title; this is one of them.
    title = re.sub(r"^figures? [\d, and–-]+:\s*", "", one_line(figure.title), flags=re.IGNORECASE)
    return f"Figure {figure.number}: {title}"


def _foot(figure: Figure, width: float) -> list[tuple[str, str, str]]:
    """The lines below the panels: text, colour, weight."""
    letters = int(width / 0.053)
    lines = [(line, GREY, "normal") for line in textwrap.wrap(one_line(figure.caption), letters)]
    for note in figure.notes:
        wrapped = textwrap.wrap(one_line(note), int(letters * 0.87), break_on_hyphens=False)
        lines += [(line, VERMILLION, "bold") for line in wrapped]
    return lines


def _height(row: tuple[Panel, ...], width: float) -> float:
    """Inches that a row of panels needs; projections and planes are square."""
    if any(isinstance(panel, ProjectionPanel | PlanePanel) for panel in row):
        return width * 0.98
    return min(2.6, width * 0.85)


def _inner(figure: Figure, i: int, j: int) -> bool:
    """Whether a panel's y axis says what the panel to its left says already."""
    return any(type(left) is type(figure.grid[i][j]) for left in figure.grid[i][:j])


def _draw_panel(panel: Panel, axes: Axes, entries: Entries, names: tuple[str, ...], *, inner: bool) -> None:
    from lsncli.report.figures import drawing_lines, drawing_points

    if isinstance(panel, LinePanel):
        drawing_lines.draw_means(panel, axes, entries)
    elif isinstance(panel, DensityPanel):
        drawing_lines.draw_densities(panel, axes, entries)
    elif isinstance(panel, CurvePanel):
        drawing_lines.draw_curves(panel, axes, entries)
    elif isinstance(panel, PlanePanel):
        drawing_points.draw_plane(panel, axes, entries, names)
    elif isinstance(panel, ProjectionPanel):
        drawing_points.draw_projection(panel, axes, entries, names)
    else:
        assert isinstance(panel, WordsPanel)
        axes.set_axis_off()
        axes.text(0.5, 0.5, panel.text, ha="center", va="center", color=GREY, fontsize=8)
        return
    if inner and not isinstance(panel, PlanePanel):
        axes.set_ylabel("")


def _shared_names(figure: Figure) -> tuple[str, ...]:
    """What the colours of a projection, or the lines of a plane, stand for in all panels together."""
    named: list[tuple[str, ...]] = []
    for panel in figure.panels():
        if isinstance(panel, ProjectionPanel) and panel.names:
            named.append(panel.names)
        elif isinstance(panel, PlanePanel):
            named.append(tuple(s.label for s in panel.separators if s.value is not None))
    return tuple(
        " / ".join(dict.fromkeys(filter(None, names))) for names in itertools.zip_longest(*named, fillvalue="")
    )


def _legend(upper: Any, entries: Entries, width: float) -> None:
    """One legend for all panels, outside of them."""
    unique: dict[str, Any] = {}
    for handle, label in entries:
        unique.setdefault(label, handle)
    if not any(unique):
        return  # one line without a name
    # matplotlib leaves out labels that begin with an underscore.
    labels = [f" {label}" if label.startswith("_") else label for label in unique]
    # Inches: a letter is 0.07 wide, the handle and the space beside it as much as eight.
    widths = [0.07 * (len(label) + 8) for label in labels]
    in_one_row = sum(widths) <= width
    upper.legend(
        list(unique.values()),
        labels,
        loc="outside lower center",
        ncols=len(labels) if in_one_row else max(1, min(len(labels), int(width / max(widths)))),
        handlelength=2.6,
        columnspacing=1.4,
    )
