"""Where a report goes: a file, a terminal, or standard output as text."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from lsncli.cli.output import say, stdout
from lsncli.errors import LsnError

if TYPE_CHECKING:
    from rich.console import RenderableType

Report = TypeVar("Report")


#: Format of tables and claims → ending of their files; what a terminal shows is written as Markdown.
ENDINGS = {"rich": "md", "md": "md", "csv": "csv", "json": "json", "latex": "tex", "html": "html"}
#: Ending of a file → the format that is meant, as figures go by theirs.
_BY_ENDING = {f".{ending}": format for format, ending in ENDINGS.items() if format != "rich"} | {".htm": "html"}
#: Endings of what a terminal shows, as text.
_TEXT = ("", ".txt", ".text", ".log")


def format_of(format: str | None, output: Path | None) -> str:
    """The format that was asked for; where none was, the one that ``output`` ends with.

    Raises :class:`LsnError` for an ending that is no format's.
    """
    if format is not None or output is None:
        return format or "rich"
    ending = output.suffix.lower()
    if ending in _TEXT:
        return "rich"
    if ending not in _BY_ENDING:
        raise LsnError(
            f"no report is written as {ending}",
            where=f"--output {output}",
            valid=[*_BY_ENDING, ".txt"],
            next="or say --format NAME",
        )
    return _BY_ENDING[ending]


def deliver(
    report: Report,
    render: Callable[[Report], str],
    view: Callable[[Report], RenderableType],
    format: str,
    output: Path | None,
) -> None:
    """Write ``report`` to ``output``, and say so; without one, print it.

    render: the report in ``format``, as text. view: the report as rich lays it out, for the format ``rich`` without
    ``output``, where the width of the terminal counts. An ``output`` of ``-`` is standard output. Raises
    :class:`LsnError` where the file cannot be written.
    """
    if output is not None and str(output) != "-":
        from lsncli.report.writing import write_report

        write_report(render(report), output)
        say(f"wrote {output}", err=True)
    elif format == "rich" and output is None:
        stdout().print(view(report))
    else:
        sys.stdout.write(render(report))
