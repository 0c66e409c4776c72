"""Lets a loss change the batch before the network sees it."""

from __future__ import annotations

from torch import Tensor

from lsncli.engine.run import Run
from lsncli.engine.streams import stream
from lsncli.errors import LsnError
from lsncli.losses.interface import LossInputs, PreparingLoss


def prepared(run: Run, step: int, images: Tensor, targets: Tensor, inputs: LossInputs) -> tuple[Tensor, Tensor]:
    """Images ``[B, C, H, W]`` and targets of one step, as the run's loss wants them.

    The loss draws from the run's own stream for this step, so that a resumed run prepares the same batches.
    Raises :class:`LsnError` where what it returns is not a batch of as many examples.
    """
    spec, work = run.spec, run.work
    assert isinstance(work.loss, PreparingLoss)
    given = images.shape
    images, targets = work.loss.prepare(images, targets, stream(spec.seed, "preparation", step), inputs)
    if images.shape != given or targets.shape not in ((given[0],), (given[0], work.num_classes)):
        raise LsnError(
            f"loss {spec.loss.name!r} prepared images of shape {list(images.shape)} with targets of shape"
            f" {list(targets.shape)} from images of shape {list(given)}",
            valid=f"images of the same shape, with labels [{given[0]}] or probabilities"
            f" [{given[0]}, {work.num_classes}]",
        )
    return images, targets
