"""What a loss receives beside logits and targets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor


@dataclass(frozen=True, slots=True)
class LossInputs:
    """Inputs for losses that need more than logits and targets.

    indices: ``[B]`` int64, positions of the examples in the training set.
    step: scalar int64 tensor, the training step (0-based); a tensor so that reading it needs no
        synchronisation with the device.
    transition: ``[L, L]`` row-stochastic, T[i, j] = P(noisy j | true i); None where there is none, or the loss's
        ``needs`` do not ask for it.
    """

    indices: Tensor | None = None
    step: Tensor | None = None
    transition: Tensor | None = None


class Loss(Protocol):
    """Maps logits ``[B, L]`` and targets to per-example losses ``[B]``.

    Targets are labels ``[B]`` (int64) or probabilities ``[B, L]`` (floating point). A loss may be a
    ``torch.nn.Module`` with buffers: they are kept in checkpoints, and move to the run's device. Of any other loss
    nothing moves: a tensor that it holds stays on the CPU, and it must take it to the logits' device itself.
    """

    def __call__(self, logits: Tensor, targets: Tensor, inputs: LossInputs | None = None) -> Tensor:
        """Per-example losses ``[B]``, in float32 or the logits' wider type."""
        ...


@runtime_checkable
class PreparingLoss(Protocol):
    """What a loss that changes the batch before the network sees it offers beside being called (mixup).

    A run with such a loss is never part of a stack, and its steps are never recorded.
    """

    def prepare(
        self, images: Tensor, targets: Tensor, generator: np.random.Generator, inputs: LossInputs
    ) -> tuple[Tensor, Tensor]:
        """The images ``[B, C, H, W]`` that the network sees, and the targets that the loss is then called with.

        ``targets`` are labels ``[B]`` or, of a teacher, probabilities ``[B, L]``; what is returned may be either.
        ``images`` are normalised and augmented; neither tensor may be changed in place. ``generator`` is a
        function of the run's seed and of the step, and the only source of randomness: a resumed run draws the
        same numbers. The indices in ``inputs`` stay those of the examples in their order.
        """
        ...
