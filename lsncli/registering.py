"""What a registering hook is given: it takes the records of one plugin, and refuses what is none."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from string import Formatter
from typing import Any

from lsncli.components import NEEDS, ComponentInfo
from lsncli.errors import UnknownNameError
from lsncli.parameters import check_defaults

#: The types of the fields that everything else relies on.
_TYPES: dict[str, type] = {
    "summary": str,
    "reference": str,
    "revision": int,
    "suite": str,
    "label": str,
    "soft_targets": bool,
    "has_transition": bool,
    "priority": int,
}


def registrar(components: list[ComponentInfo], owner: str, hook: str, kind: str) -> Callable[[ComponentInfo], None]:
    """The ``register`` of one hook: appends records of ``kind`` to the ``components`` of the plugin ``owner``.

    What it raises for anything that could fail later and elsewhere ends the plugin.
    """

    def register(info: ComponentInfo) -> None:
        if not isinstance(info, ComponentInfo) or info.kind != kind:
            raise TypeError(f"{hook} takes records of kind {kind!r}, not {type(info).__name__}")
        if not isinstance(info.name, str) or not re.fullmatch(r"[^\s=,'\"]+", info.name):
            raise ValueError(f"{info.name!r} cannot be the name of a {kind}: one word is needed")
        if any(c.kind == info.kind and c.name == info.name for c in components):
            raise ValueError(f"{kind} {info.name!r} is registered twice by plugin {owner!r}")
        _check_fields(info, f"{kind} {info.name!r}")
        check_defaults(info.params, f"{kind} {info.name!r}")
        components.append(info)

    return register


def _check_fields(info: Any, subject: str) -> None:
    if not callable(info.build):
        raise TypeError(f"{subject}: build must be callable, not {info.build!r}")
    if info.check is not None and not callable(info.check):
        raise TypeError(f"{subject}: check must be callable or None, not {info.check!r}")
    for name, wanted in _TYPES.items():
        value = getattr(info, name, None)
        if hasattr(info, name) and not (isinstance(value, wanted) and isinstance(value, bool) is (wanted is bool)):
            raise TypeError(f"{subject}: {name} must be {_article(wanted)}, not {value!r}")
    if info.revision < 1:
        raise ValueError(f"{subject}: revision must be 1 or more, not {info.revision}")
    if not isinstance(info.needs, frozenset) or not _all_text(sorted(info.needs, key=str)):
        raise TypeError(f"{subject}: needs must be a frozenset of strings, not {info.needs!r}")
    for need in sorted(info.needs - NEEDS):
        # A misspelt need would be one that nobody meets: the loss would go without its matrix.
        raise UnknownNameError.of("need", need, NEEDS, where=subject)
    _check_estimate_choice(info, subject)
    _check_sizes(info, subject)
    if not _all_text(getattr(info, "class_names", ())):
        raise TypeError(f"{subject}: class_names must be a tuple of strings, not {info.class_names!r}")
    try:
        list(Formatter().parse(getattr(info, "label", "")))
    except ValueError as error:
        raise ValueError(f"{subject}: label {info.label!r} cannot be filled: {error}") from None


def _check_estimate_choice(info: Any, subject: str) -> None:
    choice = getattr(info, "uses_estimate", None)
    if choice is None:
        return
    if not callable(choice):
        raise TypeError(f"{subject}: uses_estimate must be callable or None, not {choice!r}")
    if "transition" not in info.needs:
        raise ValueError(f"{subject}: uses_estimate says nothing without 'transition' in needs")


def _check_sizes(info: Any, subject: str) -> None:
    for name in ("num_classes", "train_size", "test_size"):
        value = getattr(info, name, None)
        if value is not None and not _is_count(value):
            raise TypeError(f"{subject}: {name} must be a whole number from 1 up or None, not {value!r}")
    shape = getattr(info, "image_shape", None)
    if shape is not None and not (
        isinstance(shape, tuple | list) and len(shape) == 3 and all(_is_count(size) for size in shape)
    ):
        raise TypeError(f"{subject}: image_shape must be (height, width, channels) or None, not {shape!r}")


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def _all_text(values: object) -> bool:
    return isinstance(values, Sequence) and not isinstance(values, str) and all(isinstance(v, str) for v in values)


def _article(wanted: type) -> str:
    return {str: "a string", int: "a whole number", bool: "True or False"}[wanted]
