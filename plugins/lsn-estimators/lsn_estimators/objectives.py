"""The losses of the two methods that learn T together with a classifier, for each example."""

from __future__ import annotations

import torch
from torch import Tensor

#: The least probability of a label that a loss divides by or takes the logarithm of.
LEAST = 1e-12


def _at(values: Tensor, targets: Tensor) -> Tensor:
    """Σ_l q_l values_l ``[B]`` for labels ``[B]`` or probabilities q ``[B, L]``."""
    if targets.is_floating_point():
        return (targets.to(values.dtype) * values).sum(1)
    return values.gather(1, targets.long()[:, None])[:, 0]


def volume_losses(logits: Tensor, targets: Tensor, transition: Tensor) -> Tensor:
    """−log (Tᵀ softmax(f))_ỹ ``[B]``: the likelihood of the noisy labels (Li et al. 2021, equation 5)."""
    noisy = torch.softmax(logits, dim=1) @ transition
    return -_at(noisy.clamp_min(LEAST).log(), targets)


def reweighted_losses(logits: Tensor, targets: Tensor, transition: Tensor, *, weights_learn: bool) -> Tensor:
    """β ℓ ``[B]``: cross-entropy, times β = g_ỹ / ((T̂ + ΔT)ᵀ g)_ỹ with g = softmax(f) (Xia et al. 2019).

    The weights are P(Y = ỹ|x) / P(Ỹ = ỹ|x), by which the mean over noisy data is that over clean data. With
    ``weights_learn`` their gradient is taken as well, without which ΔT has none; otherwise they are constants.
    """
    log_probabilities = torch.log_softmax(logits, dim=1)
    clean = log_probabilities.exp()
    noisy = clean @ transition
    if targets.is_floating_point():
        ratios = clean / noisy.clamp_min(LEAST)
        ratios = ratios if weights_learn else ratios.detach()
        return -_at(ratios * log_probabilities, targets)
    weights = _at(clean, targets) / _at(noisy, targets).clamp_min(LEAST)
    return -(weights if weights_learn else weights.detach()) * _at(log_probabilities, targets)
