"""Many runs of a small network in one step: what each of them tells is what it would tell alone.

A run of a small network is mostly the overhead of calling kernels on a few numbers. A stack calls each kernel
once for all of its runs. A run that diverges or fails leaves the stack, and the others go on.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from itertools import groupby

import torch
from torch import Tensor

from lsncli.backends.interface import Backend
from lsncli.backends.selection import select_backend
from lsncli.engine.clock import Clock
from lsncli.engine.events import Event, Outcome
from lsncli.engine.learnt_loss import has_parameters
from lsncli.engine.run import Run, failure
from lsncli.engine.settings import EngineSettings
from lsncli.engine.stack_kinds import stack_kind
from lsncli.engine.stack_losses import loss_order
from lsncli.engine.stack_network import bytes_per_run
from lsncli.engine.stack_steps import StackSteps
from lsncli.engine.training import DIVERGENCE_CHECK, train
from lsncli.losses.stacked import family
from lsncli.plan import RunSpec

#: A stack takes no more memory than about this, in bytes; more runs are several stacks, one after another.
STACK_BYTES = 512 * 2**20


def train_stack(
    specs: Sequence[RunSpec], settings: EngineSettings, stop: Callable[[], bool] = lambda: False
) -> Iterator[Event]:
    """Train runs of one :func:`~lsncli.engine.stack_kinds.stack_kind` together, or go on from their checkpoints.

    Each run's events are of the kinds and in the order of :func:`~lsncli.engine.training.train`, those of
    different runs interleaved. When ``stop()`` becomes true, every run writes a checkpoint and ends as
    ``interrupted``. Its seconds are a run's share of the time that the stack took, and its images per second
    those of the whole stack.

    A single run is a stack of one: its numbers are those that it has in a larger stack, which differ by rounding
    from those of ``train``. A run that cannot be stacked is trained by ``train``.
    """
    alone = [spec for spec in specs if stack_kind(spec) is None]
    specs = [spec for spec in specs if spec not in alone]
    with ExitStack() as afterwards:
        try:
            backend, device_name = select_backend(settings.device)
            afterwards.callback(backend.release)
            # One thread where nobody says otherwise: several would wait for each other at every small product.
            device = backend.prepare(device_name, threads=settings.threads or 1)
        except Exception as error:  # noqa: BLE001 - told of as the end of every run
            yield from (failure(spec, error, 0, 0.0) for spec in specs)
            return
        if backend.traced:
            # Its programs call no kernels one by one, and every size of a stack would be another program.
            alone, specs = [*alone, *specs], []
        ready: list[_Ready] = []
        for number, spec in enumerate(specs, start=1):
            began = time.perf_counter()
            try:
                run = Run(spec, settings, backend, device_name, device, ready[0].run.work if ready else None)
                if has_parameters(run.work.loss) or (device.type != "cpu" and family(run.work.loss) is None):
                    # It has parameters that are no part of the network; or it may draw random numbers on its
                    # device, whose generator the runs would share.
                    alone.append(spec)
                else:
                    ready.append(_Ready(run, run.resume()))
            except Exception as error:  # noqa: BLE001 - one run's failure must not end the others
                yield failure(spec, error, 0, time.perf_counter() - began)
            if ready and (number == len(specs) or len(ready) >= _most(ready[0].run)):
                # Runs whose checkpoints are of different steps go on in stacks of their own.
                ready.sort(key=lambda one: (one.run.state.step, loss_order(one.run)))
                for _, group in groupby(ready, key=lambda one: one.run.state.step):
                    yield from _Stack(list(group), settings, stop, backend).events()
                ready = []
    for spec in alone:
        yield from train(spec, settings, stop)


def _most(run: Run) -> int:
    return max(1, STACK_BYTES // bytes_per_run(run.work.module, run.spec.train.batch_size))


class _Ready:
    """A run before its first step, what it has to say of its checkpoint, and its state of torch's generator."""

    def __init__(self, run: Run, notice: str | None) -> None:
        self.run = run
        self.notice = notice
        self.random = torch.get_rng_state()


