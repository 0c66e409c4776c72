"""Finds the shipped recipe whose runs a figure of the paper shows."""

from __future__ import annotations

from typing import Any

import tomli

from lsncli.errors import LsnError
from lsncli.recipe.loading import shipped_recipes

#: Figures that need no training.
COMPUTED = (1, 5)
FIGURES = tuple(range(1, 10))


def check_number(number: int) -> None:
    """Raise :class:`LsnError` for a figure that the paper does not have."""
    if number not in FIGURES:
        raise LsnError(f"the paper has no figure {number}", where="--figure", valid=map(str, FIGURES))


def recipe_of_figure(number: int) -> str:
    """The name of the shipped recipe with ``figure = number``, or with a list that holds it.

    Raises :class:`LsnError` listing the figures that there are.
    """
    figures: dict[int, str] = {}
    for name, file in shipped_recipes().items():
        try:
            said = tomli.loads(file.read_text(encoding="utf-8")).get("figure")
        except (tomli.TOMLDecodeError, UnicodeDecodeError):
            continue  # loading that recipe by its name says what is wrong with it
        for figure in _numbers(said):
            figures.setdefault(figure, name)
    if number not in figures:
        raise LsnError(
            f"no shipped recipe has the runs of figure {number}",
            where="--figure",
            valid=", ".join(f"{n} ({figures[n]})" for n in sorted(figures)) or "(no shipped recipe has a figure)",
            next=f"give a recipe of your own: lsn report my-recipe.toml --figure {number}",
        )
    return figures[number]


def _numbers(said: Any) -> list[int]:
    return [n for n in (said if isinstance(said, list) else [said]) if isinstance(n, int)]
