"""The optimiser and the schedules against their formulas."""

from __future__ import annotations

import math

import pytest
import torch

from lsncli.errors import LsnError
from lsncli.parameters import NoParams, validate
from lsncli.registry import registry


def schedule(name: str, total: int, **params: object):
    info = registry().get("schedule", name)
    return info.build((info.params or NoParams)(**params), total)


@pytest.mark.parametrize("momentum", [0.0, 0.5, 0.9])
@pytest.mark.parametrize("nesterov", [False, True])
@pytest.mark.parametrize("weight_decay", [0.0, 0.1])
def test_sgd_steps_by_hand(momentum: float, nesterov: bool, weight_decay: float) -> None:
    """f(x) = x²: g = 2x + λx, v ← μv + g, x ← x − η(g + μv) with Nesterov's momentum, x − ηv without."""
    if nesterov and momentum == 0:
        pytest.skip("refused; see below")
    info = registry().get("optimizer", "sgd")
    x = torch.nn.Parameter(torch.tensor([3.0], dtype=torch.float64))
    params = info.params(lr=0.1, momentum=momentum, nesterov=nesterov, weight_decay=weight_decay)
    optimizer = info.build(params, iter([x]))
    position, velocity = 3.0, 0.0
    for _ in range(5):
        optimizer.zero_grad()
        (x**2).sum().backward()
        optimizer.step()
        gradient = 2 * position + weight_decay * position
        velocity = momentum * velocity + gradient
        position -= 0.1 * (gradient + momentum * velocity if nesterov else velocity)
        assert x.item() == pytest.approx(position, rel=1e-12)


def test_step_schedule_of_the_paper() -> None:
    """Appendix B.2: 64k steps, the rate divided by 10 at 32k and 48k; step s is the (s+1)-th update."""
    factor = schedule("step", 64_000, milestones=(0.5, 0.75), gamma=0.1)
    expected = {0: 1, 31_999: 1, 32_000: 0.1, 47_999: 0.1, 48_000: 0.01, 63_999: 0.01}
    assert {step: factor(step) for step in expected} == pytest.approx(expected, rel=1e-12)


def test_cosine_schedule() -> None:
    factor = schedule("cosine", 100)
    assert factor(0) == 1
    assert factor(25) == pytest.approx((1 + math.sqrt(0.5)) / 2)  # cos 45°
    assert factor(50) == pytest.approx(0.5)
    assert factor(100) == pytest.approx(0, abs=1e-15)
    assert schedule("cosine", 100, final=0.2)(100) == pytest.approx(0.2)
    assert all(factor(step) > factor(step + 1) for step in range(100))


def test_cosine_schedule_with_warm_up() -> None:
    factor = schedule("cosine", 100, warmup=0.1)
    assert [factor(step) for step in range(10)] == pytest.approx([(step + 1) / 10 for step in range(10)])
    assert factor(10) == 1
    assert factor(55) == pytest.approx(0.5)  # half-way between 10 and 100
    assert factor(100) == pytest.approx(0, abs=1e-15)


@pytest.mark.parametrize("total", [1, 2, 3])
@pytest.mark.parametrize("name", ["constant", "step", "cosine"])
def test_schedules_of_very_short_runs(name: str, total: int) -> None:
    factor = schedule(name, total)
    assert factor(0) in (1.0, pytest.approx(0.1), pytest.approx(0.01))
    assert all(0 <= factor(step) <= 1 for step in range(total))


def test_constant_schedule() -> None:
    assert {schedule("constant", 10)(step) for step in range(11)} == {1.0}


@pytest.mark.parametrize(
    ("kind", "name", "values", "words"),
    [
        ("optimizer", "sgd", {"momentum": 0.0, "nesterov": True}, "nesterov needs a momentum above 0"),
        ("optimizer", "sgd", {"momentum": 0.0}, "nesterov"),  # true is the default
        ("optimizer", "sgd", {"momentum": 1.0}, "momentum"),
        ("optimizer", "sgd", {"lr": 0}, "lr"),
        ("optimizer", "sgd", {"lr": float("inf")}, "lr"),
        ("optimizer", "sgd", {"weight_decay": -1e-4}, "weight_decay"),
        ("optimizer", "sgd", {"learning_rate": 0.1}, "learning_rate"),
        ("schedule", "step", {"milestones": [0.75, 0.5]}, "milestones must increase"),
        ("schedule", "step", {"milestones": [0.5, 1.0]}, "milestones"),
        ("schedule", "step", {"milestones": [32000]}, "milestones"),
        ("schedule", "step", {"gamma": 0}, "gamma"),
        ("schedule", "cosine", {"warmup": 1.0}, "warmup"),
        ("schedule", "cosine", {"final": -0.1}, "final"),
    ],
)
def test_wrong_parameters_are_refused(kind: str, name: str, values: dict[str, object], words: str) -> None:
    with pytest.raises(LsnError) as caught:
        validate(registry().get(kind, name).params, values, where="recipe.toml", subject=f"{kind} {name!r}")
    assert words in str(caught.value)
    assert name in caught.value.what
