"""The table for a terminal: laid out like the paper's, folded until it fits the width."""

from __future__ import annotations

import io
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.box import SIMPLE_HEAD
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table as Grid
from rich.text import Text

from lsncli.report.footnotes import DIFFERENCE
from lsncli.report.table import Cell, Table
from lsncli.report.wording import (
    MISSING,
    caption,
    column_lines,
    command_line,
    count,
    heading_text,
    key_words,
    mean_and_std,
    one_line,
    row_cells,
    source_line,
)

#: Width of the text that goes to a file, where there is no terminal to ask.
FILE_WIDTH = 100
#: Longer row headings are folded.
_HEAD_WIDTH = 30
_GAP = 2
_SUPERSCRIPT = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


@dataclass(frozen=True, slots=True)
class TableView:
    """A rich renderable of a table."""

    table: Table

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """The title, the table in as many blocks as the width asks for, and the notes."""
        yield Text(one_line(heading_text(self.table)), style="bold")
        form, blocks = _arrangement(self.table, options.max_width)
        yield Text(f"{one_line(caption(self.table))}{_where_papers_is(self.table, form.narrow)}", style="dim")
        for block in blocks:
            yield _grid(self.table, block, form)
            yield Text()
        for footnote in self.table.footnotes:
            mark = _superscript(footnote.mark)
            yield Text(f"{mark} {one_line(footnote.text)}" if mark else one_line(footnote.text), style="dim")
        if source := source_line(self.table):
            yield Text(one_line(source), style="dim")
        if self.table.fill:
            yield Text("Train the missing runs:")
            yield Text(_command(command_line(self.table.fill), options.max_width), overflow="fold")


def render_terminal(table: Table, width: int = FILE_WIDTH) -> str:
    """The table as plain text of at most ``width`` columns, without colours."""
    out = io.StringIO()
    console = Console(file=out, width=width, highlight=False, color_system=None, force_terminal=False)
    console.print(TableView(table))
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines()) + "\n"


@dataclass(frozen=True, slots=True)
class _Form:
    """How a table is folded: a cell's numbers stacked (narrow), column headings wrapped between words."""

    narrow: bool
    wrapped: bool


_FORMS = (_Form(False, False), _Form(False, True), _Form(True, False), _Form(True, True))


def _arrangement(table: Table, width: int) -> tuple[_Form, list[range]]:
    """The first form that fits the width in one block; or else the narrowest, in several blocks of columns."""
    columns = len(table.columns)
    for form in _FORMS:
        if _total(table, range(columns), form) <= width:
            return form, [range(columns)]
    fitting = 1
    while fitting < columns and all(
        _total(table, block, _FORMS[-1]) <= width for block in _blocks(columns, fitting + 1)
    ):
        fitting += 1
    return _FORMS[-1], _blocks(columns, fitting)


