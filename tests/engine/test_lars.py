"""LARS against the formula of its paper, written out in numpy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from lsncli.engine.lars import Lars
from lsncli.errors import LsnError
from lsncli.parameters import validate
from lsncli.registry import registry


class ByHand:
    """You et al. 2017, algorithm 1, one tensor at a time."""

    def __init__(self, m: float, beta: float, eta: float, eps: float, adapt_all: bool = False) -> None:
        self.m, self.beta, self.eta, self.eps, self.adapt_all = m, beta, eta, eps, adapt_all
        self.v: dict[int, np.ndarray] = {}

    def step(self, weights: list[np.ndarray], gradients: list[np.ndarray], lr: float) -> None:
        for i, (w, g) in enumerate(zip(weights, gradients, strict=True)):
            if w.ndim > 1 or self.adapt_all:
                w_norm, g_norm = np.sqrt((w**2).sum()), np.sqrt((g**2).sum())
                ratio = self.eta * w_norm / (g_norm + self.beta * w_norm + self.eps)
                if w_norm == 0 or g_norm == 0:
                    ratio = 1.0
                update = lr * ratio * (g + self.beta * w)
            else:
                update = lr * g
            self.v[i] = self.m * self.v.get(i, np.zeros_like(w)) + update
            w -= self.v[i]


SHAPES = ((4, 3), (4,), (2, 3, 3, 3), (1, 1), ())


def tensors(seed: int) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(shape, generator=generator, dtype=torch.float64) for shape in SHAPES]


def parameters(seed: int = 0) -> list[nn.Parameter]:
    return [nn.Parameter(t) for t in tensors(seed)]


def run(optimizer: Lars, weights: list[nn.Parameter], steps: range) -> None:
    for step in steps:
        for weight, gradient in zip(weights, tensors(100 + step), strict=True):
            weight.grad = gradient
        for group in optimizer.param_groups:
            group["lr"] = 0.5 / (step + 1)
        optimizer.step()


@pytest.mark.parametrize("adapt_all", [False, True])
@pytest.mark.parametrize(("momentum", "decay"), [(0.9, 1e-2), (0.0, 1e-2), (0.9, 0.0)])
def test_steps_are_those_of_the_formula(momentum: float, decay: float, adapt_all: bool) -> None:
    weights = parameters()
    expected = [w.detach().numpy().copy() for w in weights]
    hand = ByHand(momentum, decay, 0.02, 1e-9, adapt_all)
    optimizer = Lars(
        weights, 0.5, momentum=momentum, weight_decay=decay, trust_coefficient=0.02, eps=1e-9, adapt_all=adapt_all
    )
    for step in range(4):
        run(optimizer, weights, range(step, step + 1))
        hand.step(expected, [t.numpy() for t in tensors(100 + step)], 0.5 / (step + 1))
        for weight, value in zip(weights, expected, strict=True):
            np.testing.assert_allclose(weight.detach().numpy(), value, rtol=1e-12, atol=1e-14)


def test_the_length_of_a_step_is_a_share_of_the_weights() -> None:
    """What LARS is for: without decay, momentum and eps, ‖Δw‖ = lr · η · ‖w‖ whatever the gradient's scale."""
    for scale in (1e-6, 1.0, 1e6):
        weight = nn.Parameter(torch.tensor([[3.0, 4.0]], dtype=torch.float64))  # norm 5
        weight.grad = torch.tensor([[1.0, -2.0]], dtype=torch.float64) * scale
        before = weight.detach().clone()
        Lars([weight], 2.0, momentum=0.0, weight_decay=0.0, trust_coefficient=0.01, eps=0.0).step()
        assert torch.linalg.norm(weight.detach() - before).item() == pytest.approx(2.0 * 0.01 * 5)


@pytest.mark.parametrize("zero", ["weight", "gradient", "both"])
def test_zero_norms_take_the_plain_step(zero: str) -> None:
    """λ = 1, and no division by zero: Δw = lr · (g + β · w) by the formula."""
    w = torch.zeros(2, 2) if zero != "gradient" else torch.full((2, 2), 2.0)
    g = torch.zeros(2, 2) if zero != "weight" else torch.full((2, 2), 3.0)
    weight = nn.Parameter(w.clone())
    weight.grad = g.clone()
    Lars([weight], 0.1, momentum=0.0, weight_decay=0.5, eps=0.0).step()
    torch.testing.assert_close(weight.detach(), w - 0.1 * (g + 0.5 * w))


def test_state_survives_a_round_trip() -> None:
    """Two steps, saved, two more; against four at once."""
    whole = parameters()
    run(Lars(whole, 0.5), whole, range(4))
    first = parameters()
    optimizer = Lars(first, 0.5)
    run(optimizer, first, range(2))
    second = [nn.Parameter(w.detach().clone()) for w in first]
    resumed = Lars(second, 0.5)
    resumed.load_state_dict(optimizer.state_dict())
    run(resumed, second, range(2, 4))
    for a, b in zip(whole, second, strict=True):
        assert torch.equal(a, b)


def test_tensor_rates_closures_and_parameters_without_gradient() -> None:
    weights = parameters()
    other = parameters()
    for optimizer, group in ((Lars(weights, 0.3), weights), (Lars(other, torch.tensor(0.3)), other)):
        group[0].grad = tensors(7)[0]
        assert optimizer.step(lambda: 1.5) == 1.5
    torch.testing.assert_close(weights[0], other[0])
    assert torch.equal(weights[2], parameters()[2])


def test_nothing_is_read_back_from_the_device(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: torch.Tensor) -> Any:
        raise AssertionError("a step waits for the device")

    weights = parameters()
    optimizer = Lars(weights, 0.5)
    for name in ("item", "__bool__", "__float__", "tolist", "cpu", "numpy"):
        monkeypatch.setattr(torch.Tensor, name, refuse)
    run(optimizer, weights, range(2))


@pytest.mark.parametrize(
    "wrong", [{"lr": -1.0}, {"momentum": 1.0}, {"weight_decay": -1.0}, {"trust_coefficient": -1.0}, {"eps": -1.0}]
)
def test_wrong_values_in_code(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Lars(parameters(), **{"lr": 0.1, **wrong})


@pytest.mark.parametrize("wrong", [{"lr": 0}, {"momentum": 1}, {"trust": 0.001}, {"eps": -1}, {"lr": "high"}])
def test_wrong_parameters_in_a_recipe(wrong: dict[str, Any]) -> None:
    info = registry().get("optimizer", "lars")
    assert info.params is not None
    with pytest.raises(LsnError):
        validate(info.params, wrong, where="test", subject="optimizer 'lars'")


def test_registered_optimizer_learns() -> None:
    info = registry().get("optimizer", "lars")
    assert info.params is not None
    torch.manual_seed(0)
    layer = nn.Linear(3, 2)
    inputs, targets = torch.randn(64, 3), torch.randint(2, (64,))
    params = validate(info.params, {"lr": 0.5, "trust_coefficient": 0.1}, where="test", subject="lars")
    optimizer = info.build(params, layer.parameters())
    assert isinstance(optimizer, Lars)
    losses = []
    for _ in range(30):
        loss = nn.functional.cross_entropy(layer(inputs), targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0]
