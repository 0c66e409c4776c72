"""The training loop: one RunSpec in, a stream of events out."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import torch
from torch import Tensor

from lsncli.backends.interface import Backend
from lsncli.backends.selection import select_backend
from lsncli.engine.clock import Clock
from lsncli.engine.events import Event, Outcome
from lsncli.engine.preparation import prepared
from lsncli.engine.run import Run, failure
from lsncli.engine.settings import EngineSettings
from lsncli.losses.interface import LossInputs, PreparingLoss
from lsncli.plan import RunSpec

#: Steps between two looks at the loss for a value that is not finite; each look waits for the device.
DIVERGENCE_CHECK = 200


def train(spec: RunSpec, settings: EngineSettings, stop: Callable[[], bool] = lambda: False) -> Iterator[Event]:
    """Train ``spec``, or go on from its checkpoint; the last event is always :class:`Finished`.

    An unforeseen error ends the run as ``failed`` with its traceback; it never leaves the generator. When
    ``stop()`` becomes true, the run writes a checkpoint and ends as ``interrupted``.
    """
    started = time.perf_counter()
    run: Training | None = None
    with ExitStack() as afterwards:
        try:
            backend, device_name = select_backend(settings.device)
            afterwards.callback(backend.release)
            device = backend.prepare(device_name, threads=settings.threads)
            run = Training(spec, settings, stop, backend, device_name, device)
            yield from run.events()
        except Exception as error:  # noqa: BLE001 - one run's failure must not end the others
            yield failure(spec, error, run.state.step if run else 0, time.perf_counter() - started)


class Training(Run):
    """A run whose steps are taken one by one, for it alone."""

    def __init__(
        self,
        spec: RunSpec,
        settings: EngineSettings,
        stop: Callable[[], bool],
        backend: Backend,
        device_name: str,
        device: torch.device,
    ) -> None:
        super().__init__(spec, settings, backend, device_name, device)
        self.stop = stop
        self.step_tensor = torch.zeros((), dtype=torch.int64, device=device)
        self.step = self.backend.compile_step(self._step)
        self.prepares = isinstance(self.work.loss, PreparingLoss)
        self._draws: tuple[int, Any] = (-1, None)

    def events(self) -> Iterator[Event]:
        """All events of the run, from its first step or its checkpoint on."""
        yield from self.beginning(self.resume())
        self.step_tensor.fill_(self.state.step)
        self.work.module.train()
        outcome: Outcome = "done"
        error: str | None = None
        for event in self._steps():
            if isinstance(event, str):
                outcome = "interrupted" if event == "interrupted" else "diverged"
                error = None if outcome == "interrupted" else event
                break
            yield event
        yield from self.ending(outcome, error)

    def _steps(self) -> Iterator[Event | str]:
        """The events of the remaining steps; a string ends the run: ``interrupted``, or why it diverged."""
        spec, state = self.spec, self.state
        evaluate_at = set(spec.evaluation_steps())
        clock = Clock(state.seconds, spec.train.batch_size)
        last_saved = time.perf_counter()
        while state.step < spec.train.steps:
            self._one_step()
            clock.steps += 1
            evaluating = state.step in evaluate_at
            if evaluating or state.step % DIVERGENCE_CHECK == 0:
                for event in self.look(evaluating, clock.rate()):
                    if isinstance(event, str):
                        state.seconds = clock.seconds()
                    yield event
                    if isinstance(event, str):
                        return
            if evaluating:
                clock.restart()
            if clock.due():
                state.seconds = clock.seconds()
                yield self.progress(clock.rate())
                if state.step == spec.train.steps:
                    # A checkpoint after the last step would leave nothing to do for the run that resumes it.
                    break
                if self.stop():
                    self.save()
                    yield "interrupted"
                    return
                if time.perf_counter() - last_saved > self.settings.checkpoint_seconds:
                    self.save()
                    last_saved = time.perf_counter()
        state.seconds = clock.seconds()

    def _one_step(self) -> None:
        state, work = self.state, self.work
        epoch, position = divmod(state.step, self.per_epoch)
        if self._draws[0] != epoch:
            self._draws = (epoch, work.train.draw(self.spec.seed, epoch))
        size = self.spec.train.batch_size
        indices, images = work.train.batch(self._draws[1], position * size, size)
        factor = self.factor(state.step)
        for group, rate in zip(state.optimizer.param_groups, self.rates, strict=True):
            group["lr"] = rate * factor
        if self.prepares:
            # Before the step proper, which a backend may have recorded: this draws numbers on the CPU.
            inputs = self._inputs(indices)
            images, targets = prepared(work, self.spec, state.step, images, self._targets(indices, images), inputs)
            self.step(indices, images, targets)
        else:
            self.step(indices, images)
        state.step += 1
        state.steps_since_evaluation += 1

    def _step(self, indices: Tensor, images: Tensor, targets: Tensor | None = None) -> None:
        """Forward, loss, backward, update; nothing here waits for the device.

        ``targets`` are given where the loss prepared them together with the images.
        """
        state, work = self.state, self.work
        with self.backend.autocast(self.precision):
            logits = work.module(images)
        if targets is None:
            targets = self._targets(indices, images)
        inputs = self._inputs(indices)
        if work.teacher is None:
            losses = work.loss(logits, targets, inputs)
        else:
            losses = work.teacher.loss(work.loss, logits, targets, inputs)
        loss = self.checked(losses, indices).mean()
        state.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        state.optimizer.step()
        state.loss_sum.add_(loss.detach())
        self.step_tensor.add_(1)

    def _targets(self, indices: Tensor, images: Tensor) -> Tensor:
        """The given labels ``[B]`` or the teacher's probabilities ``[B, L]`` of a batch."""
        work = self.work
        return work.given[indices] if work.teacher is None else work.teacher.targets(indices, images)

    def _inputs(self, indices: Tensor) -> LossInputs:
        return LossInputs(indices, self.step_tensor, self.work.transition)
