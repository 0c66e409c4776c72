"""Where a recipe names components: the dotted keys of their sections, in a run and in those it depends on."""

from __future__ import annotations

from lsncli.components import KIND_OF_SECTION
from lsncli.recipe.schema import (
    ComponentSection,
    DataSection,
    EstimatorSection,
    LossSection,
    NoiseSection,
    OptimizerSection,
    ScheduleSection,
)

#: Dotted key of a section → its model.
COMPONENT_SECTIONS: dict[str, type[ComponentSection]] = {
    "data": DataSection,
    "noise": NoiseSection,
    "model": ComponentSection,
    "loss": LossSection,
    "train.optimizer": OptimizerSection,
    "train.schedule": ScheduleSection,
    "transition.estimator": EstimatorSection,
}
#: What leads to the same sections of the runs that a run depends on.
_DEPENDENCIES = ("teacher.", "transition.run.")


def of_dependency(key: str) -> tuple[str, str]:
    """``teacher.loss.alpha`` is ``("teacher.", "loss.alpha")``; a key of the run itself has nothing before it."""
    prefix = next((prefix for prefix in _DEPENDENCIES if key.startswith(prefix)), "")
    return prefix, key.removeprefix(prefix)


def own_keys(section: str) -> set[str]:
    """What a component's section has beside the component's name and parameters, as a noise's has a seed."""
    return set(COMPONENT_SECTIONS[of_dependency(section)[1]].model_fields) - {"name"}


def kind_at(key: str) -> str | None:
    """The kind of component that the section ``key`` names; None for any other key, a component's parameter too."""
    own = of_dependency(key)[1]
    return KIND_OF_SECTION[own.rpartition(".")[2]] if own in COMPONENT_SECTIONS else None
