"""Which runs of a plan a batch trains, and why it leaves the others as they are."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lsncli.engine.events import Finished, Outcome
from lsncli.engine.settings import EngineSettings
from lsncli.plan import Plan

if TYPE_CHECKING:
    from lsncli.store import RunState


@dataclass(frozen=True, slots=True)
class Chosen:
    """What a batch does with the runs of a plan.

    ``pending`` are trained. ``there`` need nothing: they are done, or diverged, which is a result too. ``failed``
    have failed before and are tried again only when somebody asks for it: what failed for a reason fails again, and
    a command that is repeated must not spend hours on it each time. ``blocked`` are the ends of runs that cannot
    start, because a run that they need has failed or diverged. ``weights_only`` are done, and are trained again
    because a pending run needs their weights and these are gone. ``discard`` are those whose results go, ``anew``
    those that do not go on from a checkpoint. ``diverged`` are those of ``there`` that did.
    """

    pending: Plan
    there: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()
    blocked: tuple[Finished, ...] = ()
    weights_only: frozenset[str] = frozenset()
    discard: frozenset[str] = frozenset()
    anew: frozenset[str] = frozenset()
    diverged: tuple[str, ...] = ()


def choose_runs(
    plan: Plan,
    states: Mapping[str, RunState],
    settings: EngineSettings,
    *,
    force: bool = False,
    retry_failed: bool = False,
) -> Chosen:
    """Choose by how the runs stand (``states``); ``force`` trains everything anew, ``retry_failed`` what failed."""
    if force:
        ended = frozenset(key for key, state in states.items() if state.status in ("done", "diverged"))
        return Chosen(plan, discard=ended, anew=frozenset(plan.keys()))
    failed = () if retry_failed else tuple(k for k in plan.keys() if _status(states, k) == "failed")  # noqa: SIM118
    blocked = blocked_runs(plan, states, failed)
    apart = {*failed, *(end.key for end in blocked)}
    there = tuple(key for key in finished_runs(plan, states, settings, apart) if key not in apart)
    pending = plan.without([*there, *apart])
    again = frozenset(run.key for run in pending if _status(states, run.key) == "done")
    diverged = tuple(key for key in there if _status(states, key) == "diverged")
    return Chosen(pending, there, failed, tuple(blocked), again, diverged=diverged)


def blocked_runs(plan: Plan, states: Mapping[str, RunState], failed: Collection[str]) -> list[Finished]:
    """The ends of the runs that would have to wait for one that diverged, or that ``failed`` and stays so."""
    lost: dict[str, Outcome] = dict.fromkeys(failed, "failed")
    ends: list[Finished] = []
    for run in plan:
        status = _status(states, run.key)
        if status == "diverged":
            lost[run.key] = "diverged"
        if run.key in lost or status == "done":
            continue
        missing = next((key for key in run.dependencies if key in lost), None)
        if missing is not None:
            lost[run.key] = "failed"
            advice = "; --retry-failed trains it again" if lost[missing] == "failed" else ""
            reason = f"it needs run {missing[:10]}, which ended as {lost[missing]}{advice}"
            ends.append(Finished(run.key, "failed", 0, 0.0, reason))
    return ends


def finished_runs(
    plan: Plan, states: Mapping[str, RunState], settings: EngineSettings, apart: Collection[str] = ()
) -> list[str]:
    """The runs of the plan that need no training; those ``apart`` are not trained either, and need nothing.

    A run whose results are stored is trained again all the same where another one needs its weights and they
    are gone (removed, or left on the machine that the database came from); its stored results stay.
    """
    ended = {key for key, state in states.items() if state.status in ("done", "diverged")} | set(apart)
    pending = [run for run in plan if run.key not in ended]
    while pending:
        run = pending.pop()
        for key in run.dependencies:
            path = settings.weights_path(key)
            if key in ended and _status(states, key) == "done" and not (path and path.exists()):
                ended.discard(key)
                pending.append(plan[key])
    return [key for key in plan.keys() if key in ended]  # noqa: SIM118 - not a mapping


def _status(states: Mapping[str, RunState], key: str) -> str | None:
    state = states.get(key)
    return None if state is None else state.status
