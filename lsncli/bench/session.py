"""A real run of the engine that is paused between bursts."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence

import torch

from lsncli.engine.events import Event, Finished, Progress
from lsncli.engine.settings import EngineSettings
from lsncli.engine.training import train
from lsncli.errors import LsnError
from lsncli.plan import RunSpec

#: Gives the events of runs that are trained together.
Training = Callable[[Sequence[RunSpec], EngineSettings], Iterator[Event]]


def one_run(specs: Sequence[RunSpec], settings: EngineSettings) -> Iterator[Event]:
    """The events of a single run."""
    (spec,) = specs
    return train(spec, settings)


class Session:
    """The events of one or more runs are asked for only during a burst; in between nothing is trained.

    This is the path that ``lsn run`` takes: random draws, schedule, progress and the looks at the loss included.
    """

    def __init__(
        self,
        name: str,
        specs: Sequence[RunSpec],
        settings: EngineSettings,
        training: Training = one_run,
    ) -> None:
        self.name = name
        self.batch_size = specs[0].train.batch_size
        self.threads = settings.threads
        self._events = training(specs, settings)
        self._steps = {spec.key: 0 for spec in specs}

    def burst(self, seconds: float) -> float:
        """Images per second, all runs together."""
        # Others in this process use other numbers of threads, and the peer keeps denormal numbers.
        if self.threads is not None:
            torch.set_num_threads(self.threads)
        torch.set_flush_denormal(True)
        before = sum(self._steps.values())
        begin = time.perf_counter()
        while True:
            event = next(self._events, None)
            if event is None or isinstance(event, Finished):
                why = event.error if event is not None else None
                raise LsnError(f"{self.name}: the measured run has ended: {why or 'no reason given'}")
            if isinstance(event, Progress):
                self._steps[event.key] = event.step
                # Runs that are trained together tell their progress one after the other.
                together = len(set(self._steps.values())) == 1
                passed = time.perf_counter() - begin
                if passed >= seconds and together:
                    break
        return (sum(self._steps.values()) - before) * self.batch_size / passed

    def close(self) -> None:
        """Leave the runs as they are; the engine gives back threads and settings."""
        close = getattr(self._events, "close", None)
        if close is not None:
            close()
