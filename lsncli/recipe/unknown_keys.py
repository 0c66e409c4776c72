"""What is said of a key that a recipe does not have, and of a name in a section's place."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from lsncli.errors import UnknownNameError
from lsncli.recipe.homes import home_hint
from lsncli.recipe.schema import Recipe
from lsncli.toml_text import toml_text


def unknown_key(raw: Mapping[str, Any], key: str, where: str, meant: str = "") -> UnknownNameError:
    """The error for ``key``; ``meant`` is the whole one where only its first part is unknown."""
    section, _, wrong = key.rpartition(".")
    error = UnknownNameError.of("recipe key", wrong, keys_of(section), where=where)
    # Exactly that name in another section, as train.lr is train.optimizer.lr, before what is only called alike.
    error.next = home_hint(meant or key, raw) or error.next
    return error


def name_instead(problem: Mapping[str, Any], key: str, keys: Iterable[str], where: str) -> str | None:
    """What to write where a component's name stands for its section, ``data = "digits"``; None for other problems.

    problem: as pydantic tells it. keys: those of the section. where: its place.
    """
    given = problem.get("input")
    if not isinstance(given, str) or problem["loc"] not in ((), tuple(key.split("."))) or "name" not in keys:
        return None
    return f"--set {key}.name={given}" if where.startswith("--set ") else f"{key} = {{ name = {toml_text(given)} }}"


def keys_of(section: str) -> Iterable[str]:
    """The keys that a section of the schema accepts."""
    model: Any = Recipe
    for part in section.split(".") if section else ():
        found = model.model_fields.get(part)
        if found is None or not hasattr(found.annotation, "model_fields"):
            return []
        model = found.annotation
    return list(model.model_fields)
