"""Truncated generalised cross-entropy: an example whose loss is too high is left out (Zhang & Sabuncu 2018)."""

from __future__ import annotations

import torch
from lsncli import LossInputs
from torch import Tensor, nn

from lsn_robust_losses.epochs import epoch_of
from lsn_robust_losses.pointwise import GeneralisedCrossEntropy


class TruncatedGeneralisedCrossEntropy(nn.Module):
    """w L_q(p) + (1 − w) L_q(k), with one w in {0, 1} for each example.

    w is 1 where the example's loss is below L_q(k), which for a label means p > k. All are 1 at first; they are
    renewed in epoch ``start`` (from 1) and in every ``every``-th epoch after it, and kept in between.
    """

    kept: Tensor

    def __init__(self, q: float, k: float, start: int, every: int, num_examples: int) -> None:
        super().__init__()
        self.loss = GeneralisedCrossEntropy(q)
        self.bound = (1 - k**q) / q
        self.start, self.every, self.num_examples = start, every, num_examples
        self.register_buffer("kept", torch.ones(num_examples, dtype=torch.bool))

    def forward(self, logits: Tensor, targets: Tensor, inputs: LossInputs | None = None) -> Tensor:
        """Losses ``[B]`` for logits ``[B, L]`` and labels ``[B]`` or probabilities ``[B, L]``.

        Raises ValueError where the positions of the examples or the step are not told.
        """
        epoch = epoch_of(inputs, self.num_examples, len(logits))
        if inputs is None or inputs.indices is None or epoch is None:
            raise ValueError("truncated-gce remembers its examples: it needs their positions and the step")
        losses = self.loss(logits, targets)
        with torch.no_grad():
            renewing = (epoch >= self.start) & ((epoch - self.start) % self.every == 0)
            kept = torch.where(renewing, losses < self.bound, self.kept[inputs.indices])
            self.kept[inputs.indices] = kept
        return torch.where(kept, losses, self.bound)

    def extra_repr(self) -> str:
        """The constants, for ``repr``."""
        return f"start={self.start}, every={self.every}"
