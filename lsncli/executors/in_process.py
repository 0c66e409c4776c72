"""Trains runs in this process: one after another, or together where that is faster."""

from __future__ import annotations

from lsncli.backends.selection import select_backend
from lsncli.engine.events import Finished
from lsncli.engine.settings import EngineSettings
from lsncli.executors.frontier import Frontier
from lsncli.executors.interface import Control, Emit, Executor, pass_on_ends
from lsncli.plan import Plan


class InProcessExecutor(Executor):
    """One run at a time, with all threads; or runs that gain by it together.

    Those are at most ``stack`` runs of a small network, and ``replicas`` of a larger one (None: as many as are the
    fastest) where the device works on several at once, or they ask one teacher.
    """

    def __init__(self, stack: int = 1, replicas: int | None = 1) -> None:
        self.stack = stack
        self.replicas = replicas

    def execute(self, plan: Plan, settings: EngineSettings, emit: Emit, control: Control) -> None:
        """Train the plan in order."""
        from lsncli.engine.replica_choice import MOST
        from lsncli.engine.together import train_together

        def stop() -> bool:
            return control.stopping

        backend, _ = select_backend(settings.device)
        most = self.replicas or MOST
        frontier = Frontier(plan, stack=self.stack, replicas=most, backend=backend, gate=control.gate)
        while frontier and not control.stopping:
            runs = frontier.take_stack()
            pass_on_ends(frontier.ends(), emit, control)
            if not runs:
                if not frontier.elsewhere:
                    break
                control.wait(frontier.elsewhere)
                continue
            specs = [run.spec for run in runs]
            for event in train_together(specs, settings, stop, stacking=self.stack > 1, replicas=self.replicas):
                event = emit(event) or event
                if isinstance(event, Finished):
                    pass_on_ends(frontier.finished(event.key, event.status), emit, control)
                    control.note(event)
