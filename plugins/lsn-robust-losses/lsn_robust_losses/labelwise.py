"""What most losses here are: one number for every label, of which the example's own label picks one.

A soft target q ``[L]`` gives Σ q_k ℓ_k(f), the expectation of the label's loss, which is the label's own at a
one-hot q. All of it is computed in float32, or in the logits' wider type, and from log-probabilities: a
probability that float32 rounds to 0 or 1 still has its logarithm.
"""

from __future__ import annotations

from lsncli import LossInputs
from lsncli.losses.probabilities import are_probabilities, at_labels, log_probabilities
from torch import Tensor, nn


class LabelwiseLoss(nn.Module):
    """A loss ℓ_k(f) for every label k, computed by :meth:`each`."""

    def each(self, logp: Tensor) -> Tensor:
        """The losses of all labels ``[B, L]`` from log-probabilities ``[B, L]``."""
        raise TypeError(f"{type(self).__name__} defines no losses")

    def forward(self, logits: Tensor, targets: Tensor, inputs: LossInputs | None = None) -> Tensor:
        """Losses ``[B]`` for logits ``[B, L]`` and labels ``[B]`` or probabilities ``[B, L]``."""
        return chosen(self.each(log_probabilities(logits)), logits, targets)


class PointwiseLoss(LabelwiseLoss):
    """A loss of which each label's value depends on that label's own probability alone."""

    def forward(self, logits: Tensor, targets: Tensor, inputs: LossInputs | None = None) -> Tensor:
        """Losses ``[B]`` for logits ``[B, L]`` and labels ``[B]`` or probabilities ``[B, L]``."""
        logp = log_probabilities(logits)
        if are_probabilities(logits, targets):
            return (targets.to(logp.dtype) * self.each(logp)).sum(-1)
        return self.each(at_labels(logp, targets)).squeeze(-1)


def chosen(each: Tensor, logits: Tensor, targets: Tensor) -> Tensor:
    """``[B]`` of the losses of all labels ``[B, L]``: the label's own, or their mean by the target's shares."""
    if are_probabilities(logits, targets):
        return (targets.to(each.dtype) * each).sum(-1)
    return at_labels(each, targets).squeeze(-1)
