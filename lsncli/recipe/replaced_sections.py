"""Brings single values into the tables that a case of the sweep puts in place of a section.

``--set loss.floor=0.001`` changes ``[loss]``, and an axis ``"loss.alpha"`` changes it in turn; a case with a loss
of its own then replaces the section. Without this the value would be lost, and the report would still speak of it.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

from lsncli.recipe.component_sections import COMPONENT_SECTIONS, kind_at, of_dependency, own_keys

#: The parameters of a component (kind and name); None where they are not known, and any may be given.
Parameters = Callable[[str, str], Collection[str] | None]

#: Sections whose presence means something: a ``--set`` never adds them to a combination that is without.
OPTIONAL_SECTIONS = ("teacher", "transition")


def lay_over(
    settings: dict[str, Any], given: Iterable[tuple[str, Any]], replaced: Collection[str], parameters: Parameters
) -> None:
    """Set each ``(key, value)`` of ``given`` where the table at one of the ``replaced`` keys is around it.

    ``settings`` are those of one combination, which are changed. A component without such a parameter stays as it
    is (whatever ``loss.alpha`` is set to, cross-entropy has none), and so does a value that one of the ``replaced``
    keys gives by itself. Of a section that only some combinations have, every key is set: there is no place outside
    of these where it could have been.
    """
    for key, value in given:
        path = key.split(".")
        around = any(key.startswith(f"{other}.") for other in replaced)
        reached = (around or path[0] in OPTIONAL_SECTIONS) and key not in replaced
        if reached and _takes(settings, path, parameters):
            inside = [other for other in outermost_first(replaced) if other.startswith(f"{key}.")]
            _put_around(settings, path, value, inside if isinstance(value, Mapping) else ())


def _put_around(settings: dict[str, Any], path: list[str], value: Any, parts: Iterable[str]) -> None:
    """Set the value, of whose table the ``parts`` keep what they have."""
    kept = [(part, _at(settings, part.split(".")[:-1])) for part in parts]
    put(settings, path, copy.deepcopy(value))
    for part, table in kept:
        *_, last = part.split(".")
        if last in table:
            put(settings, part.split("."), table[last])


def changed_inside(swept: Mapping[str, Any], key: str, value: Any) -> dict[str, Any]:
    """``swept`` (an axis's values or a case's settings) with ``value`` wherever a table in it has ``key``."""
    result = dict(swept)
    for around, tables in swept.items():
        if key.startswith(f"{around}."):
            path = key.removeprefix(f"{around}.").split(".")
            many = isinstance(tables, list)
            changed = [_changed_inside(table, path, value) for table in (tables if many else [tables])]
            result[around] = changed if many else changed[0]
    return result


def _changed_inside(table: Any, path: list[str], value: Any) -> Any:
    first, *rest = path
    if not isinstance(table, Mapping) or first not in table:
        return table
    return {**table, first: _changed_inside(table[first], rest, value) if rest else copy.deepcopy(value)}


def says_otherwise(case: Mapping[str, Any], key: str, value: Any) -> bool:
    """Whether a case, by itself or by axes of its own, gives ``key`` another value.

    One that puts a component in place of another says nothing of the other one's parameters.
    """
    inner = case.get("sweep", {})
    axes = inner.items() if isinstance(inner, Mapping) else ()
    said = [*case.items(), *((swept, one) for swept, many in axes if isinstance(many, list) for one in many)]
    return any(_differs(around, given, key, value) for around, given in said)


def _differs(around: str, given: Any, key: str, value: Any) -> bool:
    """Whether ``given`` is another value of ``key``, or has one inside, where it is set at ``around``."""
    if around == key:
        return bool(given != value)
    if not key.startswith(f"{around}.") or not isinstance(given, Mapping):
        return False
    part = key.removeprefix(f"{around}.").split(".")[0]
    if part not in given or ("name" in given and kind_at(around) and part not in own_keys(around)):
        return False
    return _differs(f"{around}.{part}", given[part], key, value)


def contradicts(said: Any, actual: Any) -> bool:
    """Whether a combination has another value than its place in the sweep says; none at all is no contradiction.

    Where the place is a whole table, one without all that the table says is another one.
    """
    if isinstance(said, Mapping) and isinstance(actual, Mapping):
        return any(key not in actual or contradicts(value, actual[key]) for key, value in said.items())
    return actual is not None and said != actual


def accepted(settings: Mapping[str, Any], key: str, parameters: Parameters) -> Collection[str]:
    """The parameters that the component at the table around ``key`` has, and its section's own keys."""
    section = key.rpartition(".")[0]
    name, kind = component_at(settings, section.split(".")), kind_at(section)
    if kind is None:
        return ()
    return {*own_keys(section), *((parameters(kind, name) or ()) if name else ())}


def component_at(settings: Mapping[str, Any], path: list[str]) -> str | None:
    """The name of the component at ``path``, None if not known; what a dependency does not say is the run's own."""
    name = _at(settings, path).get("name")
    prefix, own = of_dependency(".".join(path))
    if name is None and prefix:
        name = _at(settings, own.split(".")).get("name")
    if name is None and own in COMPONENT_SECTIONS:
        name = COMPONENT_SECTIONS[own].model_fields["name"].default
    return name if isinstance(name, str) else None


def _takes(settings: Mapping[str, Any], path: list[str], parameters: Parameters) -> bool:
    *outer, last = path
    if path[0] in OPTIONAL_SECTIONS and path[0] not in settings:
        return False
    if any(_is_no_table(settings, path[:depth]) for depth in range(1, len(path))):
        # To be told as it stands, not covered up.
        return False
    section = ".".join(outer)
    kind = kind_at(section)
    if kind is None or last in _at(settings, outer) or last in {"name", *own_keys(section)}:
        return True
    name = component_at(settings, outer)
    known = None if name is None else parameters(kind, name)
    return known is None or last in known


def _is_no_table(settings: Mapping[str, Any], path: list[str]) -> bool:
    *outer, last = path
    table = _at(settings, outer)
    return last in table and not isinstance(table[last], Mapping)


def _at(settings: Mapping[str, Any], path: list[str]) -> Mapping[str, Any]:
    at: Any = settings
    for part in path:
        at = at.get(part) if isinstance(at, Mapping) else None
    return at if isinstance(at, Mapping) else {}


def outermost_first(keys: Iterable[str]) -> list[str]:
    """The keys in the order in which they are set: a whole section before its parts, whatever the file's order."""
    return sorted(keys, key=lambda key: key.count("."))


def put(settings: dict[str, Any], path: list[str], value: Any) -> None:
    """Set the value at ``path`` in nested ``settings``; tables on the way are copied, not changed."""
    at = settings
    for part in path[:-1]:
        inner = at.get(part)
        at[part] = dict(inner) if isinstance(inner, Mapping) else {}
        at = at[part]
    at[path[-1]] = value
