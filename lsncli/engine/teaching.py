"""Distillation: a student learns from its teacher's softened probabilities (paper, section 5)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from lsncli.engine.finished_run import FinishedRunReader
from lsncli.engine.images import TrainingImages
from lsncli.errors import LsnError
from lsncli.losses.interface import Loss, LossInputs
from lsncli.plan import DistillationSpec, RunSpec


class Teacher:
    """Gives the targets softmax(f_teacher / τ) and applies the student's loss to f_student / τ.

    ``like`` is another student's teacher, for the same images: where it is the same run, the network is shared.
    """

    def __init__(
        self,
        reader: FinishedRunReader,
        spec: RunSpec,
        distillation: DistillationSpec,
        images: TrainingImages,
        like: Teacher | None = None,
    ) -> None:
        self.reader = reader
        self.key = spec.key
        self.view = distillation.teacher_view
        self.temperature = distillation.temperature
        self.factor = self.temperature**2 if distillation.squared_temperature_factor else 1.0
        shared = like if like is not None and like.key == self.key else None
        self.network: nn.Module = reader.network(spec) if shared is None else shared.network
        # On the plain images the teacher always says the same: it is asked once.
        self.clean_logits: Tensor | None = None
        if self.view == "clean":
            known = None if shared is None else shared.clean_logits
            self.clean_logits = reader.logits(self.network, images) if known is None else known

    def logits(self, indices: Tensor, images: Tensor) -> Tensor:
        """What the teacher says ``[B, L]`` of the examples ``indices`` ``[B]``, seen as ``images``."""
        if self.clean_logits is not None:
            return self.clean_logits[indices]
        with torch.no_grad(), self.reader.backend.autocast(self.reader.precision):
            logits: Tensor = self.network(images)
            return logits

    def targets(self, indices: Tensor, images: Tensor, said: Tensor | None = None) -> Tensor:
        """Softened probabilities ``[B, L]`` of the examples; ``said`` are its logits, where they are known."""
        logits = self.logits(indices, images) if said is None else said
        return torch.softmax(logits.float() / self.temperature, dim=1)

    def loss(self, loss: Loss, logits: Tensor, targets: Tensor, inputs: LossInputs) -> Tensor:
        """Per-example losses ``[B]`` of the student's ``logits`` ``[B, L]``; targets: see :meth:`targets`.

        Raises :class:`LsnError` where the loss raises something else, in words for whoever has written it.
        """
        try:
            losses = loss(logits.float() / self.temperature, targets, inputs)
        except (LsnError, torch.OutOfMemoryError):
            raise
        except Exception as error:
            said = f"{type(error).__name__}: {error}".splitlines()[0]
            raise LsnError(
                f"the loss fails on the targets of a student, its teacher's probabilities [B, L]: {said}",
                next="where it takes labels only, its record says so: LossInfo(…, soft_targets=False)",
            ) from error
        return self.factor * losses