def _blocks(columns: int, at_most: int) -> list[range]:
    """Blocks of about equal size, none larger than ``at_most``."""
    number_of = -(-columns // at_most)
    size = -(-columns // number_of)
    return [range(start, min(start + size, columns)) for start in range(0, columns, size)]


def _total(table: Table, block: range, form: _Form) -> int:
    widths = [*_head_widths(table, form.narrow), *(_column_width(table, index, form) for index in block)]
    return sum(widths) + _GAP * (len(widths) - 1)


def _head_widths(table: Table, narrow: bool) -> list[int]:
    if not table.row_keys:
        return []
    lines = [[key_words(key) for key in table.row_keys], *(row_cells(row, table.row_keys) for row in table.rows)]
    widths = [
        min(max(cell_len(one_line(line[i])) for line in lines), _HEAD_WIDTH) for i in range(len(table.row_keys))
    ]
    return [max(widths)] if narrow else widths


def _column_width(table: Table, index: int, form: _Form) -> int:
    """The widest line of the cells and of the heading, of which only words count where it is wrapped."""
    heading = [one_line(line) for line in column_lines(table, table.columns[index])]
    if form.wrapped:
        heading = " ".join(heading).split()
    lines = [str(line) for row in table.grid() for line in _lines(row[index], form.narrow)]
    return max((cell_len(text) for text in (*heading, *lines)), default=1)


def _grid(table: Table, block: range, form: _Form) -> Grid:
    rows = [(row, [cells[i] for i in block]) for row, cells in zip(table.rows, table.grid(), strict=True)]
    tall = any(len(_lines(cell, form.narrow)) > 1 for _, cells in rows for cell in cells)
    grid = Grid(
        box=SIMPLE_HEAD,
        show_edge=False,
        pad_edge=False,
        padding=(0, 1, 0, 0),
        leading=1 if tall else 0,
        header_style="bold",
    )
    keys = [one_line(key_words(key)) for key in table.row_keys]
    titles = ["\n".join(keys)] if form.narrow else keys
    for title, width in zip(titles, _head_widths(table, form.narrow), strict=False):
        grid.add_column(Text(title), width=width, overflow="fold")
    for index in block:
        lines = [one_line(line) for line in column_lines(table, table.columns[index])]
        grid.add_column(
            Text("\n".join(lines)), width=_column_width(table, index, form), overflow="fold", vertical="top"
        )
    previous: list[str] = []
    for row, cells in rows:
        heads = [one_line(text) for text in row_cells(row, table.row_keys)]
        grid.add_row(*_heads(heads, previous, form.narrow), *(_text(cell, form.narrow) for cell in cells))
        previous = heads
    return grid


def _heads(heads: Sequence[str], previous: Sequence[str], narrow: bool) -> Iterator[Text]:
    """The row's heading; what repeats the row above is left blank, the last key always shown."""
    if narrow:
        if heads:
            yield Text("\n".join(heads))
        return
    same = True
    for index, head in enumerate(heads):
        same = same and index < len(heads) - 1 and index < len(previous) and previous[index] == head
        yield Text("" if same else head)


def _text(cell: Cell | None, narrow: bool) -> Text:
    return Text("\n").join(_lines(cell, narrow))


def _lines(cell: Cell | None, narrow: bool) -> list[Text]:
    """A cell's lines: ours, in the narrow form its n below, and the published value last."""
    if cell is None:
        return []
    ours = _mean_and_std(cell.mean, cell.std, cell.metric, narrow) if cell.n else MISSING
    marks = (DIFFERENCE if cell.differs else "") + ",".join(map(_superscript, cell.marks))
    behind = f"({count(cell)}){marks}"
    style = "" if cell.status == "complete" else "yellow"
    lines = (
        [Text(ours, style=style), Text(behind, style=style)] if narrow else [Text(f"{ours} {behind}", style=style)]
    )
    if cell.paper:
        published = _mean_and_std(cell.paper.mean, cell.paper.std, cell.metric, narrow)
        lines.append(Text(published if narrow else f"paper {published}", style="dim"))
    return lines


def _mean_and_std(mean: float | None, std: float | None, metric: str, narrow: bool) -> str:
    return ("±" if narrow else " ± ").join(mean_and_std(mean, std, metric))


def _where_papers_is(table: Table, narrow: bool) -> str:
    if not any(cell.paper for cell in table.cells):
        return ""
    return " The last line of a cell is the paper's value." if narrow else ""


def _command(command: str, width: int) -> str:
    """The command on lines of at most ``width``, continued as a shell continues them: it is there to be copied."""
    lines = ["  "]
    for word in shlex.split(command):
        quoted = shlex.quote(word)
        if lines[-1].strip() and cell_len(lines[-1]) + cell_len(quoted) + 3 > width:
            lines[-1] += "\\"
            lines.append("    ")
        lines[-1] += f"{quoted} "
    return "\n".join(line.rstrip(" ") for line in lines)


def _superscript(mark: str) -> str:
    return mark.translate(_SUPERSCRIPT)
