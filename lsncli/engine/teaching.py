"""Distillation: a student learns from its teacher's softened probabilities (paper, section 5)."""

from __future__ import annotations

import torch
from torch import Tensor

from lsncli.engine.finished_run import FinishedRunReader
from lsncli.engine.images import TrainingImages
from lsncli.losses.interface import Loss, LossInputs
from lsncli.plan import DistillationSpec, RunSpec


class Teacher:
    """Gives the targets softmax(f_teacher / τ) and applies the student's loss to f_student / τ."""

    def __init__(
        self, reader: FinishedRunReader, spec: RunSpec, distillation: DistillationSpec, images: TrainingImages
    ) -> None:
        self.reader = reader
        self.temperature = distillation.temperature
        self.factor = self.temperature**2 if distillation.squared_temperature_factor else 1.0
        self.network = reader.network(spec)
        # On the plain images the teacher always says the same: it is asked once.
        self.clean_logits = reader.logits(self.network, images) if distillation.teacher_view == "clean" else None

    def targets(self, indices: Tensor, images: Tensor) -> Tensor:
        """Softened probabilities ``[B, L]`` of the examples ``indices`` ``[B]``, seen as ``images``."""
        if self.clean_logits is not None:
            logits = self.clean_logits[indices]
        else:
            with torch.no_grad(), self.reader.backend.autocast(self.reader.precision):
                logits = self.network(images)
        return torch.softmax(logits.float() / self.temperature, dim=1)

    def loss(self, loss: Loss, logits: Tensor, targets: Tensor, inputs: LossInputs) -> Tensor:
        """Per-example losses ``[B]`` of the student's ``logits`` ``[B, L]``; targets: see :meth:`targets`."""
        return self.factor * loss(logits.float() / self.temperature, targets, inputs)
