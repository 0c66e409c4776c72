"""A component's parameters as plain data: what a run's spec keeps of them, and its key is computed from."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import is_dataclass
from typing import Any

from pydantic import BaseModel, RootModel


def plain_params(params: BaseModel) -> dict[str, Any]:
    """``params`` without what equals its default, by the names that the model reads.

    Sets are sorted: their own order depends on the process, and with it the key would.
    """
    dumped: dict[str, Any] = params.model_dump(mode="json", exclude_defaults=True, by_alias=True)
    _sort_sets(params, dumped)
    return dumped


def _sort_sets(value: Any, dumped: Any) -> None:
    """Sort, in place, the lists of ``dumped`` that are sets in ``value``."""
    for inner, plain in _inside(value, dumped):
        _sort_sets(inner, plain)
    if isinstance(value, set | frozenset) and isinstance(dumped, list):
        dumped.sort(key=_place)


def _inside(value: Any, dumped: Any) -> Iterator[tuple[Any, Any]]:
    """The parts of a value beside those of its dump, as far as it was not written in a way of its own."""
    if isinstance(value, RootModel):
        yield value.root, dumped
    elif isinstance(value, BaseModel) and isinstance(dumped, dict):
        for name, field in type(value).model_fields.items():
            yield getattr(value, name, None), dumped.get(field.serialization_alias or name)
        for name, extra in (value.model_extra or {}).items():
            yield extra, dumped.get(name)
    elif is_dataclass(value) and isinstance(dumped, dict):
        for name, plain in dumped.items():
            yield getattr(value, name, None), plain
    elif isinstance(value, Mapping) and isinstance(dumped, dict) and len(value) == len(dumped):
        yield from zip(value.values(), dumped.values(), strict=True)
    elif (
        isinstance(value, list | tuple | set | frozenset) and isinstance(dumped, list) and len(value) == len(dumped)
    ):
        yield from zip(value, dumped, strict=True)


def _place(value: Any) -> tuple[int, float, str]:
    """Where a member of a set goes: numbers by value, then text, then all else by how it is written."""
    if isinstance(value, bool | int | float):
        return 0, value, ""
    return (1, 0, value) if isinstance(value, str) else (2, 0, json.dumps(value, sort_keys=True))
