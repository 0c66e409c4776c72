"""The paper's tables on the page: trained ones with their runs behind each cell, and computed ones."""

from __future__ import annotations

from lsncli.report.footnotes import DIFFERENCE
from lsncli.report.formats.html import escape, superscript
from lsncli.report.listing import Column, Listing, Value, lines_of
from lsncli.report.page.grid import Entry, Head, commands, grid, notes, sort_value, text
from lsncli.report.page.runs import RunBook
from lsncli.report.table import Cell, Table
from lsncli.report.wording import (
    MISSING,
    caption,
    column_lines,
    count,
    heading_text,
    key_words,
    mean_and_std,
    row_cells,
    source_line,
)


def table_section(table: Table, book: RunBook) -> str:
    """A trained table; every row repeats its headings, so that rows can be sorted."""
    heads = [Head(escape(key_words(key)), "words") for key in table.row_keys]
    columns = [column_lines(table, column) for column in table.columns]
    heads += [Head("<br>".join(map(escape, lines)), "number") for lines in columns]
    rows = []
    for heading, cells in zip(table.rows, table.grid(), strict=True):
        own = row_cells(heading, table.row_keys)
        rows.append(
            [
                *(text(name, "words", heads_row=True) for name in own),
                *(
                    _cell(cell, " · ".join([*own, *lines]), table, book)
                    for cell, lines in zip(cells, columns, strict=True)
                ),
            ]
        )
    said = [f"{superscript(note.mark)} {escape(note.text)}".strip() for note in table.footnotes]
    if source := source_line(table):
        said.append(escape(source))
    title = heading_text(table)
    return "\n".join(
        [
            grid(caption(table), title, heads, rows),
            book.take_panels(),
            notes(said),
            commands([table.fill] if table.fill else []),
        ]
    )


def listing_section(listing: Listing) -> str:
    """A computed table: no runs are behind it."""
    heads = [Head(escape(column.heading), "number" if column.numeric else "words") for column in listing.columns]
    rows = [
        [_value(value, column) for value, column in zip(row, listing.columns, strict=True)] for row in listing.rows
    ]
    title = f"Table {listing.number}: {listing.title}"
    return "\n".join([grid(listing.about, title, heads, rows), notes(map(escape, listing.notes))])


def spread(mean: float | None, std: float | None, metric: str) -> str:
    """``60.70 ± 0.41`` in the digits that the metric is worth, as HTML."""
    return escape(" ± ".join(mean_and_std(mean, std, metric)))


def ours(cell: Cell) -> str:
    """What the runs came to, and of how many runs, as HTML; ``missing`` where there is none."""
    shown = spread(cell.mean, cell.std, cell.metric) if cell.n else MISSING
    return f'<span class="ours">{shown}</span> <span class="count">({count(cell)})</span>'


def _cell(cell: Cell | None, where: str, table: Table, book: RunBook) -> Entry:
    if cell is None:
        return Entry("", "", "number")
    shown = book.opener(ours(cell), cell, where, fill=table.fill)
    marks = (superscript(DIFFERENCE) if cell.differs else "") + superscript(",".join(cell.marks))
    published = ""
    if cell.paper:
        published = spread(cell.paper.mean, cell.paper.std, cell.metric)
        published = f'<br><span class="paper">paper {published}</span>'
    return Entry(f"{shown}{marks}{published}", sort_value(cell.mean if cell.n else None), f"number {cell.status}")


def _value(value: Value, column: Column) -> Entry:
    shown = "<br>".join(map(escape, lines_of(value)))
    kind = "number" if column.numeric else "words"
    if isinstance(value, int | float) and not isinstance(value, bool):
        return Entry(shown, sort_value(value), kind)
    return Entry(shown, None, kind)
