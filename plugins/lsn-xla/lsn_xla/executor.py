"""Trains a run at a time on every core of a TPU, in processes that ``torch_xla.launch`` starts."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection, wait

from lsncli.engine.events import Event, Finished, Measured, Outcome, Progress, Started
from lsncli.engine.settings import EngineSettings
from lsncli.executors.frontier import Frontier
from lsncli.executors.interface import Control, Emit, Executor, emit_all
from lsncli.plan import Plan, PlannedRun

from lsn_xla.launched import Launched

#: How long nobody looks whether the launcher still runs, another worker has come or the batch is to be stopped.
LOOK_SECONDS = 0.2
#: Events that are passed on at once.
MOST_EVENTS = 1000


class LaunchExecutor(Executor):
    """As many runs at once as there are cores; on which of them a run is trained changes nothing about it."""

    def execute(self, plan: Plan, settings: EngineSettings, emit: Emit, control: Control) -> None:
        """Train the plan.

        When one worker dies, torch_xla ends all of them, and nobody knows which run is to blame. They are started
        anew, and the runs that were in training go on from their checkpoints one at a time; one during which the
        workers die when it is trained alone has failed.
        """
        settings = replace(settings, device="xla", threads=settings.threads or 1)
        batch = _Batch(Frontier(plan), settings, emit, control)
        while batch.frontier and not control.stopping:
            with Launched() as launched:
                batch.train(launched)


@dataclass(slots=True)
class _Core:
    """Our end of the connection to a worker, the run that it trains and the step that this has reached."""

    connection: Connection
    run: PlannedRun | None = None
    step: int = 0
    since: float = 0.0
    asked_to_stop: bool = False


class _Batch:
    """The runs of a plan and the workers that train them; ``suspects`` are trained one at a time."""

    def __init__(self, frontier: Frontier, settings: EngineSettings, emit: Emit, control: Control) -> None:
        self.frontier = frontier
        self.settings = settings
        self.emit = emit
        self.control = control
        self.suspects: set[str] = set()
        self.cores: list[_Core] = []

    def train(self, launched: Launched) -> None:
        """Train until nothing is left to do, or the batch was stopped, or the workers have died."""
        self.cores = []
        try:
            while self._goes_on(launched):
                busy = [core for core in self.cores if core.run]
                if self.control.stopping:
                    _ask_to_stop(busy)
                if not busy:
                    time.sleep(LOOK_SECONDS)
                    continue
                for ready in wait([core.connection for core in busy], timeout=LOOK_SECONDS):
                    if not self._receive(next(core for core in busy if core.connection is ready)):
                        self._died(launched)
                        return
        finally:
            for core in self.cores:
                core.connection.close()

    def _goes_on(self, launched: Launched) -> bool:
        """Give the idle workers runs; False if nobody trains and nothing is left that could be begun."""
        for connection in launched.arrived():
            connection.send(self.settings)
            self.cores.append(_Core(connection))
        for core in self.cores:
            alone = self.suspects and any(other.run for other in self.cores)
            if not core.run and not self.control.stopping and not alone:
                self._begin(core, self.frontier.take())
        if any(core.run for core in self.cores):
            return True
        if launched.process.poll() is None:
            return not self.cores and not self.control.stopping
        self._died(launched)
        return False

    def _begin(self, core: _Core, run: PlannedRun | None) -> None:
        if run is None:
            return
        core.run, core.step, core.since = run, 0, time.perf_counter()
        # A worker that dies at this very moment is noticed when its answer is waited for.
        with suppress(ConnectionError):
            core.connection.send(run.spec.model_dump(mode="json"))

    def _receive(self, core: _Core) -> bool:
        """Pass on what a worker has told; False if it has ended."""
        events: list[Event] = []
        alive = True
        try:
            events.append(core.connection.recv())
            while len(events) < MOST_EVENTS and core.connection.poll():
                events.append(core.connection.recv())
        except (EOFError, ConnectionError):
            alive = False
        passed_on: list[Event] = []
        for event in events:
            passed_on.append(event)
            match event:
                case Started():
                    core.step = event.resumed_from
                case Progress() | Measured():
                    core.step = max(core.step, event.step)
                case Finished():
                    core.run = None
                    passed_on += self._ended(event)
        if passed_on:
            emit_all(self.emit, passed_on)
        return alive

    def _ended(self, end: Finished) -> list[Finished]:
        """Note that a run has ended; returns the ends of those that waited for it in vain."""
        self.suspects.discard(end.key)
        if end.status == "failed" and self.control.fail_fast:
            self.control.stop()
        return self.frontier.finished(end.key, end.status)

    def _died(self, launched: Launched) -> None:
        """The workers have ended, whoever was the first of them: decide what becomes of their runs."""
        reason = launched.last_words()
        training = [core.run for core in self.cores if core.run]
        if self.control.stopping:
            self._end(self.cores, "interrupted", reason)
        elif len(training) == 1:
            self._end(self.cores, "failed", reason)
        elif training:
            self.suspects.update(run.key for run in training)
            self.frontier.put_back(training)
        else:
            # They end by themselves, whatever they are given.
            while run := self.frontier.take():
                end = Finished(run.key, "failed", 0, 0.0, reason)
                emit_all(self.emit, [end, *self._ended(end)])

    def _end(self, cores: list[_Core], outcome: Outcome, reason: str) -> None:
        for core in cores:
            if core.run is not None:
                end = Finished(core.run.key, outcome, core.step, time.perf_counter() - core.since, reason)
                core.run = None
                emit_all(self.emit, [end, *self._ended(end)])


def _ask_to_stop(cores: list[_Core]) -> None:
    for core in cores:
        if not core.asked_to_stop:
            core.asked_to_stop = True
            with suppress(ConnectionError):
                core.connection.send(None)
