"""Label smoothing with any rate, negative ones too, after a warm-up of cross-entropy (Wei et al. 2022)."""

from __future__ import annotations

import torch
from lsncli import LossInputs
from lsncli.losses.probabilities import log_probabilities
from torch import Tensor, nn

from lsn_robust_losses.epochs import epoch_of
from lsn_robust_losses.labelwise import chosen


class GeneralisedLabelSmoothing(nn.Module):
    """−(1 − r) log p_y − r/L Σ_k log p_k: Wei et al. (2022), for any r ≤ 1.

    During the first ``warmup_epochs`` r is 0. With r < 0 (negative label smoothing) the loss has no lower bound.
    """

    def __init__(self, rate: float, warmup_epochs: int, num_examples: int) -> None:
        super().__init__()
        self.rate, self.warmup_epochs, self.num_examples = rate, warmup_epochs, num_examples

    def forward(self, logits: Tensor, targets: Tensor, inputs: LossInputs | None = None) -> Tensor:
        """Losses ``[B]`` for logits ``[B, L]`` and labels ``[B]`` or probabilities ``[B, L]``."""
        logp = log_probabilities(logits)
        uniform = logp.mean(-1, keepdim=True)
        smoothed = -(1 - self.rate) * logp - self.rate * uniform
        epoch = epoch_of(inputs, self.num_examples, len(logits)) if self.warmup_epochs else None
        if epoch is not None:
            smoothed = torch.where(epoch > self.warmup_epochs, smoothed, -logp)
        return chosen(smoothed, logits, targets)

    def extra_repr(self) -> str:
        """The constants, for ``repr``."""
        return f"rate={self.rate:g}, warmup_epochs={self.warmup_epochs}"
