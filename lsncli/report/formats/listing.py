"""Tables of rows in every built-in format."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from lsncli.errors import UnknownNameError
from lsncli.inert import for_spreadsheet, for_terminal
from lsncli.report.formats import html, latex, markdown
from lsncli.report.formats.fitting import Fitted, fitted
from lsncli.report.formats.latex_text import escape as latex_escape
from lsncli.report.formats.terminal import FILE_WIDTH
from lsncli.report.json_text import json_text
from lsncli.report.listing import Listing, Value, lines_of
from lsncli.report.wording import one_line

Render = Callable[[Listing], str]

#: Words of cells up to this length are kept whole in a terminal, where columns of words are folded.
_WHOLE_WORD = 12


def renderer(format: str) -> Render:
    """The function that writes a listing; :class:`LsnError` for a format that is not one of the built-in ones.

    A plugin's format takes tables of runs only.
    """
    if format not in _RENDERERS:
        raise UnknownNameError.of(
            "format of this table",
            format,
            _RENDERERS,
            where="--format",
            next="a plugin's format is for tables of runs",
        )
    return _RENDERERS[format]


@dataclass(frozen=True, slots=True)
class ListingView:
    """A rich renderable of a listing."""

    listing: Listing

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Title, table and notes."""
        yield Text(one_line(self.listing.heading), style="bold")
        yield Text(one_line(self.listing.about), style="dim")
        # The lines of a cell are laid out: their blanks stay.
        texts = [[Text(for_terminal("\n".join(lines_of(value)))) for value in row] for row in self.listing.rows]
        columns = [
            Fitted(
                one_line(column.heading),
                None if column.numeric else _least(row[at] for row in texts),
                column.numeric,
            )
            for at, column in enumerate(self.listing.columns)
        ]
        yield from fitted(columns, texts, options.max_width)
        yield Text()
        for note in self.listing.notes:
            yield Text(one_line(note), style="dim")


def _least(cells: Iterable[Text]) -> int:
    words = (cell_len(word) for cell in cells for word in cell.plain.split())
    return min(max(words, default=1), _WHOLE_WORD)


def render_terminal(listing: Listing, width: int = FILE_WIDTH) -> str:
    """Plain text of at most ``width`` columns."""
    out = io.StringIO()
    Console(file=out, width=width, highlight=False, color_system=None, force_terminal=False).print(
        ListingView(listing)
    )
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines()) + "\n"


def render_markdown(listing: Listing) -> str:
    """A GitHub Markdown table."""
    lines = [
        f"### {markdown.escape(listing.heading)}",
        "",
        markdown.escape(listing.about),
        "",
    ]
    lines.append(_bars(markdown.escape(column.heading) for column in listing.columns))
    lines.append(_bars("---:" if column.numeric else "---" for column in listing.columns))
    lines += [_bars("<br>".join(map(markdown.escape, lines_of(value))) for value in row) for row in listing.rows]
    lines += [f"\n{markdown.escape(note)}" for note in listing.notes]
    return "\n".join(lines) + "\n"


def render_csv(listing: Listing) -> str:
    """One line per row; numbers in full, the lines of a cell separated by semicolons.

    Text that a spreadsheet would take for a formula gets an apostrophe in front.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([for_spreadsheet(column.heading) for column in listing.columns])
    writer.writerows([[_plain(value) for value in row] for row in listing.rows])
    return out.getvalue()


def render_json(listing: Listing) -> str:
    """The object of every report's JSON, with further keys of the table's own."""
    value = {
        "title": listing.title,
        "profile": listing.profile,
        "table": listing.number,
        "cells": list(listing.cells),
        **listing.extra,
        "footnotes": [{"mark": "", "text": note} for note in listing.notes],
    }
    return json_text(value)


def render_latex(listing: Listing) -> str:
    """A ``table`` environment with booktabs rules."""
    title = latex_escape(listing.title)
    if listing.number is not None:
        title += f" (Table {listing.number} of the paper)"
    return latex.environment(
        caption=f"{title}. {latex_escape(listing.about)}",
        alignment="".join("r" if column.numeric else "l" for column in listing.columns),
        header=[latex.line(latex_escape(column.heading) for column in listing.columns)],
        body=[latex.line(map(_latex_cell, row)) for row in listing.rows],
        notes=map(latex_escape, listing.notes),
    )


def render_html(listing: Listing) -> str:
    """One page that needs no other file."""
    head = "".join(f'<th scope="col"{_side(c.numeric)}>{html.escape(c.heading)}</th>' for c in listing.columns)
    rows = []
    for row in listing.rows:
        cells = [
            f"<td{_side(column.numeric)}>{'<br>'.join(map(html.escape, lines_of(value)))}</td>"
            for column, value in zip(listing.columns, row, strict=True)
        ]
        rows.append(f"<tr>{''.join(cells)}</tr>")
    return html.page(
        title=listing.heading,
        about=listing.about,
        head=f"<tr>{head}</tr>",
        rows=rows,
        notes=map(html.escape, listing.notes),
    )


_RENDERERS: dict[str, Render] = {
    "rich": render_terminal,
    "md": render_markdown,
    "csv": render_csv,
    "json": render_json,
    "latex": render_latex,
    "html": render_html,
}


def _latex_cell(value: Value) -> str:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return f"${latex.mathematics(*lines_of(value))}$"
    lines = [latex_escape(line) for line in lines_of(value)]
    if len(lines) == 1:
        return lines[0]
    stacked = r" \\ ".join(lines)
    return rf"{{\scriptsize\begin{{tabular}}[t]{{@{{}}l@{{}}}}{stacked}\end{{tabular}}}}"


def _plain(value: Value) -> str | int | float:
    if isinstance(value, int | float):
        return value
    return "" if value is None else for_spreadsheet("; ".join(lines_of(value)))


def _side(numeric: bool) -> str:
    return ' class="number"' if numeric else ""


def _bars(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"
