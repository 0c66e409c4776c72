"""Finds the line of a key in TOML text, for error messages; TOML parsers do not keep it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_HEADER = re.compile(r"^\s*\[\[?\s*([^\]]+?)\s*\]\]?\s*(#.*)?$")
_ASSIGNMENT = re.compile(r"^\s*([A-Za-z0-9_\-.\"']+)\s*=")


@dataclass(frozen=True, slots=True)
class AppliedProfile:
    """A profile that was laid over a recipe: its name, its changes, and the recipe without them."""

    name: str
    changes: Mapping[str, Any]
    base: Mapping[str, Any]

    def key(self, dotted: str) -> str:
        """Where the value at ``dotted`` stands in the file: in the profile, if the profile changes it."""
        axis = f"sweep.{dotted}"
        if has_key(self.changes, axis):
            return f"profiles.{self.name}.{axis}"
        if has_key(self.base, axis):
            return dotted
        section = dotted.rpartition(".")[0]
        # What is in neither is missing from the section that was changed last.
        added = bool(section) and not has_key(self.base, dotted) and has_key(self.changes, section)
        return f"profiles.{self.name}.{dotted}" if added or has_key(self.changes, dotted) else dotted


def has_key(table: Any, dotted: str) -> bool:
    """Whether nested tables have ``dotted``; keys of theirs may have dots, as a sweep's have."""
    if not isinstance(table, Mapping):
        return False
    parts = dotted.split(".")
    heads = [(".".join(parts[:n]), ".".join(parts[n:])) for n in range(1, len(parts) + 1)]
    return any(head in table and (not rest or has_key(table[head], rest)) for head, rest in heads)


def line_of(text: str, dotted: str, case: int | None = None) -> int | None:
    """The 1-based line where ``dotted`` is written: its axis in the sweep, or itself, or its nearest table.

    ``case`` counts the tables ``[[sweep.case]]`` (or those of a profile, where ``dotted`` is one's) from 0, where
    ``dotted`` is in that one. Good enough to point a
    person at the place; a key written in an unusual way gives None.
    """
    wanted = dotted.replace('"', "").replace("'", "")
    # The table that holds the cases: up to and with "sweep.case".
    counted = wanted[: wanted.find("sweep.case") + len("sweep.case")]
    table = ""
    headers: dict[str, int] = {}
    own: int | None = None
    cases = -1
    for number, line in enumerate(text.splitlines(), start=1):
        if header := _HEADER.match(line):
            table = _plain(header.group(1))
            cases += table == counted
            if case is None or cases == case:
                headers.setdefault(table, number)
        elif case is not None and (table != counted or cases != case):
            continue
        elif assignment := _ASSIGNMENT.match(line):
            key = _plain(assignment.group(1))
            full = f"{table}.{key}" if table else key
            if full == wanted or wanted.startswith(f"{full}."):
                own = own or number
            elif full == f"sweep.{wanted}":
                return number
    if own:
        return own
    while wanted:
        if wanted in headers:
            return headers[wanted]
        wanted = wanted.rpartition(".")[0]
    return None


def _plain(key: str) -> str:
    return re.sub(r"[\"'\s]", "", key)
