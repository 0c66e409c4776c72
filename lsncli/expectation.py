"""How long runs will take, judged by runs of the same kind in the database."""

from __future__ import annotations

from collections.abc import Iterable
from statistics import median
from typing import TYPE_CHECKING, Any

from lsncli.store.location import Location

if TYPE_CHECKING:
    from lsncli.plan import Plan, RunSpec

#: What decides the time of a step: data set, architecture, batch size.
Kind = tuple[str, str, int]


def run_states(plan: Plan, database: str) -> tuple[dict[str, str], dict[Kind, float]]:
    """The state of each run that the database knows, and the seconds per step of each kind of run.

    A run is *running* while somebody who lives has claimed it; one whose process has ended is *interrupted*.
    """
    if not Location.parse(database).exists():
        return {}, {}
    # Only now: a plan without a database does not pay for SQLModel.
    from lsncli.claims import SILENT_SECONDS, Watch
    from lsncli.store import Store

    with Store.open(database, create=False, read_only=True) as store:
        states = {key: state.status for key, state in store.statuses(plan.keys()).items()}
        watch = Watch(SILENT_SECONDS)
        trained = {key for key, entry in store.claims(plan.keys()).items() if not watch.gone(entry)}
        done = store.runs(status="done")
    return (
        {k: "running" if k in trained else "interrupted" if s == "running" else s for k, s in states.items()},
        seconds_per_step((r.spec, r.seconds, r.final_step) for r in done),
    )


def seconds_per_step(runs: Iterable[tuple[dict[str, Any], float | None, int | None]]) -> dict[Kind, float]:
    """The median seconds per step, by kind of run, of ``(plain spec, seconds, steps)``."""
    seen: dict[Kind, list[float]] = {}
    for spec, seconds, steps in runs:
        if seconds and steps:
            batch = spec.get("train", {}).get("batch_size", 128)
            seen.setdefault((spec["data"]["name"], spec["model"]["name"], batch), []).append(seconds / steps)
    return {kind: median(values) for kind, values in seen.items()}


def expected_seconds(spec: RunSpec, history: dict[Kind, float]) -> float | None:
    """The seconds that a run will take, or None where no run of its kind is known."""
    each = history.get((spec.data.name, spec.model.name, spec.train.batch_size))
    return None if each is None else each * spec.train.steps
