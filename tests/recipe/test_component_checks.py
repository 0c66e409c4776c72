"""Every component that a recipe names is asked, while the plan is made, whether it can work there."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lsncli.components import CheckContext
from lsncli.errors import LsnError
from lsncli.recipe.loading import load
from lsncli.recipe.resolve import resolve
from lsncli.registry import Registered, registry

RECIPE = """\
title = "Test"
data = { name = "digits" }
noise = { name = "symmetric", rate = 0.3 }
model = { name = "mlp" }
loss = { name = "forward-correction", transition = "estimated" }
transition = { estimator = { name = "true" } }
train = { steps = 10, batch_size = 32, optimizer = { name = "sgd" }, schedule = { name = "cosine" } }
"""

#: Kind → the name in the recipe, the key of its section, and whether the noise model's matrix is told.
ASKED = {
    "data set": ("digits", "data", False),
    "noise model": ("symmetric", "noise", False),
    "architecture": ("mlp", "model", True),
    "loss": ("forward-correction", "loss", True),
    "optimizer": ("sgd", "train.optimizer", True),
    "schedule": ("cosine", "train.schedule", True),
    "estimator": ("true", "transition.estimator", True),
}


@pytest.mark.parametrize("kind", ASKED)
def test_it_is_told_of_the_run_and_may_refuse_it(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, key, with_matrix = ASKED[kind]
    told: list[CheckContext] = []

    def check(params: Any, context: CheckContext) -> None:
        told.append(context)
        raise ValueError("not with these")

    registered = registry().find(kind, name)
    refusing = Registered(replace(registered.info, check=check), registered.plugin)
    monkeypatch.setitem(registry()._components, (kind, name), refusing)
    path = tmp_path / "recipe.toml"
    path.write_text(RECIPE)
    with pytest.raises(LsnError) as caught:
        resolve(load(str(path)))
    assert caught.value.what == f"{kind} {name!r}: not with these"
    assert key in (caught.value.where or "")
    (context,) = told
    assert (context.dataset, context.num_classes, context.noise) == ("digits", 10, "symmetric")
    assert context.has_transition
    assert context.has_estimate
    assert (context.transition is not None) is with_matrix


def test_an_estimator_that_nothing_is_estimated_by_is_not_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def check(params: Any, context: CheckContext) -> None:
        raise ValueError("not with these")

    registered = registry().find("estimator", "true")
    refusing = Registered(replace(registered.info, check=check), registered.plugin)
    monkeypatch.setitem(registry()._components, ("estimator", "true"), refusing)
    path = tmp_path / "recipe.toml"
    path.write_text(RECIPE.replace('transition = "estimated"', "alpha = 0.2"))
    (spec,) = resolve(load(str(path))).specs()
    assert spec.transition is None
