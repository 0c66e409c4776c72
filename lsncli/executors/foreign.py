"""Runs a plugin's executor, and tells whose fault it is where its own code fails."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lsncli.blame import blamed
from lsncli.engine.events import Event
from lsncli.engine.settings import EngineSettings
from lsncli.errors import LsnError
from lsncli.executors.interface import Control, Emit, Executor, emit_all
from lsncli.plan import Plan
from lsncli.registry import Registered


@dataclass(slots=True)
class ForeignExecutor(Executor):
    """``executor`` of the distribution that ``registered`` names."""

    executor: Executor
    registered: Registered

    def execute(self, plan: Plan, settings: EngineSettings, emit: Emit, control: Control) -> None:
        """As the executor does it; raises :class:`LsnError` in place of what its code raises."""
        watched = _Watched(emit)
        try:
            with blamed(self.registered, "--executor"):
                self.executor.execute(plan, settings, watched, control)
        except LsnError:
            if watched.error is not None:
                raise watched.error from None
            raise


class _Watched:
    """Passes events on, and remembers what whoever stores them has raised: that is not the executor's fault."""

    def __init__(self, emit: Emit) -> None:
        self.emit = emit
        self.error: Exception | None = None

    def __call__(self, event: Event) -> Event | None:
        try:
            return self.emit(event)
        except Exception as error:
            self.error = error
            raise

    def together(self, events: Sequence[Event]) -> Sequence[Event]:
        """Several at once, as :func:`~lsncli.executors.interface.emit_all` has them."""
        try:
            return emit_all(self.emit, events)
        except Exception as error:
            self.error = error
            raise
