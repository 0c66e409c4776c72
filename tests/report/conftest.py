"""Table 7 without its last rows, a recipe on a data set that is always there, and a stand-in for the database."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from lsncli.plan import RunSpec
from lsncli.recipe.loading import LoadedRecipe, Overrides, Source, parse
from lsncli.recipe.resolve import ResolvedRecipe, resolve

TABLE7 = """\
title = "Label smearing under 20 % symmetric noise"
table = 7
seeds = [0, 1, 2, 3, 4]
[data]
name = "cifar100"
[noise]
name = "symmetric"
rate = 0.2
[model]
name = "resnet32"
[train]
steps = 64000
augment = "crop-flip"
optimizer = { name = "sgd", lr = 0.1, momentum = 0.9, nesterov = true, weight_decay = 1e-4 }
schedule = { name = "step", milestones = [0.5, 0.75], gamma = 0.1 }
evaluations = 32
[sweep]
"data.name" = ["cifar100", "cifar10"]
"model.name" = ["resnet32", "resnet56"]
[[sweep.case]]
label = "Baseline"
loss = { name = "standard" }
[[sweep.case]]
label = "LS"
loss = { name = "label-smoothing", alpha = 0.1 }
[[sweep.case]]
label = "FC smoothing"
loss = { name = "forward-correction", alpha = 0.1 }
[[sweep.case]]
label = "BC smoothing"
loss = { name = "backward-correction", alpha = 0.1 }
[profiles.quick.train]
steps = 2000
[profiles.smoke.train]
steps = 10
"""

SMALL = """\
title = "Smoothing on digits"
seeds = [0, 1, 2]
[data]
name = "digits"
[noise]
name = "symmetric"
rate = 0.2
[model]
name = "mlp"
[train]
steps = 100
"""


@dataclass
class State:
    status: str


@dataclass
class FakeResults:
    """What a database would say, kept in dictionaries; remembers which kind of value was asked for."""

    states: dict[str, State] = field(default_factory=dict)
    metrics: dict[str, dict[str, float]] = field(default_factory=dict)
    digests: dict[str, str] = field(default_factory=dict)
    replacements: dict[str, str] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def add(self, spec: RunSpec, status: str = "done", **metrics: float) -> None:
        self.states[spec.key] = State(status)
        self.metrics[spec.key] = metrics

    def statuses(self, keys: Sequence[str]) -> dict[str, State]:
        return {key: self.states[key] for key in keys if key in self.states}

    def values(self, keys: Sequence[str], names: Sequence[str], which: str = "last") -> dict[str, dict[str, float]]:
        self.asked.append(which)
        found = {}
        for key in keys:
            found[key] = {n: v for n, v in self.metrics.get(key, {}).items() if n in names}
        return {key: values for key, values in found.items() if values}

    def data_digests(self, keys: Sequence[str]) -> dict[str, str]:
        return {key: self.digests[key] for key in keys if key in self.digests}

    def stand_ins(self) -> dict[str, str]:
        return self.replacements


@pytest.fixture
def results() -> FakeResults:
    return FakeResults()


@pytest.fixture
def loaded() -> Callable[..., LoadedRecipe]:
    def load(text: str = TABLE7, name: str = "recipe.toml", **overrides: Any) -> LoadedRecipe:
        return parse(Source(name, text, Path()), Overrides(**overrides))

    return load


@pytest.fixture
def resolved(loaded: Callable[..., LoadedRecipe]) -> Callable[..., ResolvedRecipe]:
    def load(text: str = TABLE7, **overrides: Any) -> ResolvedRecipe:
        return resolve(loaded(text, **overrides))

    return load


@pytest.fixture
def specs_at() -> Callable[..., list[RunSpec]]:
    """The specs of the variants with these coordinates (dots written as two underscores)."""

    def find(recipe: ResolvedRecipe, **coordinates: Any) -> list[RunSpec]:
        wanted = {key.replace("__", "."): value for key, value in coordinates.items()}
        return [
            spec
            for variant in recipe.variants
            if all(variant.coordinates.get(k) == v for k, v in wanted.items())
            for spec in variant.specs
        ]

    return find


@pytest.fixture
def fill() -> Callable[[FakeResults, Iterable[RunSpec], Sequence[float]], None]:
    """Give each run the test accuracy of its seed."""

    def put(results: FakeResults, specs: Iterable[RunSpec], accuracies: Sequence[float]) -> None:
        for spec in specs:
            results.add(spec, test_accuracy=accuracies[spec.seed])

    return put


@pytest.fixture
def table7_text() -> str:
    return TABLE7


@pytest.fixture
def small_text() -> str:
    return SMALL
