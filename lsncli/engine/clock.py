"""What time a run has taken, and when its progress is due to be told."""

from __future__ import annotations

import time

#: Seconds between two reports of progress, which are also the moments at which a run can be stopped.
PROGRESS_SECONDS = 0.5


class Clock:
    """Time spent in all, and images per second since the last evaluation, evaluations left out."""

    def __init__(self, before: float, batch_size: int) -> None:
        self.before = before
        self.batch_size = batch_size
        self.begin = self.since = self.told = time.perf_counter()
        self.steps = 0

    def seconds(self) -> float:
        """Seconds in all, those before the run was resumed included."""
        return self.before + time.perf_counter() - self.begin

    def rate(self) -> float:
        """Images per second since the last evaluation."""
        return self.steps * self.batch_size / max(1e-9, time.perf_counter() - self.since)

    def restart(self) -> None:
        """Begin to measure the rate anew, after an evaluation."""
        self.since = time.perf_counter()
        self.steps = 0

    def due(self) -> bool:
        """Whether progress should be told again."""
        now = time.perf_counter()
        if now - self.told < PROGRESS_SECONDS:
            return False
        self.told = now
        return True
