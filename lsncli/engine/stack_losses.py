"""The losses of a stack of runs: families of built-in losses together, every other loss for its run alone."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

import torch
from torch import Tensor

from lsncli.engine.run import Run
from lsncli.losses.interface import LossInputs
from lsncli.losses.stacked import StackedLoss, family, stacked


class StackLosses:
    """Mean losses and the gradients of the logits, for runs that :func:`loss_order` has sorted.

    A loss that is none of ours is called for its run alone, with the random numbers of its run; if it fails, the
    error is kept in ``failures`` and the others go on. ``random`` are the states of the runs' generators, which
    the calls advance.
    """

    def __init__(self, runs: Sequence[Run], random: list[Tensor], like: Tensor) -> None:
        self.runs = runs
        self.random = random
        self.failures: dict[int, Exception] = {}
        self._together: list[tuple[slice, StackedLoss]] = []
        self._alone: list[int] = []
        self._step = torch.zeros((), dtype=torch.int64, device=like.device)
        for name, group in groupby(range(len(runs)), key=lambda row: family(runs[row].work.loss)):
            rows = list(group)
            if name is None:
                self._alone = rows
            else:
                losses = [runs[row].work.loss for row in rows]
                self._together.append((slice(rows[0], rows[-1] + 1), stacked(losses, like)))
        #: The runs of the families come first.
        self._families = slice(0, len(runs) - len(self._alone))

    def __call__(self, logits: Tensor, labels: Tensor, indices: Tensor, step: int) -> tuple[Tensor, Tensor]:
        """Mean losses ``[R]`` and their gradients ``[R, L, B]``.

        logits: ``[R, L, B]``, classes before examples; labels, indices (of the examples): ``[R, B]``; step: of
        the training, from 0.
        """
        runs, _, size = logits.shape
        means = torch.zeros(runs, dtype=torch.float64, device=logits.device)
        wide = logits if logits.dtype is torch.float64 else logits.float()
        gradients = torch.zeros_like(wide)
        if self._together:
            logp = wide[self._families].log_softmax(1)
            derivative = torch.empty_like(logp)
            for rows, compute in self._together:
                means[rows] = compute(logp[rows], labels[rows], derivative[rows]).mean(1)
            derivative.div_(size)
            gradients[self._families] = torch.ops.aten._log_softmax_backward_data(derivative, logp, 1, logp.dtype)
        self._step.fill_(step)
        for row in self._alone:
            # As the run would see its logits alone: [B, L], in their own type.
            leaf = logits[row].mT.contiguous().requires_grad_()
            try:
                with torch.enable_grad():
                    loss = self._own(row, leaf, labels[row], indices[row])
                    (gradient,) = torch.autograd.grad(loss, leaf)
                means[row] = loss.detach()
                gradients[row] = gradient.mT
            except Exception as error:  # noqa: BLE001 - one run's failure must not end the others
                self.failures[row] = error
        return means, gradients

    def _own(self, row: int, logits: Tensor, labels: Tensor, indices: Tensor) -> Tensor:
        """The mean loss of one run, by its own loss, with its own random numbers."""
        run = self.runs[row]
        torch.set_rng_state(self.random[row])
        try:
            losses = run.work.loss(logits, labels, LossInputs(indices, self._step, run.work.transition))
            return run.checked(losses, indices).mean()
        finally:
            self.random[row] = torch.get_rng_state()

    def drop(self, row: int) -> None:
        """Call the loss of a run no more."""
        self._alone = [other for other in self._alone if other != row]


def loss_order(run: Run) -> tuple[bool, str]:
    """Sorts runs so that those of equal families are neighbours, and those of none come last."""
    name = family(run.work.loss)
    return name is None, name or ""
