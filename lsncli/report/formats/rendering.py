"""Finds the report format that is asked for; a plugin's fault is told as its."""

from __future__ import annotations

from collections.abc import Callable

from lsncli.blame import blamed
from lsncli.registry import Registry
from lsncli.report.table import Table

_WHERE = "--format"


def table_renderer(format: str, components: Registry) -> Callable[[Table], str]:
    """The function that writes a table of runs in ``format``.

    Raises :class:`LsnError` for an unknown format, and for one whose code fails, now or when the table is written.
    """
    registered = components.find("report format", format, where=_WHERE)
    with blamed(registered, _WHERE):
        write = registered.info.build(None, None)

    def render(table: Table) -> str:
        with blamed(registered, _WHERE):
            text = write(table)
            if not isinstance(text, str):
                raise TypeError(f"it writes a table as {type(text).__name__}, not as text")
            return text

    return render
