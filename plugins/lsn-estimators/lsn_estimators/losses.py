"""VolMinNet and T-revision as losses: T is learnt by the run's own optimiser, together with the whole network."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from lsncli import LossContext, LossInputs, LsnError
from torch import Tensor, nn

from lsn_estimators.matrices import SlackTransition, VolumeTransition, log_volume, nearest_stochastic
from lsn_estimators.objectives import reweighted_losses, volume_losses

if TYPE_CHECKING:
    from lsn_estimators.params import RevisionLossParams, VolumeLossParams


def _wide(logits: Tensor) -> Tensor:
    return logits.float() if logits.dtype in (torch.bfloat16, torch.float16) else logits


class VolMinNet(nn.Module):
    """−log (Tᵀ softmax(f))_ỹ + λ log |det T| (Li et al. 2021, equation 5)."""

    def __init__(self, params: VolumeLossParams, context: LossContext) -> None:
        super().__init__()
        self.transition = VolumeTransition(context.num_classes, params.initial)
        self.volume = params.volume
        self.optimizer_options: dict[str, Any] = (
            {} if params.transition_lr is None else {"lr": params.transition_lr}
        )

    def forward(self, logits: Tensor, targets: Tensor, inputs: LossInputs | None = None) -> Tensor:
        """Losses ``[B]`` for logits ``[B, L]`` and labels ``[B]`` or probabilities ``[B, L]``."""
        wide = _wide(logits)
        matrix = self.transition()
        return volume_losses(wide, targets, matrix.to(wide.dtype)) + self.volume * log_volume(matrix)

    def learnt_transition(self) -> Tensor:
        """T ``[L, L]`` as it is now."""
        return nearest_stochastic(self.transition().double())


class TRevision(nn.Module):
    """Losses reweighted by an estimate of T, and from some step on by it and a slack (Xia et al. 2019)."""

    def __init__(self, params: RevisionLossParams, context: LossContext) -> None:
        super().__init__()
        if context.transition is None:
            raise LsnError(
                "loss 't-revision' revises an estimate, and this run has none",
                next='say which: [transition] with estimator = { name = "anchor", percentile = 97 }',
            )
        self.transition = SlackTransition(torch.tensor(context.transition, dtype=torch.float32))
        self.revise_from = params.revise_from
        self.optimizer_options: dict[str, Any] = {"lr": params.slack_lr}

    def forward(self, logits: Tensor, targets: Tensor, inputs: LossInputs | None = None) -> Tensor:
        """Losses ``[B]`` for logits ``[B, L]`` and labels ``[B]`` or probabilities ``[B, L]``."""
        wide = _wide(logits)
        revised = reweighted_losses(wide, targets, self.transition().to(wide.dtype), weights_learn=True)
        if self.revise_from == 0 or inputs is None or inputs.step is None:
            return revised
        initial = self.transition.initial.to(wide.dtype)
        reweighted = reweighted_losses(wide, targets, initial, weights_learn=False)
        # A choice on the device: nobody reads the step.
        return torch.where(inputs.step < self.revise_from, reweighted, revised)

    def learnt_transition(self) -> Tensor:
        """T̂ + ΔT ``[L, L]`` as it is now, made row-stochastic."""
        return nearest_stochastic(self.transition().double())
