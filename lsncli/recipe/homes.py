"""Where in a recipe a parameter stands that was looked for elsewhere: ``lr`` is ``train.optimizer.lr``."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from lsncli.parameters import parameter_names
from lsncli.recipe.component_sections import COMPONENT_SECTIONS, kind_at, of_dependency, own_keys
from lsncli.recipe.replaced_sections import Parameters, component_at
from lsncli.recipe.schema import TrainSection
from lsncli.registry import Registry, registry

#: A seed is no setting, and a noise's own is not what is meant by one.
_SEEDS = ("seed", "seeds")


def parameters_of(components: Registry | None = None) -> Parameters:
    """The parameters of registered components: those of ``components``, or of all that are installed."""

    def parameters(kind: str, name: str) -> Collection[str] | None:
        known = components or registry()
        # An unknown component is refused where its section is read; a prepared data set has no record.
        return parameter_names(known.get(kind, name).params) if name in known.names(kind) else None

    return parameters


def homes_of(key: str, settings: Mapping[str, Any], parameters: Parameters) -> list[str]:
    """The dotted keys under which the recipe has a parameter of the last name of ``key``: a component's or its own.

    For a key of the teacher's they are the teacher's.
    """
    prefix, parameter = of_dependency(key)[0], key.rpartition(".")[2]
    if parameter in _SEEDS:
        return []
    found = [f"{prefix}train.{parameter}"] if parameter in TrainSection.model_fields else []
    for section in COMPONENT_SECTIONS:
        if section.startswith("transition.") and (prefix or not settings.get("transition")):
            continue
        name, kind = component_at(settings, f"{prefix}{section}".split(".")), kind_at(section)
        known = parameters(kind, name) if kind and name else None
        if parameter in own_keys(section) | set(known or ()):
            found.append(f"{prefix}{section}.{parameter}")
    return found


def home_hint(key: str, settings: Mapping[str, Any], components: Registry | None = None) -> str | None:
    """The hint for a key that there is not: where the recipe has a parameter of its last name; None if nowhere."""
    if key.rpartition(".")[2] in _SEEDS:
        return SEEDS_HINT
    return did_you_mean(homes_of(key, settings, parameters_of(components)))


SEEDS_HINT = "seeds are given by seeds = […]"


def did_you_mean(homes: Sequence[str]) -> str | None:
    """The hint that names the homes; None without any."""
    return f"did you mean {' or '.join(map(repr, homes))}?" if homes else None
