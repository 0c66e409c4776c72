"""The unhinged loss (van Rooyen, Menon & Williamson 2015), for any number of classes."""

from __future__ import annotations

import torch
from lsncli import LossInputs
from torch import Tensor, nn

from lsn_robust_losses.labelwise import chosen


class Unhinged(nn.Module):
    """1 − (f_y − f̄), where f̄ is the mean of the logits.

    For two classes this is 1 − yv with the margin v = (f₁ − f₀)/2. Its sum over all
    labels is L whatever the logits are, so that it is robust to symmetric noise. It has no lower bound: it needs
    weight decay, or a network whose logits are bounded.
    """

    def forward(self, logits: Tensor, targets: Tensor, inputs: LossInputs | None = None) -> Tensor:
        """Losses ``[B]`` for logits ``[B, L]`` and labels ``[B]`` or probabilities ``[B, L]``."""
        wide = logits.float() if logits.dtype in (torch.bfloat16, torch.float16) else logits
        return chosen(1 - (wide - wide.mean(-1, keepdim=True)), logits, targets)
