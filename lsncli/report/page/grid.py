"""Sortable tables of the page: heads, rows and cells that say what they are sorted by."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from lsncli.report.formats.html import escape


@dataclass(frozen=True, slots=True)
class Head:
    """A column's heading, ready HTML; ``kind``: ``number`` (flush right, sorted as numbers), ``words`` or empty."""

    content: str
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """A cell, ready HTML.

    sort: what it is sorted by where that is not its text; empty for what comes last. heads_row: whether it is a
    heading of its row.
    """

    content: str
    sort: str | None = None
    kind: str = ""
    heads_row: bool = False
    anchor: str | None = None


def text(value: object, kind: str = "", *, heads_row: bool = False) -> Entry:
    """A cell of plain text."""
    return Entry(escape(str(value)), None, kind, heads_row)


def sort_value(value: float | None) -> str:
    """A number as the script reads it; empty, and so last, where there is none."""
    if value is None or math.isnan(value):
        return ""
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return repr(float(value))


def grid(caption: str, label: str, heads: Sequence[Head], rows: Iterable[Sequence[Entry]]) -> str:
    """A table in a region of its own, which scrolls where the page is narrower; caption, label: plain text."""
    lines = [
        # Reachable by keyboard, for who cannot drag it.
        f'<div class="frame" role="region" tabindex="0" aria-label="{escape(label)}">',
        '<table class="sortable">',
        f"<caption><span>{escape(caption)}</span></caption>",
        f"<thead><tr>{''.join(map(_head, heads))}</tr></thead>",
        "<tbody>",
        *(f"<tr>{''.join(map(_entry, row))}</tr>" for row in rows),
        "</tbody>",
        "</table>",
        "</div>",
    ]
    return "\n".join(lines)


def notes(texts: Iterable[str]) -> str:
    """A list of notes, ready HTML each; nothing where there are none."""
    items = "\n".join(f"<li>{text}</li>" for text in texts)
    return f'<ul class="notes">\n{items}\n</ul>' if items else ""


def commands(lines: Sequence[str], lead: str = "Train the missing runs:") -> str:
    """The commands that train what is missing; nothing where nothing is."""
    shown = "\n".join(map(escape, lines))
    return f"<p>{escape(lead)}</p>\n<pre><code>{shown}</code></pre>" if lines else ""


def _class(kind: str) -> str:
    return f' class="{kind}"' if kind else ""


def _head(head: Head) -> str:
    return f'<th scope="col"{_class(head.kind)}>{head.content}</th>'


def _entry(entry: Entry) -> str:
    tag, scope = ("th", ' scope="row"') if entry.heads_row else ("td", "")
    sort = "" if entry.sort is None else f' data-sort="{escape(entry.sort)}"'
    anchor = "" if entry.anchor is None else f' id="{escape(entry.anchor)}"'
    return f"<{tag}{anchor}{scope}{_class(entry.kind)}{sort}>{entry.content}</{tag}>"
