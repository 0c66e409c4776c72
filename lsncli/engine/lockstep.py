"""Runs that take their steps together: what each of them tells is what it would tell alone.

How the steps are taken (:class:`Steps`) is another matter: in one stack of tensors, or each run by itself. A run
that diverges or fails leaves the others, which go on.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol

import torch
from torch import Tensor

from lsncli.engine.clock import Clock
from lsncli.engine.events import Event, Notice, Outcome
from lsncli.engine.run import Run, failure
from lsncli.engine.settings import EngineSettings

#: Steps between two looks at the loss for a value that is not finite; each look waits for the device.
DIVERGENCE_CHECK = 200


class Steps(Protocol):
    """Takes the steps of several runs. ``failures`` are the errors of the last step by the run's row.

    ``random`` are the states of torch's generator, one for each run, where the runs must not share it.
    """

    step: int
    random: list[Tensor] | None
    failures: dict[int, Exception]

    def take(self) -> None:
        """One step of all runs; nothing in it waits for the device."""
        ...

    def drop(self, row: int) -> None:
        """Leave a run that has ended out of the steps to come."""
        ...

    def evaluate(self) -> None:
        """Compute what the evaluations of the runs need, where that is faster for all of them at once."""
        ...

    def notice(self) -> str | None:
        """What there is to say of how the steps are taken; once."""
        ...

    def close(self) -> None:
        """Give back what was kept for the steps to come."""
        ...


class Lockstep:
    """Runs that take their steps together; ``active`` are the rows of those that have not ended.

    ``notices`` are what the runs have to say of their checkpoints, and ``how`` goes to their provenance.
    """

    def __init__(
        self,
        runs: Sequence[Run],
        notices: Sequence[str | None],
        steps: Steps,
        settings: EngineSettings,
        stop: Callable[[], bool],
        **how: Any,
    ) -> None:
        self.runs = runs
        self.notices = notices
        self.steps = steps
        self.settings = settings
        self.stop = stop
        self.how = how
        self.train = runs[0].spec.train
        self.active = dict.fromkeys(range(len(runs)))
        self.before = [run.state.seconds for run in runs]
        self.since_evaluation = runs[0].state.steps_since_evaluation
        self.clock = Clock(0.0, self.train.batch_size * len(runs))

    def events(self) -> Iterator[Event]:
        """The events of all runs."""
        for run, notice in zip(self.runs, self.notices, strict=True):
            yield from run.beginning(notice, **self.how)
            run.work.module.train()
        self.clock = Clock(0.0, self.train.batch_size * len(self.runs))
        try:
            yield from self._train()
        except Exception as error:  # noqa: BLE001 - an error of the steps themselves ends every run that is left
            for row in list(self.active):
                yield self._failed(row, error)
        finally:
            self.steps.close()

    def _train(self) -> Iterator[Event]:
        evaluate_at = set(self.runs[0].spec.evaluation_steps())
        last_saved = time.perf_counter()
        while self.active and self.steps.step < self.train.steps:
            self.steps.take()
            self.clock.steps += 1
            if self.steps.failures:
                yield from self._failures()
            self.since_evaluation += 1
            step = self.steps.step
            evaluating, due = step in evaluate_at, self.clock.due()
            looking = evaluating or step % DIVERGENCE_CHECK == 0
            if looking or due:
                yield from self._look(looking, evaluating, due)
            if evaluating:
                self.since_evaluation = 0
                self.clock.restart()
            if not due or step == self.train.steps:
                # A checkpoint after the last step would leave nothing to do for the run that resumes it.
                continue
            if self.stop():
                for row in list(self.active):
                    yield from self._guarded(row, self._interrupted(row))
            elif time.perf_counter() - last_saved > self.settings.checkpoint_seconds:
                for row in list(self.active):
                    yield from self._guarded(row, self._saved(row))
                last_saved = time.perf_counter()

    # -- one run ---------------------------------------------------------------------------------------

    def _look(self, looking: bool, evaluating: bool, due: bool) -> Iterator[Event]:
        """What all runs tell after a step."""
        # Whoever asks for the rate wants that of steps that the device has made, not of those that wait for it.
        self.runs[0].backend.synchronize()
        rate = self.clock.rate()
        notice = self.steps.notice()
        if notice is not None:
            yield from (Notice(self.runs[row].spec.key, notice) for row in self.active)
        if evaluating:
            self.steps.evaluate()
        for row in list(self.active):
            yield from self._guarded(row, self._told(row, looking, evaluating, due, rate))

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
        """Write the checkpoint of a run; only a disk that refuses is told of."""
        run = self._brought_up(row)
        if self.steps.random is not None:
            torch.set_rng_state(self.steps.random[row])
        yield from run.save()

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
        failures = dict(self.steps.failures)
        self.steps.failures.clear()
        for row, error in failures.items():
            yield self._failed(row, error, self.steps.step - 1)

    def _failed(self, row: int, error: Exception, step: int | None = None) -> Event:
        self._drop(row)
        return failure(self.runs[row].spec, error, self.steps.step if step is None else step, self._seconds(row))

    def _drop(self, row: int) -> None:
        self.active.pop(row, None)
        if self.active and self.steps.step < self.train.steps:
            self.steps.drop(row)
