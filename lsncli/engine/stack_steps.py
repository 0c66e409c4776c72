"""The steps of a stack: one forward pass, loss, backward pass and update for all of its runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.optim.sgd import sgd

from lsncli.engine.evaluation import EVALUATION_BATCH
from lsncli.engine.run import Run
from lsncli.engine.stack_losses import StackLosses
from lsncli.engine.stack_network import StackNetwork
from lsncli.losses.probabilities import log_probabilities

#: Normalised images are kept where they take no more than this, in bytes; else each batch is normalised anew.
KEPT_IMAGES = 256 * 2**20


@dataclass(slots=True)
class _Update:
    """Runs with equal optimisers and schedules: for each its parameters, gradients and momenta, ``[P]``.

    The optimiser works number by number: it may take all parameters of a run as one tensor.
    """

    options: dict[str, Any]
    rate: float
    factor: Callable[[int], float]
    rows: list[int]
    parameters: list[Tensor]
    gradients: list[Tensor]
    momenta: list[Tensor | None]


class StackSteps:
    """Takes the steps of ``runs``, which are of one kind, at the same step, and sorted by ``loss_order``.

    ``random`` are the states of torch's generator, one for each run. Each run draws its own batches, from the
    streams that it would draw from alone.
    """

    def __init__(self, runs: Sequence[Run], random: list[Tensor]) -> None:
        first = runs[0]
        self.runs = runs
        self.step = first.state.step
        self.per_epoch, self.size = first.per_epoch, first.spec.train.batch_size
        compute = torch.bfloat16 if first.precision == "bf16" else None
        self.network = StackNetwork([run.work.module for run in runs], compute)
        like = self.network.values
        self.random: list[Tensor] | None = random
        self.losses = StackLosses(runs, random, like=log_probabilities(like[:0]))
        self.failures = self.losses.failures
        self.given = torch.stack([run.work.given for run in runs])
        self.loss_sum = torch.stack([run.state.loss_sum for run in runs])
        for row, run in enumerate(runs):
            run.state.loss_sum = self.loss_sum[row]
        self._images = _images(first)
        self._order: tuple[int, Tensor] = (-1, self.given)
        self._updates: dict[str, _Update] = {}
        for row in range(len(runs)):
            self._join(row)

    def _join(self, row: int) -> None:
        """Take the momenta of a run and put its tensors to those that are updated with it."""
        run = self.runs[row]
        state, group = run.state.optimizer.state, run.state.optimizer.param_groups[0]
        # SGD begins with the first gradient where it has no momentum yet: the same as a momentum of zero.
        if group["momentum"]:
            for parameter, momentum in zip(group["params"], self.network.momenta_of(row), strict=True):
                before = state[parameter].get("momentum_buffer")
                if before is not None:
                    momentum.copy_(before)
                state[parameter]["momentum_buffer"] = momentum
        update = self._updates.setdefault(
            repr((run.spec.train.optimizer, run.spec.train.schedule)),
            _Update(_options(group), run.rates[0], run.factor, [], [], [], []),
        )
        update.rows.append(row)
        update.parameters.append(self.network.values[row])
        update.gradients.append(self.network.gradients[row])
        update.momenta.append(self.network.momenta[row] if group["momentum"] else None)

    def take(self) -> None:
        """One step of all runs."""
        epoch, position = divmod(self.step, self.per_epoch)
        if self._order[0] != epoch:
            self._order = (epoch, self._draw(epoch))
        indices = self._order[1][:, position * self.size : (position + 1) * self.size]
        with torch.no_grad():
            logits = self.network.forward(self._images(indices))
            means, gradient = self.losses(logits, self.given.gather(1, indices), indices, self.step)
            self.network.backward(gradient)
            for update in self._updates.values():
                sgd(
                    update.parameters,
                    update.gradients,
                    update.momenta,
                    lr=update.rate * update.factor(self.step),
                    **update.options,
                )
            self.loss_sum.add_(means)
        self.step += 1

    def _draw(self, epoch: int) -> Tensor:
        """The order of the examples in this epoch, ``[R, N]``; runs of one seed share theirs."""
        orders = {run.spec.seed: run for run in self.runs}
        drawn = {seed: run.work.train.draw(seed, epoch).order for seed, run in orders.items()}
        return torch.stack([drawn[run.spec.seed] for run in self.runs])

    def drop(self, row: int) -> None:
        """Leave a run that has ended out of the updates; its slice of the products computes zeros."""
        self.losses.drop(row)
        self.network.clear(row)
        for name, update in list(self._updates.items()):
            if row in update.rows:
                del self._updates[name]
                for other in update.rows:
                    if other != row:
                        self._join(other)

    def evaluate(self) -> None:
        """Nothing: an evaluation is large enough by itself."""

    def notice(self) -> str | None:
        """Nothing to say."""
        return None

    def close(self) -> None:
        """Nothing to give back."""


def _options(group: dict[str, Any]) -> dict[str, Any]:
    """The optimiser's options, as torch's functional form takes them."""
    names = ("weight_decay", "momentum", "dampening", "nesterov", "maximize", "foreach", "fused")
    return {name: group[name] for name in names}


def _images(run: Run) -> Callable[[Tensor], Tensor]:
    """A function of indices ``[R, B]`` that gives normalised, flattened images ``[R, B, D]``."""
    train = run.work.train

    def normalised(indices: Tensor) -> Tensor:
        return train.at(indices.reshape(-1)).flatten(1).view(*indices.shape, -1)

    if train.count * train.height * train.width * train.channels * 4 > KEPT_IMAGES:
        return normalised
    kept = torch.cat([batch.flatten(1) for batch in train.plain(EVALUATION_BATCH)])
    taken = torch.empty(0, dtype=kept.dtype, device=kept.device)

    def gathered(indices: Tensor) -> Tensor:
        # Into the same place in every step, as in StackNetwork.
        return torch.index_select(kept, 0, indices.reshape(-1), out=taken).view(*indices.shape, -1)

    return gathered
