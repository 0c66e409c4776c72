"""Layer-wise adaptive rate scaling, for large batches (You, Gitman and Ginsburg 2017)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

_BUFFER = "momentum_buffer"


class Lars(Optimizer):
    """Stochastic gradient descent whose rate is scaled for every tensor by the ratio of weight to gradient.

    For a tensor of weights w with gradient g (You et al., algorithm 1; γ is the learning rate ``lr``, β
    ``weight_decay``, m ``momentum``, η ``trust_coefficient``)::

        λ = η · ‖w‖ / (‖g‖ + β · ‖w‖ + eps)
        v ← m · v + γ · λ · (g + β · w)
        w ← w − v

    λ is 1 where ‖w‖ or ‖g‖ is 0, as at the first step of a tensor that begins with zeros. Tensors of at most one
    dimension (biases, the scales and shifts of batch norm) are neither scaled nor decayed: λ = 1 and β = 0; with
    ``adapt_all`` they are treated like the others.

    All tensors are updated together by foreach operations, and nothing is read back from the device, so that a step
    can be captured in a CUDA graph; ``lr`` may be a tensor of no dimensions.

    Raises ValueError for a parameter outside its range.
    """

    def __init__(
        self,
        params: Iterable[Tensor] | Iterable[dict[str, Any]],
        lr: float | Tensor,
        *,
        momentum: float = 0.9,
        weight_decay: float = 1e-4,
        trust_coefficient: float = 0.001,
        eps: float = 1e-9,
        adapt_all: bool = False,
    ) -> None:
        if not isinstance(lr, Tensor) and lr < 0:
            raise ValueError(f"lr must not be negative, not {lr}")
        if not 0 <= momentum < 1:
            raise ValueError(f"momentum must be in [0, 1), not {momentum}")
        for name, value in (("weight_decay", weight_decay), ("trust_coefficient", trust_coefficient), ("eps", eps)):
            if value < 0:
                raise ValueError(f"{name} must not be negative, not {value}")
        super().__init__(
            params,
            {
                "lr": lr,
                "momentum": momentum,
                "weight_decay": weight_decay,
                "trust_coefficient": trust_coefficient,
                "eps": eps,
                "adapt_all": adapt_all,
            },
        )

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # type: ignore[override]
        """Update every parameter that has a gradient; returns what ``closure`` returns, if there is one."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            with_gradient = [p for p in group["params"] if p.grad is not None]
            scaled = [p for p in with_gradient if group["adapt_all"] or p.ndim > 1]
            plain = [p for p in with_gradient if not group["adapt_all"] and p.ndim <= 1]
            if scaled:
                self._move(scaled, _scaled_updates(scaled, group), group)
            if plain:
                self._move(plain, torch._foreach_mul([p.grad for p in plain], group["lr"]), group)
        return loss

    def _move(self, weights: list[Tensor], updates: Sequence[Tensor], group: dict[str, Any]) -> None:
        """v ← m · v + update; w ← w − v. Without momentum there is no buffer."""
        if group["momentum"] == 0:
            torch._foreach_sub_(weights, list(updates))
            return
        for weight in weights:
            if _BUFFER not in self.state[weight]:
                self.state[weight][_BUFFER] = torch.zeros_like(weight, memory_format=torch.preserve_format)
        buffers = [self.state[weight][_BUFFER] for weight in weights]
        torch._foreach_mul_(buffers, group["momentum"])
        torch._foreach_add_(buffers, list(updates))
        torch._foreach_sub_(weights, buffers)


def _scaled_updates(weights: list[Tensor], group: dict[str, Any]) -> Sequence[Tensor]:
    """γ · λ · (g + β · w) of every tensor."""
    gradients = [weight.grad for weight in weights if weight.grad is not None]
    decay = group["weight_decay"]
    weight_norms = torch.stack(list(torch._foreach_norm(weights)))
    gradient_norms = torch.stack(list(torch._foreach_norm(gradients)))
    ratios = group["trust_coefficient"] * weight_norms / (gradient_norms + decay * weight_norms + group["eps"])
    # A choice by values that stays on the device.
    ratios = torch.where((weight_norms > 0) & (gradient_norms > 0), ratios, torch.ones_like(ratios))
    updates = torch._foreach_add(gradients, weights, alpha=decay)
    torch._foreach_mul_(updates, list((ratios * group["lr"]).unbind()))
    return updates
