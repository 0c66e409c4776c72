"""Finds the shipped recipe that reproduces a table of the paper."""

from __future__ import annotations

import tomli

from lsncli.errors import LsnError
from lsncli.recipe.loading import shipped_recipes


def recipe_of_table(number: int) -> str:
    """The name of the shipped recipe with ``table = number``; :class:`LsnError` listing the tables there are."""
    tables: dict[int, str] = {}
    for name, file in shipped_recipes().items():
        try:
            table = tomli.loads(file.read_text(encoding="utf-8")).get("table")
        except (tomli.TOMLDecodeError, UnicodeDecodeError):
            continue  # loading that recipe by its name says what is wrong with it
        if isinstance(table, int):
            tables.setdefault(table, name)
    if number not in tables:
        raise LsnError(
            f"no shipped recipe reproduces table {number}",
            where="--table",
            valid="1 and 6 (computed), " + ", ".join(f"{n} ({tables[n]})" for n in sorted(tables)),
            next="give the path of a recipe file instead",
        )
    return tables[number]
