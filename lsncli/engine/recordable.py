"""Whether a step may be recorded once and repeated by the device, which then asks Python nothing."""

from __future__ import annotations

from torch import Tensor, nn, optim

from lsncli.engine.run import Run
from lsncli.losses.interface import PreparingLoss
from lsncli.registry import registry


def may_be_recorded(run: Run) -> bool:
    """Whether nobody has said that a step of ``run`` depends on what only Python knows.

    A loss that changes the batch draws numbers on the processor in every step: a record would repeat them.
    """
    spec = run.spec
    parts = (("loss", spec.loss), ("architecture", spec.model), ("optimizer", spec.train.optimizer))
    said = all(registry().get(kind, part.name).recordable for kind, part in parts)
    return said and not isinstance(run.work.loss, PreparingLoss)


def counts_on_processor(optimizer: optim.Optimizer) -> bool:
    """Whether the state of an optimiser, after its first step, has a number that is not on its parameter's device.

    torch's Adagrad has: it computes its rate from such a number of steps, and a record would repeat the rate.
    """
    return any(
        isinstance(value, int | float) or (isinstance(value, Tensor) and value.device != parameter.device)
        for parameter, entries in optimizer.state.items()
        for value in entries.values()
    )


def addresses(run: Run) -> list[int]:
    """Where the tensors lie that a step of ``run`` carries on to the next: network, loss and optimiser.

    A step that puts a new tensor in the place of one of them, instead of changing it, would be repeated by a record
    with the old one.
    """
    loss = run.work.loss
    held = [*run.work.module.state_dict().values(), *(value for value in vars(loss).values())]
    if isinstance(loss, nn.Module):
        held += loss.state_dict().values()
    held += [value for entries in run.state.optimizer.state.values() for value in entries.values()]
    return [value.data_ptr() for value in held if isinstance(value, Tensor)]
