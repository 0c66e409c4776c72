"""Early-learning regularisation: the network keeps to what it believed before it memorised (Liu et al. 2020)."""

from __future__ import annotations

import torch
from lsncli import LossInputs
from lsncli.losses.probabilities import log_probabilities
from torch import Tensor, nn

from lsn_robust_losses.labelwise import chosen

#: Probabilities are clipped to [1e-4, 1 − 1e-4], as in the authors' code: the logarithm then stays above −9.3.
CLIP = 1e-4


class EarlyLearningRegularisation(nn.Module):
    """−log p_y + λ log(1 − ⟨t, p⟩): Liu et al. (2020).

    t ``[L]`` is the example's running mean of its own predictions, t ← β t + (1 − β) p, renewed before the loss
    is computed and without a gradient; it begins with zeros. ``weight`` is λ.
    """

    estimates: Tensor

    def __init__(self, beta: float, weight: float, num_examples: int, num_classes: int) -> None:
        super().__init__()
        self.beta, self.weight = beta, weight
        self.register_buffer("estimates", torch.zeros(num_examples, num_classes))

    def forward(self, logits: Tensor, targets: Tensor, inputs: LossInputs | None = None) -> Tensor:
        """Losses ``[B]`` for logits ``[B, L]`` and labels ``[B]`` or probabilities ``[B, L]``.

        Raises ValueError where the positions of the examples are not told.
        """
        if inputs is None or inputs.indices is None:
            raise ValueError("elr remembers its examples: it needs their positions")
        logp = log_probabilities(logits)
        p = logp.exp().clamp(CLIP, 1 - CLIP)
        with torch.no_grad():
            believed = p / p.sum(-1, keepdim=True)
            estimates = self.beta * self.estimates[inputs.indices].to(p.dtype) + (1 - self.beta) * believed
            self.estimates[inputs.indices] = estimates.to(self.estimates.dtype)
        regulariser = torch.log1p(-(estimates * p).sum(-1))
        return chosen(-logp, logits, targets) + self.weight * regulariser

    def extra_repr(self) -> str:
        """The constants, for ``repr``."""
        return f"beta={self.beta:g}, weight={self.weight:g}"
