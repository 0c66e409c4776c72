"""Which runs may start: those whose dependencies are done, and that nobody else trains."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable

from lsncli.backends.interface import Backend
from lsncli.engine.events import Finished, Outcome
from lsncli.engine.replica_kinds import replica_kind
from lsncli.engine.stack_kinds import stack_kind
from lsncli.executors.gate import Elsewhere, Gate, Verdict
from lsncli.plan import Plan, PlannedRun, RunSpec


class Frontier:
    """The part of a plan that has not been started, in the plan's order.

    Runs that can be trained together are handed out together: in stacks of at most ``stack`` small runs, or at most
    ``replicas`` others that ``backend`` gains by, in a number that gives each of ``lanes`` workers an equal share.
    With a ``gate``, only runs that it admits are handed out; those that others train are ``elsewhere`` and are
    asked about again from time to time.
    """

    def __init__(
        self,
        plan: Plan,
        *,
        stack: int = 1,
        lanes: int = 1,
        replicas: int = 1,
        backend: Backend | None = None,
        gate: Gate | None = None,
    ) -> None:
        self._waiting: OrderedDict[str, PlannedRun] = OrderedDict((run.key, run) for run in plan)
        self._open = set(self._waiting)
        self._stack, self._lanes = stack, lanes
        self._replicas, self._backend = replicas, backend
        self._sizes: dict[str, int] = {}
        self._kinds: dict[str, str | None] = {}
        self._alone: set[str] = set()
        self._plan = plan
        self._gate = gate
        self._ends: list[Finished] = []
        self.elsewhere = Elsewhere()

    def __bool__(self) -> bool:
        return bool(self._waiting)

    def take(self) -> PlannedRun | None:
        """The next run that may start, or None while all that are left wait for others."""
        return next(iter(self._admitted(self._next_alone)), None)

    def take_stack(self) -> list[PlannedRun]:
        """The next runs that may start: one or several; none while all that are left wait for others."""
        return self._admitted(self._next_stack)

    def put_back(self, runs: Iterable[PlannedRun]) -> None:
        """Let ``runs``, which were taken and have not ended, start again: next, and each of them alone."""
        for run in reversed(list(runs)):
            self._wait_again(run)
            self._alone.add(run.key)

    def ends(self) -> list[Finished]:
        """The ends of runs that came to light since the last call: trained elsewhere, or in vain to wait for."""
        found, self._ends = self._ends, []
        return found

    # -- who is next -----------------------------------------------------------------------------------

    def _next_alone(self) -> list[PlannedRun]:
        run = next(filter(self._ready, self._waiting.values()), None)
        return [] if run is None else [run]

    def _next_stack(self) -> list[PlannedRun]:
        first = next(filter(self._ready, self._waiting.values()), None)
        if first is None:
            return []
        kind = self._kind(first)
        if kind is None:
            return [first]
        alike = [run for run in self._waiting.values() if self._kind(run) == kind and self._ready(run)]
        most = self._stack if self._stacked(first.spec) else self._replicas
        size = self._sizes.setdefault(kind, even_share(len(alike), most, self._lanes))
        return alike[:size]

    def _ready(self, run: PlannedRun) -> bool:
        # A dependency outside the plan was done before.
        return run.key not in self.elsewhere and not any(d in self._open for d in run.dependencies)

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

    # -- the gate --------------------------------------------------------------------------------------

    def _admitted(self, choose: Callable[[], list[PlannedRun]]) -> list[PlannedRun]:
        """The next runs by ``choose`` that are ours to start; those that are not give way to others."""
        self._ask_again()
        while runs := choose():
            verdicts = {} if self._gate is None else self._gate.admit([run.key for run in runs])
            ours = [run for run in runs if self._judged(run.key, verdicts.get(run.key, Verdict()))]
            for run in ours:
                del self._waiting[run.key]
            if ours:
                return ours
        return []

    def _ask_again(self) -> None:
        due = self.elsewhere.due()
        if self._gate is None or not due:
            return
        for key, verdict in self._gate.look(due).items():
            if verdict.may_start:
                self.elsewhere.discard(key)
            else:
                self._judged(key, verdict)

    def _judged(self, key: str, verdict: Verdict) -> bool:
        """Whether a run may start; note what stands in its way."""
        if verdict.trained_by is not None:
            self.elsewhere.add(key, verdict.trained_by)
        elif verdict.ended is not None:
            self.elsewhere.discard(key)
            del self._waiting[key]
            self._ends.append(Finished(key, verdict.ended, 0, 0.0, elsewhere=True))
            # Lost or not: that one has ended, whoever trained it, and there is nothing left to wait for.
            self._ends += self._ended(key, verdict.ended)
        return verdict.may_start

    # -- ends ------------------------------------------------------------------------------------------

    def finished(self, key: str, outcome: Outcome) -> list[Finished]:
        """Note that a run ended; returns the ends of the runs that can no longer start because of it.

        Whoever waits for an interrupted run has not failed: both go on when the batch is started again. A run
        that another one has taken over meanwhile has not ended: it waits for that one.
        """
        if self._gate is not None and self._gate.lost(key):
            self._wait_again(self._plan[key])
            return []
        return self._ended(key, outcome)

    def _ended(self, key: str, outcome: Outcome) -> list[Finished]:
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

    def _wait_again(self, run: PlannedRun) -> None:
        self._waiting[run.key] = run
        self._waiting.move_to_end(run.key, last=False)


def even_share(count: int, most: int, lanes: int) -> int:
    """The size of stacks of at most ``most`` runs in which each of ``lanes`` workers gets as many of ``count``.

    120 runs in stacks of at most 32 on 2 workers are 4 stacks of 30: two for each.
    """
    rounds = -(-count // (most * lanes))
    return max(1, -(-count // (rounds * lanes)))
