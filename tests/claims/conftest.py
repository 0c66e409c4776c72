"""Recipes small enough to reckon by hand, and databases whose metrics are made up."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from lsncli.plan import RunSpec
from lsncli.recipe.loading import LoadedRecipe, Overrides, Source, parse
from lsncli.recipe.resolve import resolve
from lsncli.store import Store

HEAD = """\
title = "Losses on digits"
seeds = [0, 1, 2, 3]
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

LOSSES = """\
[[sweep.case]]
loss = { name = "standard" }
[[sweep.case]]
loss = { name = "label-smoothing" }
sweep = { "loss.alpha" = [0.1, 0.2, 0.4] }
[[sweep.case]]
loss = { name = "forward-correction" }
sweep = { "loss.alpha" = [0.1] }
"""

PROFILES = """\
[profiles.quick.train]
steps = 50
"""

RECIPE = HEAD + LOSSES + PROFILES

#: Metric by seed, or a function of the spec; None leaves the run out.
Values = Callable[[RunSpec], dict[str, float] | None]


@pytest.fixture
def load_text() -> Callable[..., LoadedRecipe]:
    def load(text: str = RECIPE, **overrides: Any) -> LoadedRecipe:
        return parse(Source("losses.toml", text, Path()), Overrides(**overrides))

    return load


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "results.db") as opened:
        yield opened


@pytest.fixture
def fill(store: Store) -> Callable[..., None]:
    """Store every run of a recipe with the metrics that ``values`` gives it, as ``done`` or otherwise."""

    def put(loaded: LoadedRecipe, values: Values, status: str = "done") -> None:
        for spec in resolve(loaded).specs():
            metrics = values(spec)
            if metrics is not None:
                write(store, spec, metrics, status)

    return put


def write(store: Store, spec: RunSpec, metrics: dict[str, float], status: str = "done") -> None:
    steps = spec.train.steps
    with store.transaction():
        store.begin_run(spec.key, spec.plain(), steps=steps, provenance={})
        # An earlier evaluation, which must not count: claims are about the last one.
        store.record_metrics(spec.key, 1, dict.fromkeys(metrics, 0.999))
        store.record_metrics(spec.key, steps, metrics)
        store.finish_run(spec.key, status, final_step=steps, seconds=1.0)  # type: ignore[arg-type]


@pytest.fixture
def write_run(store: Store) -> Callable[..., None]:
    return lambda spec, metrics, status="done": write(store, spec, metrics, status)


@pytest.fixture
def recipe_text() -> str:
    return RECIPE


@pytest.fixture
def recipe_head() -> str:
    return HEAD
