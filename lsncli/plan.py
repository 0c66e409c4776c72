"""RunSpecs, their keys, and the plan: what is to be trained, as a directed acyclic graph.

A :class:`RunSpec` is one training, completely resolved. Its key is a digest of its canonical JSON, from
which fields equal to their default are left out, so that a new optional field changes no old key. How a run
is trained (device, precision, replicas, executor) is no part of it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict

from lsncli.run_key import key_of

Augmentation = Literal["none", "crop", "flip", "crop-flip"]


class _Spec(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class ComponentSpec(_Spec):
    """A component with its parameters (those equal to their default left out) and its revision."""

    name: str
    params: dict[str, Any] = {}
    revision: int = 1


class DataSpec(ComponentSpec):
    """A data set, or a class-balanced subset of it drawn with ``subset_seed``.

    Of its training examples ``validation_size``, drawn with the same seed, are held out with their noisy labels.
    """

    train_size: int | None = None
    test_size: int | None = None
    subset_seed: int = 0
    validation_size: int | None = None

    def plain_identity(self) -> dict[str, Any]:
        """Plain data that tells one set of arrays from another."""
        return self.model_dump(mode="json")

    def contents_identity(self) -> str:
        """Text that two specs share where they take the same part of a set, so that its digests can be compared."""
        whole = self.train_size is None and self.test_size is None
        part = None if whole else [self.train_size, self.test_size, self.subset_seed]
        return json.dumps([self.name, self.model_dump(mode="json")["params"], part], sort_keys=True)


class NoiseSpec(ComponentSpec):
    """A noise model and the seed of its draws, which is independent of the training's seed."""

    seed: int = 0


class TrainSpec(_Spec):
    """How the parameters are fitted. ``evaluations`` counts the evaluation points, the last step included."""

    steps: int
    batch_size: int = 128
    optimizer: ComponentSpec
    schedule: ComponentSpec = ComponentSpec(name="constant")
    augment: Augmentation = "none"
    crop_padding: int = 4
    evaluations: int = 10


class DistillationSpec(_Spec):
    """How a student learns from its teacher's softened probabilities (paper, section 5)."""

    temperature: float = 2.0
    squared_temperature_factor: bool = False
    teacher_view: Literal["augmented", "clean"] = "augmented"


class TransitionSpec(_Spec):
    """An estimate of the transition matrix from another run's predictions on the training set.

    ``run`` is None for an estimator that reads no predictions.
    """

    estimator: ComponentSpec
    run: RunSpec | None = None


class RunSpec(_Spec):
    """One training, completely resolved, including the runs that it depends on."""

    data: DataSpec
    noise: NoiseSpec
    model: ComponentSpec
    loss: ComponentSpec
    train: TrainSpec
    seed: int
    teacher: RunSpec | None = None
    distillation: DistillationSpec | None = None
    transition: TransitionSpec | None = None

    def plain(self) -> dict[str, Any]:
        """The spec as plain data, fields equal to their default left out."""
        return self.model_dump(mode="json", exclude_defaults=True)

    @cached_property
    def key(self) -> str:
        """The run key: the first 20 hexadecimal digits of SHA-256 over the canonical JSON."""
        return key_of(self.plain())

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """A copy with ``update``; a key that was computed before is not copied, as it belongs to the original."""
        copied = super().model_copy(update=update, deep=deep)
        copied.__dict__.pop("key", None)
        return copied

    def dependencies(self) -> tuple[RunSpec, ...]:
        """The runs that must be done before this one: its teacher, the run behind its transition matrix."""
        found = (self.teacher, self.transition.run if self.transition else None)
        return tuple(spec for spec in found if spec is not None)

    def evaluation_steps(self) -> list[int]:
        """The steps after which the run is evaluated: evenly spaced, the last one included."""
        count = min(self.train.evaluations, self.train.steps)
        return sorted({round(self.train.steps * (i + 1) / count) for i in range(count)})

    def describe(self) -> str:
        """One line for people: data, noise, model, loss, seed."""
        return " · ".join((*self._parts(), f"seed {self.seed}"))

    def _parts(self) -> tuple[str, ...]:
        parts: tuple[str, ...] = (_words(self.data), _words(self.noise), _words(self.model), _words(self.loss))
        if self.transition is not None:
            parts = (*parts, f"T by {_words(self.transition.estimator)}")
        return (*parts, f"taught by {_words(self.teacher.loss)}") if self.teacher else parts


def _words(spec: ComponentSpec) -> str:
    shown = [f"{k}={v:g}" if isinstance(v, float) else f"{k}={v}" for k, v in spec.params.items()]
    return " ".join([spec.name, *(text if len(text) < 25 else text.split("=")[0] + "=…" for text in shown)])


@dataclass(slots=True)
class PlannedRun:
    """A node of the plan: a spec, the keys that it waits for, the recipes that want it."""

    spec: RunSpec
    dependencies: tuple[str, ...]
    titles: list[str] = field(default_factory=list)

    @property
    def key(self) -> str:
        """The run key."""
        return self.spec.key


class Plan:
    """Runs by key, each one once, in an order in which dependencies come first."""

    def __init__(self) -> None:
        self._runs: dict[str, PlannedRun] = {}

    def add(self, spec: RunSpec, title: str = "") -> None:
        """Add a run and, before it, the runs that it depends on."""
        for dependency in spec.dependencies():
            self.add(dependency, title)
        run = self._runs.setdefault(spec.key, PlannedRun(spec, tuple(d.key for d in spec.dependencies())))
        if title and title not in run.titles:
            run.titles.append(title)

    @classmethod
    def of(cls, specs: Iterable[RunSpec], title: str = "") -> Plan:
        """The plan of ``specs`` and all that they depend on."""
        plan = cls()
        for spec in specs:
            plan.add(spec, title)
        return plan

    def __iter__(self) -> Iterator[PlannedRun]:
        return iter(self._runs.values())

    def __len__(self) -> int:
        return len(self._runs)

    def __contains__(self, key: object) -> bool:
        return key in self._runs

    def __getitem__(self, key: str) -> PlannedRun:
        return self._runs[key]

    def keys(self) -> list[str]:
        """The keys, dependencies first."""
        return list(self._runs)

    def without(self, done: Iterable[str]) -> Plan:
        """The plan less the runs in ``done``."""
        skip = set(done)
        rest = Plan()
        rest._runs = {run.key: run for run in self if run.key not in skip}
        return rest
