"""The bi-tempered logistic loss (Amid, Warmuth, Anil & Koren 2019)."""

from __future__ import annotations

from lsncli import LossInputs
from lsncli.losses.probabilities import are_probabilities, at_labels
from torch import Tensor, nn

from lsn_robust_losses.tempered import log_tempered, tempered_log_softmax


class BiTempered(nn.Module):
    """Σ_k q_k (log_t₁ q_k − log_t₁ p_k) − Σ_k (q_k^(2−t₁) − p_k^(2−t₁)) / (2 − t₁), p the tempered softmax at t₂.

    t₁ < 1 bounds the loss by 1/(1 − t₁); t₂ > 1 gives the probabilities heavy tails. At t₁ = t₂ = 1 it is
    cross-entropy less the entropy of the target, which is 0 for a label.
    """

    def __init__(self, t1: float, t2: float) -> None:
        super().__init__()
        self.t1, self.t2 = t1, t2

    def forward(self, logits: Tensor, targets: Tensor, inputs: LossInputs | None = None) -> Tensor:
        """Losses ``[B]`` for logits ``[B, L]`` and labels ``[B]`` or probabilities ``[B, L]``."""
        wide = logits if logits.dtype.itemsize >= 4 else logits.float()
        log_p = tempered_log_softmax(wide, self.t2)
        order = 2 - self.t1
        powers = (order * log_p).exp().sum(-1) / order
        if not are_probabilities(logits, targets):
            return powers - 1 / order - log_tempered(at_labels(log_p, targets), self.t1).squeeze(-1)
        q = targets.to(log_p.dtype)
        # q log_t q, which is 0 at q = 0; the logarithm is taken where there is one.
        own = q * log_tempered(q.where(q > 0, 1).log(), self.t1)
        return (own - q * log_tempered(log_p, self.t1) - q.pow(order) / order).sum(-1) + powers

    def extra_repr(self) -> str:
        """The constants, for ``repr``."""
        return f"t1={self.t1:g}, t2={self.t2:g}"
