"""Bootstrapping: the target is mixed with what the network itself believes (Reed et al. 2015).

β is the share of the given target, 1 − β that of the prediction. The prediction is part of the objective:
gradients go through it, which makes the soft form the cross-entropy with minimum-entropy regularisation.
"""

from __future__ import annotations

from torch import Tensor

from lsn_robust_losses.labelwise import LabelwiseLoss


class SoftBootstrapping(LabelwiseLoss):
    """−Σ_k (β q_k + (1 − β) p_k) log p_k: Reed et al. (2015)."""

    def __init__(self, beta: float) -> None:
        super().__init__()
        self.beta = beta

    def each(self, logp: Tensor) -> Tensor:
        """−β log p_k + (1 − β) H(p) for every label k."""
        entropy = -(logp.exp() * logp).sum(-1, keepdim=True)
        return (1 - self.beta) * entropy - self.beta * logp

    def extra_repr(self) -> str:
        """The constants, for ``repr``."""
        return f"beta={self.beta:g}"


class HardBootstrapping(LabelwiseLoss):
    """−Σ_k (β q_k + (1 − β) z_k) log p_k, z one-hot at the most probable class: Reed et al. (2015)."""

    def __init__(self, beta: float) -> None:
        super().__init__()
        self.beta = beta

    def each(self, logp: Tensor) -> Tensor:
        """−β log p_k − (1 − β) max_j log p_j for every label k."""
        return -self.beta * logp - (1 - self.beta) * logp.amax(-1, keepdim=True)

    def extra_repr(self) -> str:
        """The constants, for ``repr``."""
        return f"beta={self.beta:g}"
