"""Finds the line of a key in TOML text, for error messages; TOML parsers do not keep it."""

from __future__ import annotations

import re

_HEADER = re.compile(r"^\s*\[\[?\s*([^\]]+?)\s*\]\]?\s*(#.*)?$")
_ASSIGNMENT = re.compile(r"^\s*([A-Za-z0-9_\-.\"']+)\s*=")


def line_of(text: str, dotted: str) -> int | None:
    """The 1-based line where ``dotted`` is written: its axis in the sweep, or itself, or its nearest table.

    Good enough to point a person at the place; a key written in an unusual way gives None.
    """
    wanted = dotted.replace('"', "").replace("'", "")
    table = ""
    headers: dict[str, int] = {}
    own: int | None = None
    for number, line in enumerate(text.splitlines(), start=1):
        if header := _HEADER.match(line):
            table = _plain(header.group(1))
            headers.setdefault(table, number)
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
