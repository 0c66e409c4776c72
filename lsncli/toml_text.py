"""Writes values as a recipe would: TOML's spelling, for messages and for commands that can be typed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any


def toml_text(value: Any) -> str:
    """``value`` in TOML's syntax: ``true``, ``[0.5, 0.75]``, ``{name = "sgd"}``; None has none and is ``none``."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{toml_text(str(k))} = {toml_text(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(toml_text, value)) + "]"
    if isinstance(value, set | frozenset):
        return "[" + ", ".join(sorted(map(toml_text, value))) + "]"
    return str(value)
