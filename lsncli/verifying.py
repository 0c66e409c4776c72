"""Trains a stored run again, as it was trained, and compares; nothing of the stored run changes.

What must come out is in ``docs/determinism.md``: the same numbers to the bit where the run is trained in the same
way on the same kind of processor, and numbers that differ by rounding elsewhere.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from lsncli.backends.selection import select_backend, select_precision
from lsncli.engine.events import Event, Finished, Measured, Recorded, Started
from lsncli.engine.settings import EngineSettings
from lsncli.errors import LsnError
from lsncli.plan import Plan, PlannedRun, RunSpec
from lsncli.verifying_numbers import Difference, Likeness, compare_arrays, compare_metrics, compare_weights, worst

if TYPE_CHECKING:
    from lsncli.store import Store

#: Parts of the provenance that do not say how a run was trained.
ASIDE = ("command", "device_index", "parameters", "seeds", "stack")


@dataclass(frozen=True, slots=True)
class Verification:
    """What came of training a run again.

    ``verdict`` is the worst of ``weights`` (``missing`` where the stored ones are gone), ``metrics`` and the
    arrays, or ``failed`` with its ``error``. ``largest`` is the largest difference of a number. ``provenance`` is
    what was different about the training: name → (then, now).
    """

    key: str
    verdict: Likeness | Literal["failed"]
    weights: Likeness | Literal["missing"] = "missing"
    metrics: Likeness = "identical"
    largest: Difference | None = None
    arrays: tuple[str, ...] = ()
    provenance: Mapping[str, tuple[Any, Any]] = field(default_factory=dict)
    error: str | None = None

    def plain(self) -> dict[str, Any]:
        """Plain data, for JSON."""
        return {**asdict(self), "provenance": {k: {"then": a, "now": b} for k, (a, b) in self.provenance.items()}}


def verify(
    store: Store,
    key: str,
    settings: EngineSettings,
    *,
    tolerance: float = 1e-3,
    listener: Callable[[Event], None] = lambda event: None,
) -> Verification:
    """Train the run ``key`` again in a temporary folder, and compare weights, metrics and arrays.

    ``settings.checkpoint_dir`` is where the stored weights are. Device, precision and threads that ``settings``
    leave open are those that the run's provenance names. Raises :class:`LsnError` for a run that has no results.
    """
    spec = stored_spec(store, key)
    with tempfile.TemporaryDirectory(prefix="lsn-verify-") as folder:
        for run, weights in what_it_takes(spec, settings):
            again = _settings_of(store, run.key, replace(settings, checkpoint_dir=Path(folder)))
            if weights is not None:
                target = again.weights_path(run.key)
                assert target is not None
                target.parent.mkdir(parents=True)
                shutil.copyfile(weights, target)
                continue
            events = _train(run.spec, again, _in_a_stack(store, run.key), listener)
            end = events[-1]
            assert isinstance(end, Finished)
            if run.key != key and end.status != "done":
                return Verification(key, "failed", error=f"run {run.key[:10]}, which it needs, {end.error}")
        return _compared(store, key, events, settings, again, tolerance)


def what_it_takes(spec: RunSpec, settings: EngineSettings) -> list[tuple[PlannedRun, Path | None]]:
    """The run itself and those that training it again takes, dependencies first, each with its stored weights.

    None where it is to be trained: the run itself, and what has no weights. Behind weights that are there nothing
    is needed.
    """
    plan = Plan.of([spec])
    found: list[tuple[PlannedRun, Path | None]] = []
    needed = {spec.key}
    # From the run back to what it needs: in a plan, dependencies come first.
    for run in reversed(list(plan)):
        if run.key not in needed:
            continue
        path = settings.weights_path(run.key)
        weights = path if run.key != spec.key and path is not None and path.exists() else None
        found.append((run, weights))
        if weights is None:
            needed.update(run.dependencies)
    return found[::-1]


def check_way(store: Store, plan: Plan, settings: EngineSettings) -> None:
    """Raise :class:`LsnError` for a device or a precision of ``settings`` that there is not; nothing is trained.

    A device that a run itself was trained on may be missing here: that is found out by training it.
    """
    if settings.device is not None:
        select_backend(settings.device)
    if settings.precision is None:
        return
    for device in {settings.device or _last_provenance(store, run.key).get("backend") for run in plan}:
        try:
            backend, _ = select_backend(device)
        except LsnError:
            continue
        select_precision(backend, settings.precision)


def stored_spec(store: Store, key: str) -> RunSpec:
    """The spec of a run that can be verified; raises :class:`LsnError` for one that has not ended with results."""
    record = store.run(key)
    if record.status not in ("done", "diverged"):
        raise LsnError(
            f"run {key[:10]} is {record.status}: it has no results to verify",
            valid="runs that are done or diverged",
        )
    spec = RunSpec.model_validate(record.spec)
    if spec.key != key:
        raise LsnError(
            f"the spec of run {key[:10]} does not belong to its key: its own is {spec.key[:10]}",
            where=store.location.shown,
            next="the database was changed by hand, or is damaged: lsn db check tells more",
        )
    return spec


def _compared(
    store: Store, key: str, events: list[Event], stored: EngineSettings, again: EngineSettings, tolerance: float
) -> Verification:
    record, end = store.run(key), events[-1]
    assert isinstance(end, Finished)
    provenance = _changes(_last_provenance(store, key), events)
    if (end.status, end.final_step) != (record.status, record.final_step):
        words = f"it ended as {end.status} after {end.final_step} steps" + (f" ({end.error})" if end.error else "")
        words += f"; the stored run was {record.status} after {record.final_step}"
        verdict: Literal["failed", "different"] = "failed" if end.status == "failed" else "different"
        return Verification(key, verdict, metrics="different", provenance=provenance, error=words)
    found = {(n, e.step): v for e in events if isinstance(e, Measured) for n, v in e.metrics.items()}
    metrics, largest = compare_metrics(store.history(key), found, tolerance)
    weights: Likeness | Literal["missing"] = "missing"
    paths = (stored.weights_path(key), again.weights_path(key))
    if end.status == "done" and all(path is not None and path.exists() for path in paths):
        weights, other = compare_weights(paths[0], paths[1], tolerance)  # type: ignore[arg-type]
        largest = max((d for d in (largest, other) if d is not None), key=lambda d: d.size, default=None)
    recorded = {(e.name, e.step): e.array for e in events if isinstance(e, Recorded)}
    entries = {(a.name, a.step): store.get_array(key, a.name, a.step) for a in store.arrays(key)}
    arrays, likeness = compare_arrays(entries, recorded)
    parts = [metrics, likeness, *([] if weights == "missing" else [weights])]
    return Verification(key, worst(parts), weights, metrics, largest, arrays, provenance)


# -- as it was trained -----------------------------------------------------------------------------------------


def _last_provenance(store: Store, key: str) -> dict[str, Any]:
    found = store.provenance(key) if key in store.statuses([key]) else []
    return found[-1] if found else {}


def _settings_of(store: Store, key: str, settings: EngineSettings) -> EngineSettings:
    """``settings``, with what they leave open taken from how the run was trained."""
    told = _last_provenance(store, key)
    return replace(
        settings,
        device=settings.device or told.get("backend"),
        precision=settings.precision or told.get("precision"),
        threads=settings.threads or told.get("threads"),
        attempt="",
        checkpoint_seconds=float("inf"),
    )


def _in_a_stack(store: Store, key: str) -> bool:
    return "stack" in _last_provenance(store, key)


def _train(
    spec: RunSpec, settings: EngineSettings, stacked: bool, listener: Callable[[Event], None]
) -> list[Event]:
    from lsncli.engine.together import train_together

    events: list[Event] = []
    # How many others were trained beside a run changes no number: one alone stands for any other way.
    for event in train_together([spec], settings, stacking=stacked, replicas=1):
        events.append(event)
        listener(event)
    return events


def _changes(then: Mapping[str, Any], events: list[Event]) -> dict[str, tuple[Any, Any]]:
    """What differs in the provenance, by dotted name: then, and now."""
    started = next((event for event in events if isinstance(event, Started)), None)
    if started is None:
        return {}
    before, now = _flat(then), _flat(started.provenance)
    before["stacked"], now["stacked"] = "stack" in then, "stack" in started.provenance
    names = [name for name in {**before, **now} if name.partition(".")[0] not in ASIDE]
    return {name: (before.get(name), now.get(name)) for name in names if before.get(name) != now.get(name)}


def _flat(data: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in data.items():
        flat |= _flat(value, f"{prefix}{name}.") if isinstance(value, Mapping) else {f"{prefix}{name}": value}
    return flat
