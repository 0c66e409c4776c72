"""The built-in losses for several runs at once, each run with its own coefficients, and their derivatives.

What :mod:`lsncli.losses.smearing` and :mod:`lsncli.losses.forward` compute for labels, with the classes before the
examples: torch normalises over a dimension that is not the last one many times faster where there are few classes.
Each number is computed from its own example alone, so that the losses of a run do not depend on its neighbours.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from lsncli.losses.forward import SMALLEST, MatrixForward, SymmetricForward
from lsncli.losses.smearing import MatrixSmearing, SymmetricSmearing

#: Takes log-probabilities ``[K, L, B]`` of K runs, labels ``[K, B]`` and a place ``[K, L, B]``; returns losses
#: ``[K, B]`` and puts the derivatives of their sum by the log-probabilities into the place.
StackedLoss = Callable[[Tensor, Tensor, Tensor], Tensor]


def family(loss: Any) -> str | None:
    """Losses of one family can be computed together; None for a loss that has none.

    A subclass may compute anything: only the very classes count.
    """
    if type(loss) not in _MAKERS:
        return None
    if isinstance(loss, SymmetricForward) and loss.uniform < SMALLEST:
        return None  # computed in logarithms, which no other α needs
    return f"{type(loss).__name__} {loss.floor!r}"


def stacked(losses: Sequence[Any], like: Tensor) -> StackedLoss:
    """One function for K losses of one family, its constants on the device and in the type of ``like``.

    The floor is applied here, and its derivative: 0 where a probability is clipped.
    """
    compute, floor = _MAKERS[type(losses[0])](losses, like), losses[0].floor
    if not floor:
        return compute
    low, high = math.log(floor), math.log1p(-floor)

    def clipped(logp: Tensor, labels: Tensor, derivative: Tensor) -> Tensor:
        result = compute(logp.clamp(low, high), labels, derivative)
        derivative.mul_((logp >= low) & (logp <= high))
        return result

    return clipped


def _symmetric_smearing(losses: Sequence[SymmetricSmearing], like: Tensor) -> StackedLoss:
    """−(a log p_y + b Σ log p)."""
    diagonal, uniform = (_column([getattr(loss, n) for loss in losses], like) for n in ("diagonal", "uniform"))
    own, others = -(diagonal + uniform), -uniform.unsqueeze(1)
    only_own = not any(loss.uniform for loss in losses)

    def compute(logp: Tensor, labels: Tensor, derivative: Tensor) -> Tensor:
        derivative.copy_(others.expand_as(derivative))
        derivative.scatter_(1, labels.unsqueeze(1), own.expand_as(labels).unsqueeze(1))
        result = -diagonal * _at(logp, labels)
        return result if only_own else result - uniform * logp.sum(1)

    return compute


def _matrix_smearing(losses: Sequence[MatrixSmearing], like: Tensor) -> StackedLoss:
    """−Σ M[y, ·] log p."""
    rows = _rows([loss.constant("matrix", like.dtype) for loss in losses])

    def compute(logp: Tensor, labels: Tensor, derivative: Tensor) -> Tensor:
        torch.neg(rows(labels), out=derivative)
        return (derivative * logp).sum(1)

    return compute


def _symmetric_forward(losses: Sequence[SymmetricForward], like: Tensor) -> StackedLoss:
    """−log((1 − α) p_y + (α/L) Σp); the sum is 1 unless the probabilities were clipped."""
    keep, uniform = (_column([getattr(loss, n) for loss in losses], like) for n in ("kept", "uniform"))
    floor = losses[0].floor

    def compute(logp: Tensor, labels: Tensor, derivative: Tensor) -> Tensor:
        kept = keep * _at(logp, labels).exp()
        if floor:
            torch.exp(logp, out=derivative)
            mixed = kept + uniform * derivative.sum(1)
            derivative.mul_((-uniform / mixed).unsqueeze(1))
        else:
            mixed = kept + uniform
            derivative.zero_()
        derivative.scatter_add_(1, labels.unsqueeze(1), (-kept / mixed).unsqueeze(1))
        return -mixed.log()

    return compute


def _matrix_forward(losses: Sequence[MatrixForward], like: Tensor) -> StackedLoss:
    """−log Σ_i T[i, y] p_i."""
    columns = _rows([loss.constant("log_columns", like.dtype) for loss in losses])

    def compute(logp: Tensor, labels: Tensor, derivative: Tensor) -> Tensor:
        terms = logp + columns(labels)
        torch.neg(terms.softmax(1), out=derivative)
        return -terms.logsumexp(1)

    return compute


_MAKERS: dict[type, Callable[[Sequence[Any], Tensor], StackedLoss]] = {
    SymmetricSmearing: _symmetric_smearing,
    MatrixSmearing: _matrix_smearing,
    SymmetricForward: _symmetric_forward,
    MatrixForward: _matrix_forward,
}


def _at(values: Tensor, labels: Tensor) -> Tensor:
    """``values[k, labels[k, b], b]``, ``[K, B]``."""
    return values.gather(1, labels.unsqueeze(1)).squeeze(1)


def _column(values: Sequence[float], like: Tensor) -> Tensor:
    return torch.tensor(values, dtype=torch.float64).to(device=like.device, dtype=like.dtype)[:, None]


def _rows(matrices: Sequence[Tensor]) -> Callable[[Tensor], Tensor]:
    """A function that gives for labels ``[K, B]`` the rows of each run's own matrix, as columns ``[K, L, B]``."""
    together = torch.stack(list(matrices)).mT.contiguous()
    return lambda labels: together.gather(2, labels.unsqueeze(1).expand(-1, together.shape[1], -1))
