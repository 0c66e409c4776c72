"""Losses divided by their sum over all labels, and sums of an active and a passive loss (Ma et al. 2020)."""

from __future__ import annotations

from torch import Tensor

from lsn_robust_losses.labelwise import LabelwiseLoss


class Normalised(LabelwiseLoss):
    """ℓ_y / Σ_k ℓ_k: Ma et al. (2020). The sum is differentiated too.

    It lies between 0 and 1, and its sum over all labels is 1, which makes it robust to symmetric noise.
    """

    def __init__(self, inner: LabelwiseLoss) -> None:
        super().__init__()
        self.inner = inner

    def each(self, logp: Tensor) -> Tensor:
        """All labels' shares of the sum."""
        losses = self.inner.each(logp)
        return losses / losses.sum(-1, keepdim=True)


class ActivePassive(LabelwiseLoss):
    """α · active + β · passive: Ma et al. (2020).

    An active loss pulls only the label's own probability up, a passive one also pushes the others down.
    """

    def __init__(self, active: LabelwiseLoss, passive: LabelwiseLoss, alpha: float, beta: float) -> None:
        super().__init__()
        self.active, self.passive = active, passive
        self.alpha, self.beta = alpha, beta

    def each(self, logp: Tensor) -> Tensor:
        """The weighted sum for every label."""
        return self.alpha * self.active.each(logp) + self.beta * self.passive.each(logp)

    def extra_repr(self) -> str:
        """The constants, for ``repr``."""
        return f"alpha={self.alpha:g}, beta={self.beta:g}"
