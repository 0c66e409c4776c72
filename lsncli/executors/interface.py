"""What an executor is."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from lsncli.engine.events import Event, Finished
from lsncli.engine.settings import EngineSettings
from lsncli.executors.gate import Elsewhere, Gate
from lsncli.plan import Plan

#: Takes an event, and may return the one that counts in its place: the end of a run that could not be stored as it
#: was told. None: it counts as it is.
Emit = Callable[[Event], Event | None]

#: How long one wait for other batches takes; after it, a signal to stop is looked for.
WAIT_SECONDS = 0.2


def _say_nothing(text: str) -> None:
    pass


def emit_all(emit: Emit, events: Sequence[Event]) -> Sequence[Event]:
    """Pass on ``events`` in their order: at once where ``emit`` has a method ``together`` that takes several.

    It may store them in one go, where storing each would wait for the disk. Returns the events that count.
    """
    together: Callable[[Sequence[Event]], Sequence[Event] | None] | None = getattr(emit, "together", None)
    if together is not None:
        return together(events) or events
    return [emit(event) or event for event in events]


@dataclass(slots=True)
class Control:
    """How a running batch is stopped from outside. ``fail_fast``: one failed run stops the rest.
    ``interrupted`` tells that it was a person who stopped it. ``gate`` is asked before a run is started, and
    ``tell`` hears what is worth a line about the whole batch."""

    fail_fast: bool = False
    stopping: bool = False
    interrupted: bool = False
    gate: Gate | None = None
    tell: Callable[[str], None] = _say_nothing
    _told: str = ""

    def stop(self) -> None:
        """Ask every run to write a checkpoint and end; no new one is started."""
        self.stopping = True

    def note(self, end: Finished) -> None:
        """Stop the batch where the end of a run is a reason to."""
        if end.status == "failed" and self.fail_fast:
            self.stop()

    def wait(self, elsewhere: Elsewhere) -> None:
        """Wait a moment for runs that others train; say so whenever it is something new."""
        words = elsewhere.describe()
        if words != self._told:
            self._told = words
            self.tell(words)
        time.sleep(WAIT_SECONDS)


def pass_on_ends(ends: Sequence[Finished], emit: Emit, control: Control) -> None:
    """Pass on ends that no worker has told: of runs trained elsewhere, or that wait in vain."""
    if ends:
        emit_all(emit, ends)
    for end in ends:
        if end.elsewhere:
            control.note(end)


class Executor(ABC):
    """Trains the runs of a plan, dependencies first, and passes their events on.

    Every run of the plan ends with exactly one ``Finished`` event, unless ``control`` stopped the batch
    before the run was started. A run is started only if the gate of ``control`` admits it
    (:class:`~lsncli.executors.frontier.Frontier` asks); one that is started without asking is trained in vain where
    another batch trains it.
    """

    @abstractmethod
    def execute(self, plan: Plan, settings: EngineSettings, emit: Emit, control: Control) -> None:
        """Train all of ``plan``; return when nothing is left to do or the batch was stopped."""
