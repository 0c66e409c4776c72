"""What an executor asks before it starts a run: other batches may be training it.

An executor knows nothing of databases; whoever starts the batch gives it a gate, or none.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Protocol

from lsncli.engine.events import Outcome

#: Seconds between two questions about runs that others train.
ASK_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a run may start: it may unless it has ended elsewhere, or somebody trains it."""

    ended: Outcome | None = None
    trained_by: str | None = None

    @property
    def may_start(self) -> bool:
        """Whether the run is ours to train."""
        return self.ended is None and self.trained_by is None


class Gate(Protocol):
    """Lets a batch start the runs that nobody else trains."""

    def admit(self, keys: Collection[str]) -> Mapping[str, Verdict]:
        """Claim the runs ``keys``; the verdict on each. One that may start is ours until it has ended."""
        ...

    def look(self, keys: Collection[str]) -> Mapping[str, Verdict]:
        """What :meth:`admit` would say, without claiming anything."""
        ...

    def lost(self, key: str) -> bool:
        """Whether a run that was ours has become another's, who took us for dead; what it found does not count."""
        ...


class Elsewhere:
    """The runs of a batch that others train, and when to ask about them again."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._who: dict[str, str] = {}
        self._ask_at = 0.0

    def __contains__(self, key: object) -> bool:
        return key in self._who

    def __bool__(self) -> bool:
        return bool(self._who)

    def add(self, key: str, who: str) -> None:
        """Note that ``who`` trains a run."""
        if not self._who:
            self._ask_at = self._clock() + ASK_SECONDS
        self._who[key] = who

    def discard(self, key: str) -> None:
        """Note that nobody else trains a run any more."""
        self._who.pop(key, None)

    def due(self) -> list[str]:
        """The runs to ask about, if it is time to."""
        if not self._who or self._clock() < self._ask_at:
            return []
        self._ask_at = self._clock() + ASK_SECONDS
        return list(self._who)

    def describe(self) -> str:
        """How many runs are waited for, and who trains them."""
        count = len(self._who)
        runs = "1 run that is" if count == 1 else f"{count} runs that are"
        return f"waiting for {runs} trained by {' and '.join(sorted(set(self._who.values())))}"
