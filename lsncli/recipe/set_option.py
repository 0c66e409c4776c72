"""``--set``: changes a recipe before it is validated, in its sweep and its cases, too."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from lsncli.errors import LsnError
from lsncli.recipe.replaced_sections import OPTIONAL_SECTIONS, changed_inside
from lsncli.recipe.schema import SETTING_SECTIONS, Recipe
from lsncli.recipe.toml_text import MAX_DEPTH
from lsncli.recipe.unknown_keys import unknown_key


def apply_setting(raw: dict[str, Any], key: str, value: Any) -> None:
    """Apply one ``--set`` to a recipe as TOML has it; raises :class:`LsnError` for a key that no recipe has."""
    _set(raw, key, value)
    # What a whole section says of a swept key is no less said.
    for inner, part in _inside(key, value):
        if _is_varied(raw.get("sweep", {}), inner):
            _set(raw, inner, part)


def leaves(key: str, value: Any) -> Iterator[tuple[str, Any]]:
    """Every value in a table ``key`` by its dotted key; ``key`` itself where its value is no table."""
    if not isinstance(value, Mapping):
        yield key, value
        return
    for part, inner in value.items():
        yield from leaves(f"{key}.{part}", inner)


def _inside(key: str, value: Any) -> Iterator[tuple[str, Any]]:
    """Every value in a table ``key``, and every table, by its dotted key; the outer before the inner."""
    for part, inner in value.items() if isinstance(value, Mapping) else ():
        yield f"{key}.{part}", inner
        yield from _inside(f"{key}.{part}", inner)


def _is_varied(sweep: Mapping[str, Any], key: str) -> bool:
    """Whether an axis, or a case by itself or by an axis of its own, gives ``key`` its values."""
    cases = [case for case in sweep.get("case", []) if isinstance(case, Mapping)]
    inner = [case["sweep"] for case in cases if isinstance(case.get("sweep"), Mapping)]
    return any(key in keys for keys in (sweep, *cases, *inner))


def _set(raw: dict[str, Any], key: str, value: Any) -> None:
    """A swept key keeps its place in the report, with the given value(s) only."""
    sweep = raw.get("sweep")
    if isinstance(sweep, dict) and key in sweep:
        # A case that sweeps the key by itself is no exception.
        values = value if isinstance(value, list) else [value]
        swept = {**sweep, key: values}
        if isinstance(cases := sweep.get("case"), list):
            swept["case"] = [_swept_in_case(case, key, values) for case in cases]
        raw["sweep"] = swept
        return
    head, *rest = key.split(".")
    if not key or not all(key.split(".")) or len(rest) > MAX_DEPTH:
        raise LsnError(f"--set {key!r}: not a key", valid="dotted keys such as train.steps or loss.alpha")
    if head not in Recipe.model_fields:
        raise unknown_key(raw, head, f"--set {key}", meant=key)
    # Every case must see it too, also where the case says otherwise. A table around the key that is silent about it
    # is seen to when the sweep is expanded, and so is a section that only some combinations have.
    if head in SETTING_SECTIONS and isinstance(sweep, dict):
        axes = changed_inside(sweep, key, value)
        raw["sweep"] = {**axes, "case": [_set_in_case(c, key, value) for c in sweep.get("case", [])]}
        if not raw["sweep"]["case"]:
            del raw["sweep"]["case"]
        if head in OPTIONAL_SECTIONS and head not in raw and _swept(sweep, head):
            return
    at: dict[str, Any] = raw
    for part in (head, *rest)[:-1]:
        inner = at.get(part)
        at[part] = dict(inner) if isinstance(inner, Mapping) else {}
        at = at[part]
    at[(head, *rest)[-1]] = value


def _set_in_case(case: Any, key: str, value: Any) -> Any:
    if not isinstance(case, Mapping):
        return case
    changed = changed_inside(case, key, value)
    if key in changed:
        changed[key] = value
    inner = changed.get("sweep")
    if isinstance(inner, Mapping):
        inner = changed_inside(inner, key, value)
        changed["sweep"] = {**inner, key: value if isinstance(value, list) else [value]} if key in inner else inner
    return changed


def _swept_in_case(case: Any, key: str, values: list[Any]) -> Any:
    inner = case.get("sweep") if isinstance(case, Mapping) else None
    return {**case, "sweep": {**inner, key: values}} if isinstance(inner, Mapping) and key in inner else case


def _swept(sweep: Mapping[str, Any], section: str) -> bool:
    """Whether the sweep gives some of its combinations the section."""
    cases = [case for case in sweep.get("case", []) if isinstance(case, Mapping)]
    inner = [case["sweep"] for case in cases if isinstance(case.get("sweep"), Mapping)]
    return any(key.split(".")[0] == section for keys in (sweep, *cases, *inner) for key in keys)
