"""Forward correction: the cross-entropy of the predictions after the noise, −log (Tᵀ softmax(f))_y.

Patrini et al. (2017); Lukasik et al. (2020), equation 5, read as acting on probabilities (their Figure 1
saturates at large negative scores, which only this reading does). T is row-stochastic, T[i, j] =
P(noisy j | true i). Everything stays in logarithms, and no tensor is larger than a few times B × L.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from lsncli.losses.constants import ConstantsModule
from lsncli.losses.interface import LossInputs
from lsncli.losses.probabilities import (
    are_probabilities,
    exact_product,
    log_probabilities,
    minus_at_labels,
    probabilities,
    rows_of_labels,
)

#: Stands for log 0: absorbs every log-probability it is added to, yet is finite, so that no gradient is NaN.
LOG_ZERO = -(2.0**100)
#: A mixed probability below this counts as zero. Far enough from float32's smallest number that its
#: reciprocal, times the scale of a loss, stays finite in the backward pass.
SMALLEST = 2.0**-100

#: Beyond this log(1 + eˣ) is x, to the last bit of float64.
LINEAR = 40.0


class SymmetricForward(ConstantsModule):
    """Forward correction for T = (1 − α) I + (α/L) J: −log((1 − α) p_y + α/L), 0 < α < 1.

    At α = 0 it is the standard loss, and the builder takes that one.
    """

    def __init__(self, num_classes: int, alpha: float, floor: float = 0.0) -> None:
        super().__init__()
        if not 0 < alpha < 1:
            raise ValueError(f"alpha must lie strictly between 0 and 1, not be {alpha:g}")
        self.kept, self.uniform = 1 - alpha, alpha / num_classes
        self.log_keep, self.log_uniform = math.log1p(-alpha), math.log(alpha) - math.log(num_classes)
        self.floor = floor
        self.log_odds = self.log_keep - self.log_uniform
        self.keep("minus_one", np.full(num_classes, -1.0))

    def forward(self, logits: Tensor, targets: Tensor, inputs: LossInputs | None = None) -> Tensor:
        """Losses ``[B]`` for logits ``[B, L]`` and labels ``[B]`` or probabilities ``[B, L]``."""
        soft = are_probabilities(logits, targets)
        plain = not self.floor and self.uniform >= SMALLEST
        if soft and plain:
            # As below, without the way through the logarithms.
            mixed = (probabilities(logits) + self.uniform / self.kept).log()
            targets = targets.to(mixed.dtype)
            return -(targets * mixed).sum(-1) - self.log_keep * targets.sum(-1)
        logp = log_probabilities(logits, self.floor)
        if plain:
            # −log(α/L) − log(1 + (1 − α) L/α · p_y): three operations on [B] in place of six.
            logp_y = minus_at_labels(logp, targets, self.constant("minus_one", logp.dtype))
            return -self.log_uniform - functional.softplus(logp_y + self.log_odds, threshold=LINEAR)
        # Probabilities sum to 1 unless they were clipped.
        total = logp.exp().sum(-1) if self.floor else None
        if soft:
            mixed = self._log_mixed(logp, None if total is None else total.unsqueeze(-1))
            return -(targets.to(logp.dtype) * mixed).sum(-1)
        return -self._log_mixed(-minus_at_labels(logp, targets), total)

    def _log_mixed(self, logp: Tensor, total: Tensor | None) -> Tensor:
        """log((1 − α) p + (α/L) Σp), elementwise."""
        if self.uniform < SMALLEST:
            # Next to nothing is mixed in: whether p or it is greater, only their logarithms can tell.
            uniform = torch.full_like(logp, self.log_uniform)
            return log_of_sum(logp + self.log_keep, uniform if total is None else uniform + total.log())
        # (1 − α)(p + u): never smaller than α/L, hence no logarithm of zero, and no cancellation either.
        assert total is not None, "only clipped probabilities come here"
        return (logp.exp() + self.uniform / self.kept * total).log() + self.log_keep

    def extra_repr(self) -> str:
        """The constants, for ``repr``."""
        return f"alpha={-math.expm1(self.log_keep):g}, floor={self.floor:g}"


class MatrixForward(ConstantsModule):
    """Forward correction for any row-stochastic T ``[L, L]``.

    A label whose column of T is zero cannot occur under T: its probability is taken as 2⁻¹⁰⁰ (a loss
    of 69 with no gradient) rather than as 0.

    Where all of T is well above zero, so is every mixed probability, and T is applied to the probabilities.

    Otherwise: for hard labels the loss is exact at any logits. For soft targets, where an exact log-sum-exp would
    need B × L × L numbers, T is applied to the probabilities: exact unless a label's mixed probability falls
    below 2⁻¹⁰⁰, when the diagonal of T alone counts, which is kept in logarithms.
    """

    def __init__(self, transition: npt.NDArray[np.float64], floor: float = 0.0) -> None:
        super().__init__()
        self.floor = floor
        diagonal = transition.diagonal()
        impossible = ~(transition > 0).any(axis=0)
        columns = _logarithm(transition.T, LOG_ZERO)  # row y: log T[:, y]
        columns[impossible] = math.log(SMALLEST)
        self.keep("log_columns", columns)
        self.keep("transition", transition)
        # Of the L probabilities one is at least 1/L, hence each mixed one at least 1/L of T's smallest entry.
        self.dense = not floor and bool(transition.min() / len(transition) >= SMALLEST)
        if self.dense:
            self.keep("columns", transition.T)
        # Stands in for a sum that underflows; where the diagonal is zero, a constant does.
        self.keep("log_diagonal", _logarithm(diagonal, math.log(SMALLEST)))
        self.keep("on_diagonal", np.where(diagonal > 0, 1.0, 0.0))

    def forward(self, logits: Tensor, targets: Tensor, inputs: LossInputs | None = None) -> Tensor:
        """Losses ``[B]`` for logits ``[B, L]`` and labels ``[B]`` or probabilities ``[B, L]``."""
        soft = are_probabilities(logits, targets)
        if self.dense:
            p = probabilities(logits)
            if soft:
                mixed = exact_product(p, self.constant("transition", p.dtype))
                return -(targets.to(p.dtype) * mixed.log()).sum(-1)
            return -(p * rows_of_labels(self.constant("columns", p.dtype), targets)).sum(-1).log()
        logp = log_probabilities(logits, self.floor)
        if soft:
            return -(targets.to(logp.dtype) * self._log_mixed(logp)).sum(-1)
        return -(logp + rows_of_labels(self.constant("log_columns", logp.dtype), targets)).logsumexp(-1)

    def _log_mixed(self, logp: Tensor) -> Tensor:
        """log (Tᵀ p), ``[B, L]``."""
        mixed = exact_product(logp.exp(), self.constant("transition", logp.dtype))
        seen = mixed > SMALLEST
        # The inner where keeps the logarithm's derivatives finite on the side that the outer one drops.
        alone = logp * self.constant("on_diagonal", logp.dtype) + self.constant("log_diagonal", logp.dtype)
        return torch.where(seen, torch.where(seen, mixed, 1.0).log(), alone)

    def extra_repr(self) -> str:
        """The constants, for ``repr``."""
        return f"floor={self.floor:g}"


def log_of_sum(left: Tensor, right: Tensor) -> Tensor:
    """log(eˡ + eʳ), elementwise.

    As ``logsumexp`` rather than ``logaddexp``, whose second derivative is NaN where the two are far apart.
    """
    return torch.stack((left, right), dim=-1).logsumexp(-1)


def _logarithm(values: npt.NDArray[np.float64], at_zero: float) -> npt.NDArray[np.float64]:
    return np.where(values > 0, np.log(np.where(values > 0, values, 1.0)), at_zero)
