"""Printing: results on stdout, everything else on stderr."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from lsncli.inert import for_json, for_terminal

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from lsncli.errors import LsnError


def stdout() -> Console:
    """A console on standard output; wide where it is not a terminal, so that nothing is cut in a pipe.

    Unless COLUMNS says how wide: who sets it has a pager in mind. No width, 0, says nothing.
    """
    from lsncli.cli.console import InertConsole

    console = InertConsole(highlight=False)
    said = os.environ.get("COLUMNS", "")
    if console.is_terminal or (said.isdecimal() and int(said) > 0):
        return console
    return InertConsole(highlight=False, width=max(console.width, 160))


def stderr() -> Console:
    """A console on standard error, for progress, warnings and errors."""
    from lsncli.cli.console import InertConsole

    return InertConsole(stderr=True, highlight=False)


def say(text: str = "", *, err: bool = False) -> None:
    """Print lines of text, names from anywhere in them, as they are and without any power over the terminal."""
    (sys.stderr if err else sys.stdout).write(f"{for_terminal(text)}\n")


def print_json(value: Any) -> None:
    """Print ``value`` as JSON on stdout; numbers that are not finite become null, as JSON has none."""
    sys.stdout.write(for_json(json.dumps(_finite(value), indent=2, ensure_ascii=False, default=str)) + "\n")


def print_table(
    columns: Sequence[str],
    rows: Iterable[Sequence[object]],
    *,
    title: str | None = None,
    narrow: tuple[Sequence[str], Iterable[Sequence[object]]] | None = None,
) -> None:
    """Print a plain table; cells are text, never markup.

    ``narrow`` are the columns and rows to print instead where the table is wider than the console.
    """
    from rich.text import Text

    console = stdout()
    cells = _texts(columns, rows)
    if narrow is not None and sum(_widths(cells)) + _GAP * (len(columns) - 1) > console.width:
        cells = _texts(*narrow)
    if title is not None:
        console.print()
        console.print(Text(title, style="italic"))
    console.print(_table(cells, console.width))


#: Words up to such lengths are kept whole where a table must be made narrower: the first that leaves room.
_WHOLE_WORDS = (16, 12, 8, 1)
#: Blanks between two columns.
_GAP = 2


def _texts(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> list[list[str]]:
    """The heads and then the cells of each row."""
    return [list(columns), *(["" if cell is None else for_terminal(str(cell)) for cell in row] for row in rows)]


def _widths(cells: Iterable[Iterable[str]]) -> list[int]:
    from rich.cells import cell_len

    return [max(1, *map(cell_len, column)) for column in zip(*cells, strict=True)]


def _made_to_fit(cells: list[list[str]], room: int) -> list[int]:
    """The columns' widths, of ``room`` in all: the widest ones are narrowed, short words are kept whole."""
    widths = _widths(cells)
    words = _widths([max(text.split(), key=len, default="") for text in row] for row in cells)
    choices = ([min(word, whole) for word in words] for whole in _WHOLE_WORDS)
    least = next((each for each in choices if sum(each) <= room), [1] * len(words))
    while sum(widths) > room and (wider := [at for at, width in enumerate(widths) if width > least[at]]):
        widths[max(wider, key=widths.__getitem__)] -= 1
    return widths


def _table(cells: list[list[str]], width: int) -> Table:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(
        header_style="bold",
        box=box.SIMPLE_HEAD,
        show_edge=False,
        pad_edge=False,
        padding=(0, _GAP - 1, 0, 0),
    )
    for head, fitting in zip(cells[0], _made_to_fit(cells, width - _GAP * (len(cells[0]) - 1)), strict=True):
        table.add_column(head, overflow="fold", width=fitting)
    for row in cells[1:]:
        table.add_row(*map(Text, row))
    return table


def print_error(error: LsnError) -> None:
    """Print what, where, what is valid and what to do next, on stderr."""
    from rich.text import Text

    console = stderr()
    console.print(Text.assemble(("error: ", "bold red"), for_terminal(error.what)), soft_wrap=True)
    for label, text in error.details():
        console.print(Text.assemble((f"  {label}: ", "bold"), for_terminal(text)), soft_wrap=True)


def warn(message: str) -> None:
    """One warning line on stderr."""
    from rich.text import Text

    stderr().print(Text.assemble(("warning: ", "bold yellow"), for_terminal(message)), soft_wrap=True)


def _finite(value: Any) -> Any:
    if isinstance(value, float) and not -float("inf") < value < float("inf"):
        return None
    if isinstance(value, dict):
        return {str(k): _finite(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(v) for v in value]
    return value
