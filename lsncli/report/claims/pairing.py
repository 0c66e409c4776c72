"""Forms pairs from RunSpecs alone: runs of one arm differ only by seed, runs of a pair only by what is compared."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from lsncli.plan import ComponentSpec, RunSpec

#: The seeds of a run: its own, its noise's, and the same of its teacher, its teacher's teacher, …
Seeds = tuple[int, ...]
#: What two runs of a pair differ by: their own loss, or that of their teacher. The estimate of a transition
#: matrix belongs to the loss that reads it.
Part = Literal["loss", "teacher"]

_ANY_LOSS = ComponentSpec(name="standard")


@dataclass(slots=True)
class Arm:
    """Runs that differ only by seed. spec: their common spec, all seeds 0; runs: seeds → run key."""

    spec: RunSpec
    runs: dict[Seeds, str] = field(default_factory=dict)


def changed(spec: RunSpec, **fields: Any) -> RunSpec:
    """``spec`` with other fields.

    Not ``model_copy``, which would also copy the key that the spec has worked out for itself.
    """
    return RunSpec(**{name: getattr(spec, name) for name in RunSpec.model_fields} | fields)


def seeds_of(spec: RunSpec) -> Seeds:
    """All seeds that set repetitions of a run apart; the subset's is not among them, as it says which data."""
    return (spec.seed, spec.noise.seed, *(seeds_of(spec.teacher) if spec.teacher else ()))


def named_seeds(spec: RunSpec, prefix: str = "") -> dict[str, int]:
    """Those seeds but the run's own by their dotted keys; a noise model that draws nothing has none."""
    found = {} if spec.noise.name == "none" else {f"{prefix}noise.seed": spec.noise.seed}
    if spec.teacher is not None:
        inner = f"{prefix}teacher."
        found |= {f"{inner}seed": spec.teacher.seed, **named_seeds(spec.teacher, inner)}
    return found


def without_seeds(spec: RunSpec) -> RunSpec:
    """``spec`` with all those seeds 0, also of the run behind its transition matrix."""
    transition = spec.transition
    if transition is not None and transition.run is not None:
        transition = transition.model_copy(update={"run": without_seeds(transition.run)})
    return changed(
        spec,
        seed=0,
        noise=spec.noise.model_copy(update={"seed": 0}),
        teacher=without_seeds(spec.teacher) if spec.teacher else None,
        transition=transition,
    )


def arms(specs: Iterable[RunSpec]) -> list[Arm]:
    """The arms of ``specs``, in the order in which their first runs come; equal specs count once."""
    found: dict[str, Arm] = {}
    for spec in specs:
        common = without_seeds(spec)
        found.setdefault(common.key, Arm(common)).runs.setdefault(seeds_of(spec), spec.key)
    return list(found.values())


def setting_of(spec: RunSpec, part: Part) -> str:
    """What the specs (without seeds) of two arms share exactly if they differ by nothing but ``part``."""
    if part == "loss":
        return changed(spec, loss=_ANY_LOSS, transition=None).key
    if spec.teacher is None:
        raise ValueError("a run without a teacher cannot be compared by its teacher")
    return changed(spec, teacher=changed(spec.teacher, loss=_ANY_LOSS, transition=None)).key


def settings(found: Iterable[Arm], part: Part) -> Mapping[str, list[Arm]]:
    """The arms by setting; for the teacher's part only those of students."""
    by_setting: dict[str, list[Arm]] = {}
    for arm in found:
        if part == "loss" or arm.spec.teacher is not None:
            by_setting.setdefault(setting_of(arm.spec, part), []).append(arm)
    return by_setting


def match(reference: Arm, compared: Arm) -> list[tuple[Seeds, str | None, str | None]]:
    """Seeds with the keys of both arms; None where an arm has no run of these seeds."""
    both = dict.fromkeys([*reference.runs, *compared.runs])
    return [(seeds, reference.runs.get(seeds), compared.runs.get(seeds)) for seeds in both]
