"""What the checks of a loss are made of: the loss as in a run, and a batch."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from lsncli.components import LossContext
from lsncli.testing.expectations import skip
from lsncli.testing.loss_samples import Sample, draw_sample, returned
from lsncli.testing.suite import ComponentSuite
from lsncli.testing.variants import Variant


class LossBasis(ComponentSuite):
    """Builds the loss and its batches; override where it needs another surrounding."""

    kind = "loss"
    num_examples: ClassVar[int] = 64

    def transition(self) -> npt.NDArray[np.float64] | None:
        """The matrix ``[L, L]`` for a loss that needs ``"transition"``: 0.7 I + 0.2 (next class) + 0.1/L J."""
        identity = np.eye(self.num_classes)
        matrix: npt.NDArray[np.float64] = 0.7 * identity + 0.2 * np.roll(identity, 1, axis=1) + 0.1 / len(identity)
        return matrix

    def context(self) -> LossContext:
        """What the loss is told when it is built."""
        return LossContext(self.num_classes, self.num_examples, self._given_transition())

    def build(self, variant: Variant, *, dtype: torch.dtype = torch.float32) -> Any:
        """A new loss, as at the start of a run; its floating-point state in ``dtype``."""
        loss = self._build(variant, self._given_transition())
        return loss.to(dtype) if isinstance(loss, nn.Module) else loss

    def _build(self, variant: Variant, transition: npt.NDArray[np.float64] | None) -> Any:
        torch.manual_seed(0)
        return self.info.build(self.params(variant), LossContext(self.num_classes, self.num_examples, transition))

    def _given_transition(self) -> npt.NDArray[np.float64] | None:
        """As in a run: nothing for a loss that does not ask for it."""
        return self.transition() if "transition" in self.info.needs else None

    def sample(self, *, soft: bool = False, dtype: torch.dtype = torch.float32, scale: float = 2.0) -> Sample:
        """Logits ``[B, L]``, targets and inputs of a batch, the same at every call."""
        return draw_sample(
            self.num_classes, self.num_examples, tensor_of(self._given_transition()), soft, dtype, scale
        )

    def soft_or_skip(self) -> None:
        """Skip a check of soft targets for a loss that takes labels only."""
        if not self.info.soft_targets:
            skip("the record says soft_targets=False")


def tensor_of(matrix: npt.NDArray[np.float64] | None) -> Tensor | None:
    """The matrix as a tensor, where there is one."""
    return None if matrix is None else torch.tensor(matrix)


def draws(loss: Any, sample: Sample) -> bool:
    """Whether a call moves torch's generator."""
    before = torch.get_rng_state()
    returned(loss, sample)
    return not torch.equal(before, torch.get_rng_state())
