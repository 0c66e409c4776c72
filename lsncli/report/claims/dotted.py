"""RunSpecs as dotted keys, as a recipe writes them, and the keys by which several of them differ."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from lsncli.components import KIND_OF_SECTION
from lsncli.parameters import default_of, recipe_name
from lsncli.plan import RunSpec
from lsncli.registry import Registry


def dotted(spec: RunSpec, components: Registry) -> dict[str, Any]:
    """Every value of ``spec`` by its dotted key, ``loss.alpha`` or ``train.optimizer.lr``.

    Parameters that a spec leaves out have the defaults that their component says, where it is installed.
    """
    found: dict[str, Any] = {}
    _collect(spec.model_dump(mode="json"), "", found, components)
    return found


def apart(specs: Sequence[Mapping[str, Any]]) -> list[str]:
    """The dotted keys whose values are not the same in all ``specs``, in the order in which they appear."""
    keys = dict.fromkeys(key for spec in specs for key in spec)
    return [key for key in keys if len({_comparable(spec, key) for spec in specs}) > 1]


def _collect(value: Mapping[str, Any], prefix: str, found: dict[str, Any], components: Registry) -> None:
    for name, inner in value.items():
        key = f"{prefix}{name}"
        if not isinstance(inner, Mapping):
            # Nothing there is how a spec says that it has no teacher; its absence is not a value.
            if inner is not None:
                found[key] = inner
        elif "params" in inner and "name" in inner:
            parameters = _defaults(name, inner["name"], components) | inner["params"]
            rest = {k: v for k, v in inner.items() if k not in ("name", "params", "revision")}
            found[f"{key}.name"] = inner["name"]
            _collect({**parameters, **rest, "revision": inner["revision"]}, f"{key}.", found, components)
        else:
            _collect(inner, f"{key}.", found, components)


def _defaults(place: str, name: str, components: Registry) -> dict[str, Any]:
    """The defaults of a component's parameters; none where it is not installed here."""
    kind = KIND_OF_SECTION.get(place, "")
    if name not in components.names(kind):
        return {}
    model = components.get(kind, name).params
    fields = model.model_fields if model is not None else {}
    return {
        recipe_name(key, field): json.loads(json.dumps(default_of(field), default=str))
        for key, field in fields.items()
        if not field.is_required()
    }


def _comparable(spec: Mapping[str, Any], key: str) -> str:
    if key not in spec:
        return ""
    value = spec[key]
    # 1 and 1.0 are one number in a recipe, and one in a key.
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return repr(float(value)) if number else json.dumps(value, sort_keys=True, default=str)
