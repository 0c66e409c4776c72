"""Batches for the conformance suite of losses."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from lsncli.losses.interface import LossInputs
from lsncli.testing.expectations import expect


@dataclass(frozen=True, slots=True)
class Sample:
    """A batch as the engine hands it to a loss: logits ``[B, L]``, targets ``[B]`` or ``[B, L]``, inputs."""

    logits: Tensor
    targets: Tensor
    inputs: LossInputs

    def replaced(self, **changes: Any) -> Sample:
        """The same batch with other logits, targets or inputs."""
        return replace(self, **changes)

    def taken(self, order: Tensor) -> Sample:
        """The examples ``order`` ``[B]`` of the batch."""
        assert self.inputs.indices is not None
        inputs = replace(self.inputs, indices=self.inputs.indices[order])
        return Sample(self.logits[order], self.targets[order], inputs)


def draw_sample(
    num_classes: int, num_examples: int, transition: Tensor | None, soft: bool, dtype: torch.dtype, scale: float
) -> Sample:
    """3L examples (at most ``num_examples``), the first of a training set, with every class among the labels.

    Logits are normal numbers times ``scale``. Nothing is drawn from torch's global generator.
    """
    generator = torch.Generator().manual_seed(20200306)
    count = min(3 * num_classes, num_examples)
    logits = (scale * torch.randn(count, num_classes, generator=generator, dtype=torch.float64)).to(dtype)
    labels = torch.randperm(count, generator=generator) % num_classes
    wide = dtype if dtype is torch.float64 else torch.float32
    soft_targets = torch.randn(count, num_classes, generator=generator, dtype=torch.float64).softmax(1).to(wide)
    return Sample(
        logits,
        soft_targets if soft else labels,
        LossInputs(
            torch.arange(count), torch.tensor(0), None if transition is None else transition.to(torch.float32)
        ),
    )


def returned(loss: Any, sample: Sample) -> Tensor:
    """The losses ``[B]`` of a batch; raises AssertionError if anything else comes back."""
    losses = loss(sample.logits, sample.targets, sample.inputs)
    expect(isinstance(losses, Tensor), f"the loss returns {type(losses).__name__}, not a tensor")
    expect(
        losses.shape == sample.logits.shape[:1],
        f"the loss returns shape {list(losses.shape)} for logits of shape {list(sample.logits.shape)}:"
        " one number for each example is wanted",
    )
    result: Tensor = losses
    return result
