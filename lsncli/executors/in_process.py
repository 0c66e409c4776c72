"""Trains runs one after another in this process, small ones in stacks."""

from __future__ import annotations

from lsncli.engine.events import Finished
from lsncli.engine.settings import EngineSettings
from lsncli.executors.frontier import Frontier
from lsncli.executors.interface import Control, Emit, Executor, pass_on_ends
from lsncli.plan import Plan


class InProcessExecutor(Executor):
    """One run at a time, with all threads; or one stack of at most ``stack`` runs of a small network."""

    def __init__(self, stack: int = 1) -> None:
        self.stack = stack

    def execute(self, plan: Plan, settings: EngineSettings, emit: Emit, control: Control) -> None:
        """Train the plan in order."""
        from lsncli.engine.stacking import train_stack
        from lsncli.engine.training import train

        def stop() -> bool:
            return control.stopping

        frontier = Frontier(plan, stack=self.stack, gate=control.gate)
        while frontier and not control.stopping:
            runs = frontier.take_stack()
            pass_on_ends(frontier.ends(), emit, control)
            if not runs:
                if not frontier.elsewhere:
                    break
                control.wait(frontier.elsewhere)
                continue
            specs = [run.spec for run in runs]
            # Even a single run: its numbers must not depend on how many others were left to train.
            events = train_stack(specs, settings, stop) if self.stack > 1 else train(specs[0], settings, stop)
            for event in events:
                emit(event)
                if isinstance(event, Finished):
                    pass_on_ends(frontier.finished(event.key, event.status), emit, control)
                    control.note(event)
