"""Training: RunSpecs in, a stream of events out."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import ExitStack
from itertools import groupby

import torch

from lsncli.backends.selection import select_backend
from lsncli.engine.events import Event
from lsncli.engine.lockstep import Lockstep
from lsncli.engine.replica_choice import Build, fastest_replicas
from lsncli.engine.replica_kinds import may_share_device
from lsncli.engine.replica_steps import ReplicaSteps
from lsncli.engine.run import Run, failure
from lsncli.engine.settings import EngineSettings
from lsncli.engine.threads import threads_of
from lsncli.plan import RunSpec


def train(spec: RunSpec, settings: EngineSettings, stop: Callable[[], bool] = lambda: False) -> Iterator[Event]:
    """Train ``spec``, or go on from its checkpoint; the last event is always :class:`Finished`.

    An unforeseen error ends the run as ``failed`` with its traceback; it never leaves the generator. When
    ``stop()`` becomes true, the run writes a checkpoint and ends as ``interrupted``.
    """
    return train_replicas([spec], settings, stop)


def train_replicas(
    specs: Sequence[RunSpec],
    settings: EngineSettings,
    stop: Callable[[], bool] = lambda: False,
    replicas: int | None = None,
) -> Iterator[Event]:
    """Train runs of one :func:`~lsncli.engine.replica_kinds.replica_kind`, several of them step by step together.

    ``replicas`` is how many at once; None takes the number that is found to be the fastest. Each run's events are
    those of :func:`train`, and so are its numbers; the events of different runs are interleaved, a run's seconds
    are its share of the time that all took, and its images per second those of all together.
    """
    with ExitStack() as afterwards:
        try:
            backend, device_name = select_backend(settings.device)
            afterwards.callback(backend.release)
            device = backend.prepare(device_name, threads=settings.threads)
        except Exception as error:  # noqa: BLE001 - told of as the end of every run
            yield from (failure(spec, error, 0, 0.0) for spec in specs)
            return

        usual = torch.get_num_threads()
        afterwards.callback(torch.set_num_threads, usual)

        def build(spec: RunSpec, like: Run | None) -> Run:
            return Run(spec, settings, backend, device_name, device, like.work if like else None)

        def threads(spec: RunSpec) -> int:
            return threads_of(spec, settings, backend, usual)

        waiting = list(specs)
        most = 1
        if len(waiting) > 1:
            most = fastest_replicas(waiting, build, backend, replicas)
        while waiting:
            yield from _next_ones(waiting, most, build, threads, settings, stop)


def _next_ones(
    waiting: list[RunSpec],
    most: int,
    build: Build,
    threads: Callable[[RunSpec], int],
    settings: EngineSettings,
    stop: Callable[[], bool],
) -> Iterator[Event]:
    """Train the first of ``waiting``, at most ``most`` of them together, and take them off the list.

    A function of its own, so that nothing refers to these runs any more when the next ones are built: their images
    would be on the device twice.
    """
    ready = yield from _built(waiting, most, build, threads)
    # Runs whose checkpoints are of different steps go on by themselves.
    ready.sort(key=lambda one: one.run.state.step)
    for _, group in groupby(ready, key=lambda one: one.run.state.step):
        yield from _lockstep(list(group), settings, stop).events()


def _built(
    waiting: list[RunSpec], most: int, build: Build, threads: Callable[[RunSpec], int]
) -> Generator[Event, None, list[_Ready]]:
    """Build runs that may take their steps together; the events are the ends of those that cannot be built."""
    ready: list[_Ready] = []
    while waiting and len(ready) < most:
        spec = waiting.pop(0)
        began = time.perf_counter()
        try:
            number = threads(spec)
            if ready and number != torch.get_num_threads():
                waiting.insert(0, spec)
                break
            # Before it is built: what a teacher says of the images, or an estimate, is a sum as well.
            torch.set_num_threads(number)
            run = build(spec, ready[0].run if ready else None)
            one = _Ready(run, run.resume())
        except Exception as error:  # noqa: BLE001 - one run's failure must not end the others
            yield failure(spec, error, 0, time.perf_counter() - began)
            continue
        if ready and not (may_share_device(run) and may_share_device(ready[0].run)):
            waiting.insert(0, spec)
            break
        ready.append(one)
    return ready


class _Ready:
    """A run before its first step, what it has to say of its checkpoint, and its states of the generators."""

    def __init__(self, run: Run, notice: str | None) -> None:
        self.run = run
        self.notice = notice
        self.random = torch.get_rng_state()
        self.of_device = run.backend.random_state()

    def restore_generators(self) -> None:
        """Those of the processor and of the device as they were when the run was ready."""
        torch.set_rng_state(self.random)
        if self.of_device is not None:
            self.run.backend.restore_random_state(self.of_device)


def _lockstep(ready: Sequence[_Ready], settings: EngineSettings, stop: Callable[[], bool]) -> Lockstep:
    runs = [one.run for one in ready]
    if len(runs) == 1:
        # Others may have been built after it.
        ready[0].restore_generators()
    steps = ReplicaSteps(runs, [one.random for one in ready])
    how = {"replicas": len(runs)} if len(runs) > 1 else {}
    return Lockstep(runs, [one.notice for one in ready], steps, settings, stop, **how)
