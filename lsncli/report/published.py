"""Finds the published number of a cell in the data files of ``report/paper``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

import tomli

from lsncli.report.table import Published

#: Tells the value of a dotted key in a cell's settings; None where it is not known.
Lookup = Callable[[str], Any]


@dataclass(frozen=True, slots=True)
class Entry:
    """One printed number: its coordinates, what else must not be contradicted, and the number."""

    where: Mapping[str, Any]
    setting: Mapping[str, Any]
    metric: str
    number: Published


@dataclass(frozen=True, slots=True)
class Note:
    """A remark on some printed numbers."""

    text: str
    where: Mapping[str, Any]
    metric: str | None


@dataclass(frozen=True, slots=True)
class PublishedTable:
    """A table of the paper."""

    number: int
    title: str
    source: str
    setting: Mapping[str, Any]
    entries: tuple[Entry, ...]
    notes: tuple[Note, ...]

    def find(self, coordinates: Mapping[str, Any], metric: str, lookup: Lookup) -> Published | None:
        """The number printed for a cell, or None.

        All coordinates of the entry must be the cell's. The table's setting (noise, data set) and the entry's
        must not be contradicted by ``lookup``: 40 % noise has no published number beside 20 %.
        """
        if not _agrees(self.setting, lookup):
            return None
        for entry in self.entries:
            if (
                entry.metric == metric
                and _same(entry.where, coordinates, lookup)
                and _agrees(entry.setting, lookup)
            ):
                return entry.number
        return None

    def notes_on(self, coordinates: Mapping[str, Any], metric: str, lookup: Lookup) -> list[str]:
        """The remarks on the number of a cell."""
        return [
            note.text
            for note in self.notes
            if note.metric in (None, metric) and _same(note.where, coordinates, lookup)
        ]


@cache
def published_table(number: int) -> PublishedTable | None:
    """The paper's table ``number``, or None where its numbers are not on file."""
    file = resources.files("lsncli.report.paper") / f"table{number}.toml"
    if not file.is_file():
        return None
    raw = tomli.loads(file.read_text(encoding="utf-8"))
    repeats = raw.get("repeats")
    return PublishedTable(
        number=raw["table"],
        title=raw["title"],
        source=f"{raw['source']}, {raw['url']}",
        setting=raw.get("setting", {}),
        entries=tuple(
            Entry(
                where={**entry.get("row", {}), **entry.get("column", {})},
                setting=entry.get("setting", {}),
                metric=entry["metric"],
                number=Published(float(entry["mean"]), entry.get("std"), repeats if "std" in entry else None),
            )
            for entry in raw["entries"]
        ),
        notes=tuple(
            Note(note["text"], {**note.get("row", {}), **note.get("column", {})}, note.get("metric"))
            for note in raw.get("notes", ())
        ),
    )


def _same(where: Mapping[str, Any], coordinates: Mapping[str, Any], lookup: Lookup) -> bool:
    """Every key of ``where`` has one of its values in the cell, as coordinate or, unswept, as setting."""
    return all(
        (coordinates[key] if key in coordinates else lookup(key)) in _alternatives(value)
        for key, value in where.items()
    )


def _agrees(setting: Mapping[str, Any], lookup: Lookup) -> bool:
    return all(lookup(key) in (None, *_alternatives(value)) for key, value in setting.items())


def _alternatives(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
