"""The paper's figures on the page: drawn in colours for light and for dark, with their numbers and runs."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from dataclasses import replace

from lsncli.report.figures.canvas import draw, title_of
from lsncli.report.figures.model import DensityPanel, Figure, LinePanel, Panel, ProjectionPanel
from lsncli.report.figures.style import BLACK, BLUE, GREEN, GREY, PURPLE, VERMILLION
from lsncli.report.formats.html import escape
from lsncli.report.page.grid import Entry, Head, commands, grid, notes, sort_value, text
from lsncli.report.page.runs import RunBook
from lsncli.report.page.tables import ours, spread
from lsncli.report.table import Cell
from lsncli.report.wording import metric_words, value_words

WHITE, LEVEL = "#ffffff", "#dddddd"

#: On a dark page: ink and paper swapped, and those colours lightened that are dim on it. The rest stays.
_IN_THE_DARK = {
    BLACK: "#f0f0f0",
    WHITE: "#16181c",
    GREY: "#a8a8a8",
    LEVEL: "#4a4f57",
    BLUE: "#4da3e0",
    GREEN: "#2cc295",
    VERMILLION: "#f07a35",
    PURPLE: "#dd9abb",
}


def figure_section(figure: Figure, book: RunBook) -> str:
    """The picture with its caption in words, what is missing, and the numbers behind it."""
    # The words stand below as text, which can be read aloud, enlarged and copied.
    picture = base64.b64encode(for_both_schemes(draw(replace(figure, caption="", notes=()), "svg"))).decode("ascii")
    wide = " wide" if max(map(len, figure.grid)) > 1 else ""
    name = f"Figure {figure.number}"
    shown = ". ".join(part for part in (title_of(figure), figure.caption) if part)
    published = [f"Published values: {figure.source}."] if figure.source else []
    # The command that a note may end with stands below them, to be copied.
    said = [note.removesuffix(f" To train them: {figure.fill}") for note in figure.notes]
    return "\n".join(
        [
            "<figure>",
            f'<div class="frame{wide}" role="region" tabindex="0" aria-label="{name}">',
            f'<img alt="{escape(shown)}" src="data:image/svg+xml;base64,{picture}">',
            "</div>",
            f"<figcaption>{escape(figure.caption)}</figcaption>",
            "</figure>",
            notes(map(escape, [*said, *published])),
            commands([figure.fill] if figure.fill else []),
            _numbers(figure, book),
        ]
    )


def for_both_schemes(svg: bytes) -> bytes:
    """A picture whose colours follow the reader's light or dark setting; on paper they are the light ones."""
    drawing = svg.decode("utf-8")
    # Nothing but the drawing: no document type or metadata, which name addresses that nobody needs.
    drawing = re.sub(r"<!DOCTYPE[^>]*>", "", drawing, count=1)
    drawing = re.sub(r"<metadata>.*?</metadata>", "", drawing, count=1, flags=re.DOTALL)
    light, dark = "", ""
    for index, (colour, lit) in enumerate(_IN_THE_DARK.items()):
        drawing = re.sub(f"(?<=: ){colour}", f"var(--c{index})", drawing, flags=re.IGNORECASE)
        light += f"--c{index}:{colour};"
        dark += f"--c{index}:{lit};"
    style = (
        # Text that says no colour is black; --c0 is what stands for black.
        f"<style>svg{{{light}fill:var(--c0)}}@media screen and (prefers-color-scheme:dark){{svg{{{dark}}}}}</style>"
    )
    return re.sub(r"(<svg\b[^>]*>)", lambda found: found[1] + style, drawing, count=1).encode("utf-8")


def _numbers(figure: Figure, book: RunBook) -> str:
    """What the picture's marks stand for, and the runs behind them; nothing for a figure that is computed."""
    marks = [mark for panel in figure.panels() for mark in _marks(panel)]
    published = any(cell.paper for _, cell in marks)
    rows = [
        [
            *(text(part, "words", heads_row=index == 0) for index, part in enumerate(place)),
            text(metric_words(cell.metric), "words"),
            Entry(
                book.opener(ours(cell), cell, " · ".join(filter(None, place)), fill=figure.fill),
                sort_value(cell.mean if cell.n else None),
                f"number {cell.status}",
            ),
            *([_published(cell)] if published else []),
        ]
        for place, cell in marks
    ]
    if not rows:
        return ""
    name = f"Numbers of Figure {figure.number}"
    heads = [*(Head(head, "words") for head in ("panel", "series", "x", "metric")), Head("ours", "number")]
    heads += [Head("paper", "number")] if published else []
    table = grid("Mean ± sample standard deviation (ddof 1) of (n) runs.", name, heads, rows)
    return (
        f"<details>\n<summary>{escape(name)}, and their runs</summary>\n{table}\n</details>\n{book.take_panels()}"
    )


def _published(cell: Cell) -> Entry:
    if cell.paper is None:
        return Entry("", "", "number")
    return Entry(spread(cell.paper.mean, cell.paper.std, cell.metric), sort_value(cell.paper.mean), "number")


def _marks(panel: Panel) -> Iterator[tuple[tuple[str, str, str], Cell]]:
    """Each cell of a panel with where it is: panel, series and x."""
    if isinstance(panel, LinePanel):
        for line in panel.series:
            for point in line.points:
                x = "" if point.x is None else f"{panel.x_label} = {value_words(point.x)}"
                yield (panel.title, line.label, x), point.cell
    elif isinstance(panel, DensityPanel):
        for density in panel.series:
            yield (panel.title, density.label, ""), density.cell
    elif isinstance(panel, ProjectionPanel):
        yield (panel.title, "", ""), panel.cell
