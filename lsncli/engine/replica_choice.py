"""How many runs should take their steps together: the choices are timed for a moment, and the fastest is taken."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence

from lsncli.backends.interface import Backend
from lsncli.engine.replica_kinds import may_share_device
from lsncli.engine.replica_steps import ReplicaSteps
from lsncli.engine.run import Run
from lsncli.plan import RunSpec

Build = Callable[[RunSpec, Run | None], Run]

#: The most runs that are tried together, and that students of one teacher are.
MOST = 16
#: Steps before the timing, in which libraries choose their kernels and the step is recorded.
WARM_UP = 6
#: How long a choice is timed, in seconds, and after how many steps the clock is looked at.
SECONDS = 0.4
STEPS = 10


def fastest_replicas(
    specs: Sequence[RunSpec], build: Build, backend: Backend, asked: int | None, most: int = MOST
) -> int:
    """How many of ``specs``, which are of one kind, take their steps together.

    ``asked`` where somebody has said it. Where the device does one thing at a time, as many as there are: they are
    of one kind because they share something. Else :func:`candidates` are timed.
    """
    if asked is not None:
        return asked
    count = min(len(specs), most)
    if not backend.parallel:
        return count
    rates: dict[int, float] = {}
    for replicas in candidates(count):
        rate = _measured(specs[:replicas], build, backend)
        if rate is None:
            break
        rates[replicas] = rate
        if rate < 0.9 * max(rates.values()):
            # More branches than the device has room for: it only gets worse.
            break
    return fastest(rates)


def candidates(count: int) -> Iterator[int]:
    """1, 2, 4, … and ``count``: rising numbers up to it."""
    replicas = 1
    while replicas < count:
        yield replicas
        replicas *= 2
    yield count


def fastest(rates: dict[int, float]) -> int:
    """The number of replicas with the most steps per second in all; 1 where nothing could be measured."""
    return max(rates, key=lambda replicas: rates[replicas], default=1)


def _measured(specs: Sequence[RunSpec], build: Build, backend: Backend) -> float | None:
    """Steps per second of all runs together; None where there is no room for them, or they do not fit together.

    The runs are built for this alone: what they learn here is forgotten.
    """
    runs: list[Run] = []
    steps: ReplicaSteps | None = None
    try:
        for spec in specs:
            runs.append(build(spec, runs[0] if runs else None))
            if len(specs) > 1 and not may_share_device(runs[-1]):
                return None
            runs[-1].work.module.train()
        steps = ReplicaSteps(runs)
        for _ in range(WARM_UP):
            _take(steps)
        backend.synchronize()
        begin, taken = time.perf_counter(), 0
        while time.perf_counter() - begin < SECONDS:
            for _ in range(STEPS):
                _take(steps)
            backend.synchronize()
            taken += STEPS
        return taken * len(runs) / (time.perf_counter() - begin)
    except Exception:  # noqa: BLE001 - out of memory; and of what else is wrong, the training will tell
        return None
    finally:
        if steps is not None:
            steps.close()
            # Their tracebacks lead back to the runs, whose images would stay on the device.
            steps.failures.clear()
        runs.clear()


def _take(steps: ReplicaSteps) -> None:
    """One step; where the steps themselves go on without a run that has failed, this is its error."""
    steps.take()
    if steps.failures:
        raise next(iter(steps.failures.values()))
