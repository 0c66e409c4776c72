"""The steps of runs that each keep their own tensors and kernels: those of a run alone, whoever else takes part.

Runs of one seed see the same batches, which are made once; students of one teacher among them ask it once. On a
device that records its steps, the whole is one record, in which the runs are branches beside each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from traceback import clear_frames
from typing import Any

import torch
from torch import Tensor

from lsncli.engine.evaluation import EVALUATION_BATCH, predict_together
from lsncli.engine.feed import Feed, RecordedFeed
from lsncli.engine.final_outputs import FinalOutputs
from lsncli.engine.optimizer_groups import kept_groups
from lsncli.engine.preparation import prepared
from lsncli.engine.rates import Rates, RecordedRates
from lsncli.engine.recordable import addresses, counts_on_processor, may_be_recorded
from lsncli.engine.run import Run
from lsncli.losses.interface import LossInputs, PreparingLoss


class _Batch:
    """What the runs of one seed have in common: their feed, and what their teachers say of the batch."""

    def __init__(self, feed: Feed) -> None:
        self.feed = feed
        self.rows: list[int] = []
        self.indices = torch.empty(0)
        self.images = torch.empty(0)
        self.said: dict[tuple[str, str], Tensor] = {}


class ReplicaSteps:
    """Takes the steps of ``runs``: of equal data, batch size and number of steps, at the same step.

    ``random`` are the states of torch's generator, one for each run, where there are several on the processor.
    Every run's numbers are those that it has alone, to the bit.
    """

    def __init__(self, runs: Sequence[Run], random: list[Tensor] | None = None) -> None:
        first = runs[0]
        self.runs = runs
        self.backend = first.backend
        self.step = first.state.step
        self.random = random if len(runs) > 1 and first.device.type == "cpu" else None
        self.failures: dict[int, Exception] = {}
        self.active = list(range(len(runs)))
        self.step_tensor = torch.full((), self.step, dtype=torch.int64, device=first.device)
        self.rates = [(RecordedRates if self.backend.recorded else Rates)(run) for run in runs]
        self._feeds: dict[int, Feed] = {}
        self._said = False
        self._refused: str | None = None
        self._begin()

    def _begin(self) -> None:
        """Sort the active runs by their batches, and forget the record of other runs' steps."""
        batches: dict[int, _Batch] = {}
        for row in self.active:
            seed = self.runs[row].spec.seed
            batches.setdefault(seed, _Batch(self._feed(row))).rows.append(row)
        self._batches = list(batches.values())
        recordable = all(may_be_recorded(self.runs[row]) for row in self.active)
        self._compiled = self.backend.compile_step(self._step) if recordable else self._step
        # The steps before one is recorded in which the runs are looked at; the backend takes three as they are.
        self._looks = 3 if self.backend.recorded and recordable else 0
        self._places: list[list[int]] = []

    def _feed(self, row: int) -> Feed:
        run = self.runs[row]
        if run.spec.seed not in self._feeds:
            kind = RecordedFeed if self.backend.recorded or self.backend.traced else Feed
            self._feeds[run.spec.seed] = kind(run.work.train, run.spec.seed, run.spec.train.batch_size)
        return self._feeds[run.spec.seed]

    def take(self) -> None:
        """One step of all active runs."""
        for batch in self._batches:
            batch.feed.prepare(self.step)
        for row in self.active:
            self.rates[row].prepare(self.step)
        groups = self._groups() if self._looks else None
        self._compiled()
        self.step += 1
        if groups is not None:
            self._look(groups)

    def _groups(self) -> list[list[dict[str, Any]]]:
        """The plain entries of the optimisers' groups, for each active run."""
        return [kept_groups(self.runs[row].state.optimizer).plain for row in self.active]

    def _look(self, before: list[list[dict[str, Any]]]) -> None:
        """After a step: no record where an optimiser counts on the processor, or a tensor was replaced by another.

        ``before``: what was in the optimisers' groups before the step. Their state is there after the first one, so
        that from the second on every tensor should stay where it is.
        """
        self._looks -= 1
        places = [addresses(self.runs[row]) for row in self.active]
        for number, (row, were, are) in enumerate(zip(self.active, before, self._groups(), strict=True)):
            run = self.runs[row]
            if were != are or counts_on_processor(run.state.optimizer):
                self._refuse(f"optimizer {run.spec.train.optimizer.name!r} keeps numbers on the processor")
            elif self._places and self._places[number] != places[number]:
                self._refuse("network, loss or optimizer replaces a tensor that it keeps from step to step")
        self._places = places

    def _refuse(self, why: str) -> None:
        self._refused, self._compiled, self._looks = why, self._step, 0

    def _step(self) -> None:
        """What the device does in a step; nothing here waits for it."""
        self.backend.in_parallel([partial(self._make, batch) for batch in self._batches])
        self.backend.in_parallel(
            [partial(self._guarded, row, batch) for batch in self._batches for row in batch.rows]
        )
        for batch in self._batches:
            if isinstance(batch.feed, RecordedFeed):
                batch.feed.advance()
            # Nothing of the step is kept: its memory is the next one's.
            batch.said, batch.images = {}, batch.indices
        self.step_tensor.add_(1)

    def _make(self, batch: _Batch) -> None:
        """The examples of the step, and what is said of them by a teacher that several students share."""
        batch.indices, batch.images = batch.feed.batch()
        asked: dict[tuple[str, str], list[int]] = {}
        for row in batch.rows:
            if (teacher := self.runs[row].work.teacher) is not None:
                asked.setdefault((teacher.key, teacher.view), []).append(row)
        for name, rows in asked.items():
            teacher = self.runs[rows[0]].work.teacher
            assert teacher is not None
            batch.said[name] = teacher.logits(batch.indices, batch.images)

    def _guarded(self, row: int, batch: _Batch) -> None:
        """The step of one run; what goes wrong in it ends this run alone."""
        try:
            if self.random is None:
                self._one(row, batch)
                return
            torch.set_rng_state(self.random[row])
            try:
                self._one(row, batch)
            finally:
                self.random[row] = torch.get_rng_state()
        except Exception as error:
            if self.backend.recording():
                # Nothing has been computed: the record is given up, and the step is taken as it is.
                raise
            # What its frames hold is memory that the runs beside it may need.
            clear_frames(error.__traceback__)
            self.failures[row] = error

    def _one(self, row: int, batch: _Batch) -> None:
        """Forward, loss, backward, update."""
        run = self.runs[row]
        state, work = run.state, run.work
        self.rates[row].apply(batch.feed.place if isinstance(batch.feed, RecordedFeed) else None)
        images, targets = batch.images, self._targets(run, batch)
        inputs = LossInputs(batch.indices, self.step_tensor, work.transition)
        if isinstance(work.loss, PreparingLoss):
            images, targets = prepared(run, self.step, images, targets, inputs)
        with self.backend.autocast(run.precision):
            logits = work.module(images)
        if work.teacher is None:
            losses = work.loss(logits, targets, inputs)
        else:
            losses = work.teacher.loss(work.loss, logits, targets, inputs)
        loss = run.checked(losses, batch.indices).mean()
        state.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        state.optimizer.step()
        state.loss_sum.add_(loss.detach())

    def _targets(self, run: Run, batch: _Batch) -> Tensor:
        """The given labels ``[B]`` or the teacher's probabilities ``[B, L]``."""
        teacher = run.work.teacher
        if teacher is None:
            return run.work.given[batch.indices]
        return teacher.targets(batch.indices, batch.images, batch.said[teacher.key, teacher.view])

    def drop(self, row: int) -> None:
        """Leave a run that has ended out of the steps to come."""
        self.active.remove(row)
        # Its gradients lie in the memory of the record that is given up.
        self.runs[row].state.optimizer.zero_grad(set_to_none=True)
        self._begin()

    def evaluate(self) -> None:
        """Where the device does several things at once: what all networks say of the images, side by side."""
        if not self.backend.parallel or len(self.active) < 2:
            return
        runs = [self.runs[row] for row in self.active]
        modules = [run.work.module for run in runs]
        work = runs[0].work
        sets = (work.test, work.train) if work.validation is None else (work.test, work.train, work.validation)
        of_sets = (
            predict_together(modules, images.plain(EVALUATION_BATCH), self.backend, runs[0].precision)
            for images in sets
        )
        try:
            for run, *logits in zip(runs, *of_sets, strict=True):
                run.outputs = FinalOutputs(*logits)
        except torch.OutOfMemoryError:
            # Side by side they need more than there is, which no timing of steps has shown: one after the other.
            self.backend.synchronize()
            for run in runs:
                run.outputs = None

    def close(self) -> None:
        """Forget the record, whose memory on the device is otherwise kept until the garbage is collected."""
        self._compiled = _closed

    def notice(self) -> str | None:
        """Why the step could not be recorded, once."""
        refused: str | None = self._refused or getattr(self._compiled, "refused", None)
        if refused is None or self._said:
            return None
        self._said = True
        return f"the step cannot be recorded, and is taken kernel by kernel: {refused}"


def _closed() -> None:
    raise RuntimeError("no more steps can be taken")
