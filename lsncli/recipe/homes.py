"""Where in a recipe a parameter stands that was looked for elsewhere: ``lr`` is ``train.optimizer.lr``."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from lsncli.components import KIND_OF_SECTION
from lsncli.parameters import parameter_names
from lsncli.recipe.replaced_sections import Parameters, component_at
from lsncli.recipe.schema import (
    ComponentSection,
    DataSection,
    EstimatorSection,
    LossSection,
    NoiseSection,
    OptimizerSection,
    ScheduleSection,
    TrainSection,
)
from lsncli.registry import Registry, registry

_COMPONENTS: dict[str, type[ComponentSection]] = {
    "data": DataSection,
    "noise": NoiseSection,
    "model": ComponentSection,
    "loss": LossSection,
    "train.optimizer": OptimizerSection,
    "train.schedule": ScheduleSection,
    "transition.estimator": EstimatorSection,
}


def parameters_of(components: Registry | None = None) -> Parameters:
    """The parameters of registered components: those of ``components``, or of all that are installed."""

    def parameters(kind: str, name: str) -> Collection[str] | None:
        known = components or registry()
        # An unknown component is refused where its section is read; a prepared data set has no record.
        return parameter_names(known.get(kind, name).params) if name in known.names(kind) else None

    return parameters


def homes_of(parameter: str, settings: Mapping[str, Any], parameters: Parameters) -> list[str]:
    """The dotted keys under which the recipe has a ``parameter`` of that name, of a component or of its own."""
    found = [f"train.{parameter}"] if parameter in TrainSection.model_fields else []
    for section, model in _COMPONENTS.items():
        path = section.split(".")
        if path[0] == "transition" and not settings.get("transition"):
            continue
        name = component_at(settings, path) or model.model_fields["name"].default
        own = set(model.model_fields) - {"name"}
        known = parameters(KIND_OF_SECTION[path[-1]], name) if isinstance(name, str) else None
        if parameter in own | set(known or ()):
            found.append(f"{section}.{parameter}")
    return found


def homes_in(settings: Mapping[str, Any], dotted: str) -> str | None:
    """The hint for a key that there is not: where the recipe has a parameter of its last name; None if nowhere."""
    return did_you_mean(homes_of(dotted.split(".")[-1], settings, parameters_of()))


def did_you_mean(homes: Sequence[str]) -> str | None:
    """The hint that names the homes; None without any."""
    return f"did you mean {' or '.join(map(repr, homes))}?" if homes else None
