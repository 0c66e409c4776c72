"""Trains several runs at once in worker processes, each of which trains one run, or several together.

Where the backend has several devices, the workers have them in turn, and a run stays on the one on which it began.

The workers are forked from a server process that has imported torch once and computed nothing, so that a
worker costs milliseconds and this process need not import torch. Only this process writes results.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field, replace
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any

from lsncli.backends.selection import select_devices
from lsncli.engine.events import Event, Finished, Measured, Outcome, Progress, Started
from lsncli.engine.settings import EngineSettings
from lsncli.executors.frontier import Frontier
from lsncli.executors.interface import Control, Emit, Executor, emit_all, pass_on_ends
from lsncli.executors.worker import STOP, work
from lsncli.plan import Plan

#: How long a worker may take to stop at a step after its connection was closed.
STOP_SECONDS = 60.0
#: The most runs that a worker trains together, where nobody says otherwise: on a GPU, or students of one teacher.
MOST_TOGETHER = 16
#: Events that are passed on at once.
MOST_EVENTS = 1000


@dataclass(slots=True)
class _Worker:
    """A process, our end of its connection, and the runs that it trains with the steps that they have reached.

    ``settings`` name its device, where there are several.
    """

    process: BaseProcess
    connection: Connection
    settings: EngineSettings
    running: dict[str, int] = field(default_factory=dict)
    together: bool = False
    asked_to_stop: bool = False
    since: float = 0.0


class ProcessExecutor(Executor):
    """``workers`` runs, or groups of runs that gain by being trained together, at once.

    What ``stack`` and ``replicas`` are: :class:`~lsncli.executors.in_process.InProcessExecutor`. Each worker has
    ``threads``: an equal share of the cores, however few runs there are. Numbers depend on it, and must not depend
    on how much of a batch was left when it was started again.
    """

    def __init__(self, workers: int | None = None, stack: int = 1, replicas: int | None = 1) -> None:
        self.workers = workers or usable_cores()
        self.threads = max(1, usable_cores() // self.workers)
        self.stack = stack
        self.replicas = replicas
        methods = multiprocessing.get_all_start_methods()
        self._context: Any = multiprocessing.get_context("forkserver" if "forkserver" in methods else "spawn")
        if "forkserver" in methods:
            self._context.set_forkserver_preload(["lsncli.executors.worker_imports"])
            self._served = True
        else:
            self._served = False

    def execute(self, plan: Plan, settings: EngineSettings, emit: Emit, control: Control) -> None:
        """Train the plan; a worker that dies fails its run alone, and another takes its place and its device.

        Where it trained several, nobody knows which run is to blame: they are trained again one by one.
        """
        count = min(self.workers, len(plan))
        backend, devices = select_devices(settings.device)
        # A single one is left to be chosen by the workers, as it was here.
        places = [replace(settings, device=device) for device in devices] if len(devices) > 1 else [settings]
        most = MOST_TOGETHER if self.replicas is None else self.replicas
        frontier = Frontier(plan, stack=self.stack, lanes=count, replicas=most, backend=backend, gate=control.gate)
        pool: list[_Worker] = []
        try:
            try:
                if self._served:
                    _ready_to_fork()
                pool.extend(self._start(places[number % len(places)]) for number in range(count))
            except (EOFError, ConnectionError):
                # The signal that stops this process has ended the one that it would fork its workers from.
                if not control.stopping:
                    raise
            while True:
                self._feed(pool, frontier, control)
                pass_on_ends(frontier.ends(), emit, control)
                running = [worker for worker in pool if worker.running]
                if not running:
                    if control.stopping or not frontier.elsewhere:
                        break
                    control.wait(frontier.elsewhere)
                    continue
                if control.stopping:
                    _ask_to_stop(running)
                # A time limit, so that a stop asked for by a signal is passed on soon.
                for ready in wait([worker.connection for worker in running], timeout=0.2):
                    worker = next(w for w in running if w.connection is ready)
                    self._receive(worker, plan, frontier, emit, control)
        except KeyboardInterrupt:
            # The second Ctrl-C: nobody wants to wait. Checkpoints are whole at any moment.
            for worker in pool:
                worker.process.terminate()
            raise
        finally:
            # All connections first: workers that still train hear of it at the same time.
            for worker in pool:
                worker.connection.close()
            for worker in pool:
                _end(worker)

    def _start(self, settings: EngineSettings) -> _Worker:
        ours, theirs = self._context.Pipe()
        process = self._context.Process(
            target=work, args=(theirs, settings, self.threads, self.stack > 1, self.replicas), daemon=True
        )
        process.start()
        theirs.close()
        return _Worker(process, ours, settings)

    def _feed(self, pool: list[_Worker], frontier: Frontier, control: Control) -> None:
        """Give every idle worker runs; one that died is replaced."""
        for position, worker in enumerate(pool):
            if worker.running or control.stopping:
                continue
            runs = frontier.take_stack()
            if not runs:
                return
            if not worker.process.is_alive():
                worker.connection.close()
                worker = pool[position] = self._start(worker.settings)
            worker.running, worker.since = dict.fromkeys((run.key for run in runs), 0), time.perf_counter()
            worker.together = len(runs) > 1
            # One that dies at this very moment is noticed when its answer is waited for.
            with suppress(ConnectionError):
                worker.connection.send([run.spec.model_dump(mode="json") for run in runs])

    @staticmethod
    def _receive(worker: _Worker, plan: Plan, frontier: Frontier, emit: Emit, control: Control) -> None:
        """Pass on what a worker has told; the end of the worker is the end of its runs."""
        events = _told(worker.connection)
        if not events:
            _end(worker)
            if worker.together and not control.stopping:
                frontier.put_back(plan[key] for key in worker.running)
                worker.running = {}
                return
            events = _ends_with(worker, control.stopping)
        # First of all they are stored: only then are the files of a run that is done where its students look.
        ends: list[Finished] = []
        for event in emit_all(emit, events):
            match event:
                case Started():
                    worker.running[event.key] = event.resumed_from
                case Progress() | Measured():
                    worker.running[event.key] = max(worker.running[event.key], event.step)
                case Finished():
                    del worker.running[event.key]
                    ends += frontier.finished(event.key, event.status)
                    control.note(event)
        pass_on_ends(ends, emit, control)


def _ready_to_fork() -> None:
    """Start the process that workers are forked from, deaf to Ctrl-C: it imports for seconds, and would die of it.

    What it is to ignore it inherits, and a process's signals are its main thread's.
    """
    if threading.current_thread() is not threading.main_thread():
        return
    from multiprocessing import forkserver

    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        forkserver.ensure_running()
    finally:
        signal.signal(signal.SIGINT, before if before is not None else signal.SIG_DFL)


def _told(connection: Connection) -> list[Event]:
    """The events that wait to be read, at least one; none if the worker has ended.

    Small runs tell more in a moment than can be stored one by one.
    """
    events: list[Event] = []
    # A worker that ends in between is met again at the next call. One that is killed in the middle of a message
    # leaves a plain OSError.
    with suppress(EOFError, OSError):
        events.append(connection.recv())
        while len(events) < MOST_EVENTS and connection.poll():
            events.append(connection.recv())
    return events


def _ends_with(worker: _Worker, stopping: bool) -> list[Event]:
    """The ends of the runs of a worker that has ended.

    One that a signal to all our processes has ended was stopped, as it would have been asked to.
    """
    status: Outcome = "interrupted" if stopping else "failed"
    spent, how = time.perf_counter() - worker.since, _how_it_ended(worker.process.exitcode)
    return [Finished(key, status, step, spent, how) for key, step in worker.running.items()]


def _ask_to_stop(workers: list[_Worker]) -> None:
    for worker in workers:
        if not worker.asked_to_stop:
            worker.asked_to_stop = True
            with suppress(ConnectionError):
                worker.connection.send(STOP)


def _how_it_ended(exitcode: int | None) -> str:
    if exitcode is not None and exitcode < 0:
        name = signal.Signals(-exitcode).name if -exitcode in set(signal.Signals) else f"signal {-exitcode}"
        reason = " (out of memory?)" if name == "SIGKILL" else ""
        return f"the worker process was ended by {name}{reason}"
    return f"the worker process ended with exit code {exitcode}"


def usable_cores() -> int:
    """The cores that this process may run on."""
    try:
        return max(1, len(os.sched_getaffinity(0)))
    except AttributeError:
        return max(1, os.cpu_count() or 1)


def _end(worker: _Worker) -> None:
    worker.process.join(STOP_SECONDS if worker.running else 5)
    if worker.process.is_alive():
        worker.process.terminate()
        worker.process.join(5)
