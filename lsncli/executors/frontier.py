"""Which runs may start: those whose dependencies are done."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable

from lsncli.backends.interface import Backend
from lsncli.engine.events import Finished, Outcome
from lsncli.engine.replica_kinds import replica_kind
from lsncli.engine.stack_kinds import stack_kind
from lsncli.plan import Plan, PlannedRun, RunSpec


class Frontier:
    """The part of a plan that has not been started, in the plan's order.

    Runs that can be trained together are handed out together: in stacks of at most ``stack`` small runs, or at most
    ``replicas`` others that ``backend`` gains by, in a number that gives each of ``lanes`` workers an equal share.
    """

    def __init__(
        self, plan: Plan, *, stack: int = 1, lanes: int = 1, replicas: int = 1, backend: Backend | None = None
    ) -> None:
        self._waiting: OrderedDict[str, PlannedRun] = OrderedDict((run.key, run) for run in plan)
        self._open = set(self._waiting)
        self._stack, self._lanes = stack, lanes
        self._replicas, self._backend = replicas, backend
        self._sizes: dict[str, int] = {}
        self._kinds: dict[str, str | None] = {}
        self._alone: set[str] = set()

    def __bool__(self) -> bool:
        return bool(self._waiting)

    def take(self) -> PlannedRun | None:
        """The next run that may start, or None while all that are left wait for others."""
        run = next(filter(self._ready, self._waiting.values()), None)
        if run is not None:
            del self._waiting[run.key]
        return run

    def take_stack(self) -> list[PlannedRun]:
        """The next runs that may start, one or several; none while all that are left wait for others."""
        first = self.take()
        if first is None:
            return []
        kind = self._kind(first)
        if kind is None:
            return [first]
        alike = [run for run in self._waiting.values() if self._kind(run) == kind and self._ready(run)]
        most = self._stack if self._stacked(first.spec) else self._replicas
        size = self._sizes.setdefault(kind, even_share(1 + len(alike), most, self._lanes))
        for run in alike[: size - 1]:
            del self._waiting[run.key]
        return [first, *alike[: size - 1]]

    def put_back(self, runs: Iterable[PlannedRun]) -> None:
        """Let ``runs``, which were taken and have not ended, start again: next, and each of them alone."""
        for run in reversed(list(runs)):
            self._waiting[run.key] = run
            self._waiting.move_to_end(run.key, last=False)
            self._alone.add(run.key)

    def _ready(self, run: PlannedRun) -> bool:
        # A dependency outside the plan was done before.
        return not any(d in self._open for d in run.dependencies)

    def _kind(self, run: PlannedRun) -> str | None:
        if run.key in self._alone:
            return None
        if run.key not in self._kinds:
            self._kinds[run.key] = self._kind_of(run.spec)
        return self._kinds[run.key]

    def _kind_of(self, spec: RunSpec) -> str | None:
        if self._stacked(spec):
            return stack_kind(spec)
        if self._replicas > 1 and self._backend is not None:
            return replica_kind(spec, self._backend)
        return None

    def _stacked(self, spec: RunSpec) -> bool:
        return self._stack > 1 and stack_kind(spec) is not None

    def finished(self, key: str, outcome: Outcome) -> list[Finished]:
        """Note that a run ended; returns the ends of the runs that can no longer start because of it.

        Whoever waits for an interrupted run has not failed: both go on when the batch is started again.
        """
        if outcome == "interrupted":
            return []
        self._open.discard(key)
        if outcome == "done":
            return []
        ends = []
        lost: dict[str, Outcome] = {key: outcome}
        # Dependencies come first in a plan, so one pass meets every run after all that it waits for.
        for run in list(self._waiting.values()):
            missing = next((d for d in run.dependencies if d in lost), None)
            if missing is None:
                continue
            del self._waiting[run.key]
            self._open.discard(run.key)
            lost[run.key] = "failed"
            reason = f"it needs run {missing[:10]}, which ended as {lost[missing]}"
            ends.append(Finished(run.key, "failed", 0, 0.0, reason))
        return ends


def even_share(count: int, most: int, lanes: int) -> int:
    """The size of stacks of at most ``most`` runs in which each of ``lanes`` workers gets as many of ``count``.

    120 runs in stacks of at most 32 on 2 workers are 4 stacks of 30: two for each.
    """
    rounds = -(-count // (most * lanes))
    return max(1, -(-count // (rounds * lanes)))
