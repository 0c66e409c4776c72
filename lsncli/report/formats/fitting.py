"""Rows of texts in the width there is: as a grid with whole numbers, or else row under row. Nothing is cut."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.box import SIMPLE_HEAD
from rich.cells import cell_len
from rich.console import RenderableType
from rich.padding import Padding
from rich.table import Table as Grid
from rich.text import Text

_GAP = 2
_INDENT = 2
#: Between the values of a row that is written out.
_BETWEEN = "   "


@dataclass(frozen=True, slots=True)
class Fitted:
    """A column of a grid.

    least: the width down to which its cells may be folded; None keeps each cell on one line, as half a number is
    another number. right: set flush right.
    """

    heading: str
    least: int | None = None
    right: bool = False


def fitted(columns: Sequence[Fitted], rows: Sequence[Sequence[Text]], width: int) -> Iterator[RenderableType]:
    """The rows as a grid of at most ``width``; where the columns do not fit into it, one row after another."""
    room = width - _GAP * (len(columns) - 1)
    widths = _widths(columns, rows, room)
    if widths is None:
        yield from _stacked(columns, rows, width)
        return
    grid = Grid(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0), header_style="bold")
    for column, fitting in zip(columns, widths, strict=True):
        side = "right" if column.right else "left"
        grid.add_column(Text(column.heading), justify=side, vertical="top", overflow="fold", width=fitting)  # type: ignore[arg-type]
    for row in rows:
        grid.add_row(*row)
    yield grid


def _widths(columns: Sequence[Fitted], rows: Sequence[Sequence[Text]], room: int) -> list[int] | None:
    """The columns' widths, of ``room`` in all: the widest that may be folded are narrowed; None if they cannot."""
    cells = [
        max((cell_len(line.plain) for row in rows for line in row[at].split("\n")), default=0)
        for at in range(len(columns))
    ]
    widths = [max(1, cell, cell_len(column.heading)) for cell, column in zip(cells, columns, strict=True)]
    least = [
        min(full, max(cell, *map(cell_len, column.heading.split())) if column.least is None else column.least)
        for full, cell, column in zip(widths, cells, columns, strict=True)
    ]
    if sum(least) > room:
        return None
    while sum(widths) > room:
        wider = [at for at, each in enumerate(widths) if each > least[at]]
        widths[max(wider, key=widths.__getitem__)] -= 1
    return widths


def _stacked(columns: Sequence[Fitted], rows: Sequence[Sequence[Text]], width: int) -> Iterator[RenderableType]:
    """Each row's first cell, and below it the others with their headings, as many on a line as it takes."""
    for number, (first, *others) in enumerate(rows):
        if number:
            yield Text()
        yield Text(overflow="fold").append_text(_in_one_line(first))
        line = Text(overflow="fold")
        for column, cell in zip(columns[1:], others, strict=True):
            item = Text.assemble((f"{column.heading}: ", "dim"), _in_one_line(cell))
            if line and line.cell_len + len(_BETWEEN) + item.cell_len > width - _INDENT:
                yield Padding(line, (0, 0, 0, _INDENT))
                line = Text(overflow="fold")
            line.append_text(Text(_BETWEEN) if line else Text()).append_text(item)
        if line:
            yield Padding(line, (0, 0, 0, _INDENT))


def _in_one_line(cell: Text) -> Text:
    return Text("; ").join(cell.split("\n")) if "\n" in cell.plain else cell
