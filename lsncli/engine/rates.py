"""The learning rate of a run, step by step."""

from __future__ import annotations

import torch
from torch import Tensor

from lsncli.engine.run import Run


class Rates:
    """Sets the learning rates of a run's optimiser to what the schedule says."""

    def __init__(self, run: Run) -> None:
        self.run = run

    def prepare(self, step: int) -> None:
        """The rates of ``step``."""
        factor = self.run.factor(step)
        for group, rate in zip(self.run.state.optimizer.param_groups, self.run.rates, strict=True):
            group["lr"] = rate * factor

    def apply(self, place: Tensor | None) -> None:
        """Nothing is left to do within the step."""


class RecordedRates(Rates):
    """The same rates for a step that is recorded: those of a whole epoch lie on the device.

    The optimiser's rates are tensors, float32, which the step itself sets.
    """

    def __init__(self, run: Run) -> None:
        super().__init__(run)
        device = run.device
        groups = run.state.optimizer.param_groups
        self._table = torch.zeros(len(groups), run.per_epoch, device=device)
        self._epoch = -1
        for group, rate in zip(groups, run.rates, strict=True):
            group["lr"] = torch.tensor(float(rate), device=device)

    def prepare(self, step: int) -> None:
        """Compute the rates of the epoch of ``step``, where it is another one than before."""
        epoch = step // self.run.per_epoch
        if epoch == self._epoch:
            return
        self._epoch = epoch
        first, steps = epoch * self.run.per_epoch, self.run.spec.train.steps
        # Beyond the last step nobody asks; a schedule need not know an answer there.
        factors = [self.run.factor(min(first + place, steps - 1)) for place in range(self.run.per_epoch)]
        values = torch.tensor([[rate * factor for factor in factors] for rate in self.run.rates])
        if self._table.device.type == "cuda":
            values = values.pin_memory()
        self._table.copy_(values, non_blocking=True)

    def apply(self, place: Tensor | None) -> None:
        """Set the rates of this step, the number ``place`` ``[1]`` of its epoch."""
        assert place is not None
        for group, rates in zip(self.run.state.optimizer.param_groups, self._table, strict=True):
            group["lr"].copy_(rates.index_select(0, place).view(()))
