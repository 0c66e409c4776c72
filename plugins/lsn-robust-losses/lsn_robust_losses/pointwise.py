"""Losses of the label's probability p alone: cross-entropy, its generalisations, and bounded ones."""

from __future__ import annotations

import math

from torch import Tensor

from lsn_robust_losses.labelwise import PointwiseLoss

#: 1 − p is taken as no less than this before it is raised to a power: the derivative of x^γ at 0 may be infinite.
SMALLEST = 2.0**-100


class CrossEntropy(PointwiseLoss):
    """−log p; a part of other losses."""

    def each(self, logp: Tensor) -> Tensor:
        """−log p."""
        return -logp


class GeneralisedCrossEntropy(PointwiseLoss):
    """(1 − p^q) / q, 0 < q ≤ 1: Zhang & Sabuncu (2018), equation 6. Towards q = 0 it is cross-entropy."""

    def __init__(self, q: float) -> None:
        super().__init__()
        self.q = q

    def each(self, logp: Tensor) -> Tensor:
        """(1 − p^q) / q; the difference is exact where p^q is near 1, as it is everywhere for a small q."""
        return -(self.q * logp).expm1() / self.q

    def extra_repr(self) -> str:
        """The constants, for ``repr``."""
        return f"q={self.q:g}"


class MeanAbsoluteError(PointwiseLoss):
    """‖p − e_y‖₁ = 2 (1 − p_y): Ghosh, Kumar & Sastry (2017)."""

    def each(self, logp: Tensor) -> Tensor:
        """2 (1 − p)."""
        return -2 * logp.expm1()


class ReverseCrossEntropy(PointwiseLoss):
    """−Σ_k p_k log q_k with log 0 taken as A: −A (1 − p_y). Wang et al. (2019).

    ``log_zero`` is A, which is negative.
    """

    def __init__(self, log_zero: float) -> None:
        super().__init__()
        self.log_zero = log_zero

    def each(self, logp: Tensor) -> Tensor:
        """−A (1 − p)."""
        return self.log_zero * logp.expm1()

    def extra_repr(self) -> str:
        """The constants, for ``repr``."""
        return f"log_zero={self.log_zero:g}"


class SymmetricCrossEntropy(PointwiseLoss):
    """α CE + β RCE: Wang et al. (2019)."""

    def __init__(self, alpha: float, beta: float, log_zero: float) -> None:
        super().__init__()
        self.alpha, self.beta = alpha, beta
        self.reverse = ReverseCrossEntropy(log_zero)

    def each(self, logp: Tensor) -> Tensor:
        """−α log p − β A (1 − p)."""
        return self.beta * self.reverse.each(logp) - self.alpha * logp

    def extra_repr(self) -> str:
        """The constants, for ``repr``."""
        return f"alpha={self.alpha:g}, beta={self.beta:g}"


class Focal(PointwiseLoss):
    """−(1 − p)^γ log p: Lin et al. (2017), equation 4. The weight (1 − p)^γ is differentiated too."""

    def __init__(self, gamma: float) -> None:
        super().__init__()
        self.gamma = gamma

    def each(self, logp: Tensor) -> Tensor:
        """−(1 − p)^γ log p."""
        return -(-logp.expm1()).clamp_min(SMALLEST).pow(self.gamma) * logp

    def extra_repr(self) -> str:
        """The constants, for ``repr``."""
        return f"gamma={self.gamma:g}"


class HuberisedCrossEntropy(PointwiseLoss):
    """Partially Huberised cross-entropy: −log p where p > 1/τ, and its tangent 1 + log τ − τp below.

    Menon et al. (2020): the loss is linear where its derivative by p would exceed τ > 1.
    """

    def __init__(self, tau: float) -> None:
        super().__init__()
        self.tau, self.log_tau = tau, math.log(tau)

    def each(self, logp: Tensor) -> Tensor:
        """Cross-entropy down to 1/τ, and what the tangent lies above its value there."""
        return (1 - self.tau * logp.exp()).relu() - logp.clamp_min(-self.log_tau)

    def extra_repr(self) -> str:
        """The constants, for ``repr``."""
        return f"tau={self.tau:g}"


class HuberisedGeneralisedCrossEntropy(PointwiseLoss):
    """Partially Huberised GCE: (1 − p^q) / q where p > p₀ = τ^(1/(q−1)), and its tangent there below; q < 1.

    Menon et al. (2020). At p₀ the derivative of GCE by p is −τ.
    """

    def __init__(self, q: float, tau: float) -> None:
        super().__init__()
        self.tau, self.log_threshold = tau, math.log(tau) / (q - 1)
        self.inner = GeneralisedCrossEntropy(q)

    def each(self, logp: Tensor) -> Tensor:
        """GCE down to p₀, and what the tangent lies above its value there."""
        tangent = self.tau * (math.exp(self.log_threshold) - logp.exp()).relu()
        return tangent + self.inner.each(logp.clamp_min(self.log_threshold))

    def extra_repr(self) -> str:
        """The constants, for ``repr``."""
        return f"tau={self.tau:g}"