class _Stack:
    """Runs that take their steps together; ``active`` are the rows of those that have not ended."""

    def __init__(
        self, ready: Sequence[_Ready], settings: EngineSettings, stop: Callable[[], bool], backend: Backend
    ) -> None:
        self.runs = [one.run for one in ready]
        self.notices = [one.notice for one in ready]
        self.random: list[Tensor] = [one.random for one in ready]
        self.settings = settings
        self.stop = stop
        self.backend = backend
        self.train = self.runs[0].spec.train
        self.active = dict.fromkeys(range(len(self.runs)))
        self.before = [run.state.seconds for run in self.runs]
        self.since_evaluation = self.runs[0].state.steps_since_evaluation
        self.steps = StackSteps(self.runs, self.random)
        self.clock = Clock(0.0, self.train.batch_size * len(self.runs))

    def events(self) -> Iterator[Event]:
        """The events of all runs."""
        for run, notice in zip(self.runs, self.notices, strict=True):
            yield from run.beginning(notice, stack=len(self.runs))
            run.work.module.train()
        self.clock = Clock(0.0, self.train.batch_size * len(self.runs))
        try:
            yield from self._train()
        except Exception as error:  # noqa: BLE001 - an error of the stack itself ends every run that is left
            for row in list(self.active):
                yield self._failed(row, error)

    def _train(self) -> Iterator[Event]:
        evaluate_at = set(self.runs[0].spec.evaluation_steps())
        last_saved = time.perf_counter()
        while self.active and self.steps.step < self.train.steps:
            self.steps.take()
            self.clock.steps += 1
            yield from self._failures()
            self.since_evaluation += 1
            step = self.steps.step
            evaluating, due = step in evaluate_at, self.clock.due()
            looking = evaluating or step % DIVERGENCE_CHECK == 0
            if looking or due:
                rate = self.clock.rate()
                if evaluating:
                    self.backend.synchronize()
                for row in list(self.active):
                    yield from self._guarded(row, self._told(row, looking, evaluating, due, rate))
            if evaluating:
                self.since_evaluation = 0
                self.clock.restart()
            if not due or step == self.train.steps:
                continue
            if self.stop():
                for row in list(self.active):
                    yield from self._guarded(row, self._interrupted(row))
            elif time.perf_counter() - last_saved > self.settings.checkpoint_seconds:
                for row in list(self.active):
                    yield from self._guarded(row, self._saved(row))
                last_saved = time.perf_counter()

    # -- one run ---------------------------------------------------------------------------------------

    def _told(self, row: int, looking: bool, evaluating: bool, due: bool, rate: float) -> Iterator[Event]:
        """What a run tells after a step; the last one is its end, so that its outputs need not be kept."""
        run = self._brought_up(row)
        if looking:
            for event in run.look(evaluating, rate):
                if isinstance(event, str):
                    yield from self._ended(row, "diverged", event)
                    return
                yield event
        if due:
            yield run.progress(rate)
        if run.state.step == self.train.steps:
            yield from self._ended(row, "done")

    def _interrupted(self, row: int) -> Iterator[Event]:
        yield from self._saved(row)
        yield from self._ended(row, "interrupted")

    def _saved(self, row: int) -> Iterator[Event]:
        """Write the checkpoint of a run; nothing is told of it."""
        run = self._brought_up(row)
        torch.set_rng_state(self.random[row])
        run.save()
        yield from ()

    def _brought_up(self, row: int) -> Run:
        """The run, with its counts as they are now."""
        run = self.runs[row]
        run.state.step = self.steps.step
        run.state.steps_since_evaluation = self.since_evaluation
        run.state.seconds = self._seconds(row)
        return run

    def _seconds(self, row: int) -> float:
        """A run's share of the time: summed over runs, it is the time that has passed."""
        return self.before[row] + self.clock.seconds() / len(self.runs)

    # -- ends ------------------------------------------------------------------------------------------

    def _ended(self, row: int, outcome: Outcome, error: str | None = None) -> Iterator[Event]:
        run = self.runs[row]
        run.state.seconds = self._seconds(row)
        yield from run.ending(outcome, error)
        self._drop(row)

    def _guarded(self, row: int, events: Iterator[Event]) -> Iterator[Event]:
        """``events`` of one run; what goes wrong in them ends this run alone."""
        try:
            yield from events
        except Exception as error:  # noqa: BLE001 - one run's failure must not end the others
            yield self._failed(row, error)

    def _failures(self) -> Iterator[Event]:
        """The ends of the runs whose loss has failed in this step, which they have not made."""
        for row, error in self.steps.losses.failures.items():
            yield self._failed(row, error, self.steps.step - 1)
        self.steps.losses.failures.clear()

    def _failed(self, row: int, error: Exception, step: int | None = None) -> Event:
        self._drop(row)
        return failure(self.runs[row].spec, error, self.steps.step if step is None else step, self._seconds(row))

    def _drop(self, row: int) -> None:
        self.active.pop(row, None)
        if self.active and self.steps.step < self.train.steps:
            self.steps.drop(row)
