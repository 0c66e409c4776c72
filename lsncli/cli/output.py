"""Printing: results on stdout, everything else on stderr."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from lsncli.inert import for_json, for_terminal

if TYPE_CHECKING:
    from rich.console import Console

    from lsncli.errors import LsnError


def stdout() -> Console:
    """A console on standard output; wide where it is not a terminal, so that nothing is cut in a pipe."""
    from lsncli.cli.console import InertConsole

    console = InertConsole(highlight=False)
    return console if console.is_terminal else InertConsole(highlight=False, width=max(console.width, 160))


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


def print_table(columns: Sequence[str], rows: Iterable[Sequence[object]], *, title: str | None = None) -> None:
    """Print a plain table; cells are text, never markup."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(title=title, title_justify="left", header_style="bold", box=box.SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(Text("" if cell is None else for_terminal(str(cell))) for cell in row))
    stdout().print(table)


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
