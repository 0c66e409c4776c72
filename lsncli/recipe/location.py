"""Finds the line of a key in TOML text, for error messages; TOML parsers do not keep it."""

from __future__ import annotations

import re

_HEADER = re.compile(r"^\s*\[\[?\s*([^\]]+?)\s*\]\]?\s*(#.*)?$")
_ASSIGNMENT = re.compile(r"^\s*([A-Za-z0-9_\-.\"']+)\s*=")


def line_of(text: str, dotted: str, case: int | None = None) -> int | None:
    """The 1-based line where ``dotted`` is written: its axis in the sweep, or itself, or its nearest table.

    ``case`` counts the ``[[sweep.case]]`` tables from 0, where ``dotted`` is in that one. Good enough to point a
    person at the place; a key written in an unusual way gives None.
    """
    wanted = dotted.replace('"', "").replace("'", "")
    table = ""
    headers: dict[str, int] = {}
    own: int | None = None
    cases = -1
    for number, line in enumerate(text.splitlines(), start=1):
        if header := _HEADER.match(line):
            table = _plain(header.group(1))
            cases += table == "sweep.case"
            if case is None or cases == case:
                headers.setdefault(table, number)
        elif case is not None and (table != "sweep.case" or cases != case):
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
