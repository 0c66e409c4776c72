"""Transition matrices with parameters, for what is learnt together with a classifier."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class VolumeTransition(nn.Module):
    """T of VolMinNet (Li et al. 2021, section 3): a matrix whose diagonal dominates, whatever its parameters.

    Off the diagonal σ(w_ij), on it 1, and rows divided by their sums. ``initial``: w begins at −initial.
    """

    def __init__(self, num_classes: int, initial: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.full((num_classes, num_classes), -float(initial)))

    def forward(self) -> Tensor:
        """T ``[L, L]``, row-stochastic, in the parameters' type."""
        eye = torch.eye(len(self.weight), dtype=self.weight.dtype, device=self.weight.device)
        raw = eye + torch.sigmoid(self.weight) * (1 - eye)
        return raw / raw.sum(1, keepdim=True)


class SlackTransition(nn.Module):
    """T̂ + ΔT of T-revision (Xia et al. 2019, section 3): an initial estimate and a slack that is learnt.

    The sum is not kept row-stochastic while it is learnt, nor is it in the paper.
    """

    initial: Tensor

    def __init__(self, initial: Tensor) -> None:
        super().__init__()
        self.register_buffer("initial", initial.clone())
        self.slack = nn.Parameter(torch.zeros_like(initial))

    def forward(self) -> Tensor:
        """T̂ + ΔT, ``[L, L]``."""
        return self.initial + self.slack


def log_volume(transition: Tensor) -> Tensor:
    """log |det T|, of which the paper minimises λ times: 0 for the identity, below it for every other T."""
    # Not all devices have a determinant in a narrower type.
    wide = transition if transition.dtype == torch.float64 else transition.float()
    volume: Tensor = torch.linalg.slogdet(wide).logabsdet
    return volume


def nearest_stochastic(matrix: Tensor) -> Tensor:
    """A row-stochastic matrix: negative entries are 0, and rows are divided by their sums.

    NaN and infinity stay in their rows as NaN: what has diverged must not pass for an estimate.
    """
    positive = matrix.detach().clamp_min(0)
    sums = positive.sum(1, keepdim=True)
    # A row without any positive entry says nothing; its labels are then right.
    eye = torch.eye(len(matrix), dtype=matrix.dtype, device=matrix.device)
    return torch.where(sums == 0, eye, positive / sums.clamp_min(torch.finfo(matrix.dtype).tiny))
