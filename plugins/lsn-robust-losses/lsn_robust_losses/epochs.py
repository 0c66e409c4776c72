"""In which epoch a step falls, told without waiting for the device."""

from __future__ import annotations

from lsncli import LossInputs
from torch import Tensor


def epoch_of(inputs: LossInputs | None, num_examples: int, batch_size: int) -> Tensor | None:
    """The number of the epoch, from 1, as a scalar int64 tensor; None where nobody tells the step.

    An epoch has ⌊N/B⌋ steps, as the engine has it: examples that do not fill a batch are left out.
    """
    if inputs is None or inputs.step is None:
        return None
    return inputs.step // max(1, num_examples // batch_size) + 1
