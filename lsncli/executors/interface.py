"""What an executor is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from lsncli.engine.events import Event
from lsncli.engine.settings import EngineSettings
from lsncli.plan import Plan

Emit = Callable[[Event], None]


def emit_all(emit: Emit, events: Sequence[Event]) -> None:
    """Pass on ``events`` in their order: at once where ``emit`` has a method ``together`` that takes several.

    It may store them in one go, where storing each would wait for the disk.
    """
    together: Callable[[Sequence[Event]], None] | None = getattr(emit, "together", None)
    if together is not None:
        together(events)
        return
    for event in events:
        emit(event)


@dataclass(slots=True)
class Control:
    """How a running batch is stopped from outside. ``fail_fast``: one failed run stops the rest.
    ``interrupted`` tells that it was a person who stopped it."""

    fail_fast: bool = False
    stopping: bool = False
    interrupted: bool = False

    def stop(self) -> None:
        """Ask every run to write a checkpoint and end; no new one is started."""
        self.stopping = True


class Executor(ABC):
    """Trains the runs of a plan, dependencies first, and passes their events on.

    Every run of the plan ends with exactly one ``Finished`` event, unless ``control`` stopped the batch
    before the run was started.
    """

    @abstractmethod
    def execute(self, plan: Plan, settings: EngineSettings, emit: Emit, control: Control) -> None:
        """Train all of ``plan``; return when nothing is left to do or the batch was stopped."""
