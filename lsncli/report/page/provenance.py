"""Where the page's numbers come from: the report itself, its database, and the runs that it shows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from lsncli.report.formats.html import escape
from lsncli.report.page.grid import Entry, Head, grid, text
from lsncli.report.page.runs import RunBook

#: What is counted over the runs, as (words, path into the provenance).
_SETTLED = (
    ("device", ("device",)),
    ("backend", ("backend",)),
    ("precision", ("precision",)),
    ("threads", ("threads",)),
    ("platform", ("platform",)),
    ("lsn", ("lsn",)),
    ("Python", ("python",)),
)

#: Most values of one kind that are written out.
_MOST = 12


@dataclass(frozen=True, slots=True)
class Origin:
    """Of the page: when and by what command it was made, from which database, under which profile.

    database: its place without a password, None where there is none yet. contents: runs in it by status.
    stand_ins: data set → the one that it stands in for.
    """

    made: datetime
    command: str
    version: str
    profile: str
    database: str | None
    schema: str | None
    contents: Mapping[str, int]
    stand_ins: Mapping[str, str]


def origin_section(origin: Origin, book: RunBook) -> str:
    """A table of facts on the page, one on the runs' machines and versions, one on their data."""
    return "\n".join([_page_facts(origin, book), _run_facts(book), _data_facts(book)])


def _page_facts(origin: Origin, book: RunBook) -> str:
    counts = ", ".join(f"{count} {status}" for status, count in origin.contents.items())
    facts = [
        ("made", f"{origin.made:%Y-%m-%d %H:%M} UTC"),
        ("command", origin.command),
        ("lsn", origin.version),
        ("profile", origin.profile),
        ("database", "none yet" if origin.database is None else origin.database),
        ("schema", origin.schema or ""),
        ("runs in it", f"{sum(origin.contents.values())}" + (f" ({counts})" if counts else "")),
        ("runs on this page", str(len(book.used))),
        ("stand-ins", "; ".join(f"{name} for {real}" for name, real in origin.stand_ins.items()) or "none"),
    ]
    rows = [[text(name, heads_row=True), text(value, "words")] for name, value in facts if value]
    return grid("This page.", "Facts about this page", [Head("what"), Head("value", "words")], rows)


def _run_facts(book: RunBook) -> str:
    found: list[tuple[str, Counter[str]]] = [(name, _counted(book, path)) for name, path in _SETTLED]
    found += [(f"package {name}", counts) for name, counts in _each(book, "packages").items()]
    found += [(f"plugin {name}", counts) for name, counts in _each(book, "plugins").items()]
    found += [("commit of lsn", _commits(book)), ("command", _counted(book, ("command",)))]
    rows = [
        [text(name, "words", heads_row=True), Entry(_listed(counts), None, "words")]
        for name, counts in found
        if counts
    ]
    if not rows:
        return ""
    caption = "The runs on this page: with what they were trained last (of how many runs)."
    return grid(caption, "Machines and versions", [Head("what", "words"), Head("value", "words")], rows)


def _data_facts(book: RunBook) -> str:
    counts: Counter[tuple[str, str]] = Counter()
    for key in book.used:
        data = book.records[key].spec.get("data")
        name = data.get("name", "") if isinstance(data, Mapping) else ""
        counts[str(name), str(book.provenance_of(key).get("data_digest") or "unknown")] += 1
    if not counts:
        return ""
    rows = [
        [
            text(name, heads_row=True),
            Entry(f"<code>{escape(digest)}</code>", None, "words"),
            Entry(str(count), None, "number"),
        ]
        for (name, digest), count in sorted(counts.items())
    ]
    heads = [Head("data set"), Head("SHA-256 of its arrays", "words"), Head("runs", "number")]
    return grid("The data that they were trained on.", "Data sets", heads, rows)


def _counted(book: RunBook, path: Iterable[str]) -> Counter[str]:
    counts: Counter[str] = Counter()
    for key in book.used:
        value: Any = book.provenance_of(key)
        for step in path:
            value = value.get(step) if isinstance(value, Mapping) else None
        if value is not None:
            counts[str(value)] += 1
    return counts


def _each(book: RunBook, name: str) -> dict[str, Counter[str]]:
    """The versions of each package or plugin, over the runs."""
    found: dict[str, Counter[str]] = {}
    for key in book.used:
        versions = book.provenance_of(key).get(name)
        for part, version in versions.items() if isinstance(versions, Mapping) else ():
            found.setdefault(str(part), Counter())[str(version)] += 1
    return found


def _commits(book: RunBook) -> Counter[str]:
    counts: Counter[str] = Counter()
    for key in book.used:
        git = book.provenance_of(key).get("git")
        if isinstance(git, Mapping) and git.get("commit"):
            counts[f"{git['commit']}{' with changes' if git.get('dirty') else ''}"] += 1
    return counts


def _listed(counts: Counter[str]) -> str:
    """Values, the most frequent first, each with the number of its runs."""
    lines = [f"{escape(value)} ({count})" for value, count in counts.most_common(_MOST)]
    if len(counts) > _MOST:
        lines.append(f"and {len(counts) - _MOST} more")
    return "<br>".join(lines)
