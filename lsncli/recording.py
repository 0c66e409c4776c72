"""Writes the events of a running batch into the store, and tells observers."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext, suppress
from copy import deepcopy
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from lsncli.claims import Claims
from lsncli.engine.events import Event, Finished, Measured, Notice, Outcome, Progress, Recorded, Saved, Started
from lsncli.engine.run_files import attempt_path, publish, sync_folder
from lsncli.engine.settings import EngineSettings
from lsncli.plan import Plan
from lsncli.registry import registry
from lsncli.store import Store
from lsncli.store.failures import RunRemovedError


@dataclass(slots=True)
class Outcomes:
    """How the runs of a batch ended: key → event."""

    ended: dict[str, Finished] = field(default_factory=dict)

    def keys(self, *statuses: Outcome, elsewhere: bool = False) -> list[str]:
        """The keys of the runs that ended in one of ``statuses``, here or ``elsewhere``."""
        return [k for k, event in self.ended.items() if event.status in statuses and event.elsewhere == elsewhere]


class Recorder:
    """Receives every event of a batch; the only writer of its results.

    ``artifact_prefix`` is the checkpoint folder as seen from the database's folder, or None if its files
    are elsewhere and must not be named. ``discard`` are runs whose old results go when they start anew. With
    ``claims``, nothing is stored for a run that another batch has taken over.
    """

    def __init__(
        self,
        store: Store,
        plan: Plan,
        settings: EngineSettings,
        *,
        artifact_prefix: str | None = None,
        discard: frozenset[str] = frozenset(),
        claims: Claims | None = None,
        listener: Callable[[Event], None] = lambda event: None,
    ) -> None:
        self.store = store
        self.plan = plan
        self.settings = settings
        self.artifact_prefix = artifact_prefix
        self.discard = set(discard)
        self.claims = claims
        self.listener = listener
        self.outcomes = Outcomes()
        self._specs: dict[str, dict[str, Any]] = {}
        self._last: dict[str, dict[str, float]] = {}
        self._stored_before: set[str] = set()
        self._unpublished: dict[str, str] = {}
        self._removed: set[str] = set()
        self._afterwards: list[Callable[[], None]] = []

    def __call__(self, event: Event) -> Event:
        """Store one event, then pass it to the listener; returns it as it was stored."""
        return self.together([event])[0]

    def blocked(self, ends: Sequence[Finished]) -> None:
        """Store the ends of runs that cannot start, as far as they are true at this moment."""
        if not ends:
            return
        with self.store.transaction():
            self._store_all(ends if self.claims is None else self.claims.still_blocked(ends, self.plan))
        self._act()

    def together(self, events: Sequence[Event]) -> list[Event]:
        """Store several events at once, then pass them to the listener; returns them as they were stored.

        In one transaction, because each one waits for the disk. What must not happen before the events are
        stored, the removal of a checkpoint that nobody needs any more, happens afterwards. An end may be stored as
        another one: a run whose files cannot be kept has failed, whatever it says.
        """
        with self.store.transaction() if any(map(_writes, events)) else nullcontext():
            stored = self._store_all(events)
        self._act()
        return stored

    def _store_all(self, events: Sequence[Event]) -> list[Event]:
        stored: list[Event] = []
        writing = {event.key for event in events if _writes(event)}
        strange = self.claims.fence(writing) if self.claims is not None and writing else {}
        for event in events:
            ended = strange[event.key].ended if event.key in strange else None
            if ended is not None and isinstance(event, Finished):
                event = replace(event, status=ended, elsewhere=True)
            elif event.key in strange or (self.claims is not None and self._is_lost(event, self.claims)):
                self._afterwards.append(partial(self._drop, event))
                stored.append(event)
                continue
            event = self._store(event)
            stored.append(event)
            self._afterwards.append(partial(self.listener, event))
        return stored

    def _act(self) -> None:
        due, self._afterwards = self._afterwards, []
        for act in due:
            act()

    @staticmethod
    def _is_lost(event: Event, claims: Claims) -> bool:
        return claims.lost(event.key) and not (isinstance(event, Finished) and event.elsewhere)

    def _drop(self, event: Event) -> None:
        """What a run tells that another batch has taken over: nothing of it counts."""
        if isinstance(event, Saved) and self.settings.checkpoint_dir is not None:
            path = self.settings.checkpoint_dir / event.path
            if (written := attempt_path(path, self.settings.attempt)) != path:
                _remove(written)
        if isinstance(event, Finished):
            told = "another lsn run has taken this run over; what was found here is dropped"
            self.listener(Notice(event.key, told))

    def _store(self, event: Event) -> Event:
        try:
            return self._stored(event)
        except RunRemovedError:
            self._removed.add(event.key)
            told = Notice(event.key, f"{_REMOVED}: it ends as failed")
            self._afterwards.append(partial(self.listener, told))
            return self._stored(event)

    def _stored(self, event: Event) -> Event:
        match event:
            case Started():
                self._removed.discard(event.key)
                self._begin(event.key, event.steps, event.provenance, event.resumed_from)
            case Finished(elsewhere=True):
                self.outcomes.ended[event.key] = event
            case Finished():
                return self._finish(event)
            case _ if event.key in self._removed:
                pass
            case Saved():
                self._keep(event)
            case _ if event.key in self._stored_before:
                pass
            case Measured():
                self._last.setdefault(event.key, {}).update(event.metrics)
                self.store.record_metrics(event.key, event.step, event.metrics)
            case Recorded():
                self.store.record_array(event.key, event.step, event.name, event.array)
            case _:
                pass
        return event

    def _keep(self, event: Saved) -> None:
        """Publish a file and note it. Of a run that is done already, the file alone is new."""
        if self.settings.checkpoint_dir is not None and self.settings.attempt:
            try:
                publish(self.settings.checkpoint_dir / event.path, self.settings.attempt)
            except OSError as error:
                self._unpublished[event.key] = f"cannot keep {event.path}: {error.strerror or error}"
                return
        if self.artifact_prefix is not None:
            path = f"{self.artifact_prefix}/{event.path}"
            self.store.record_artifact(event.key, event.name, path, sha256=event.sha256, size=event.size)

    def _begin(self, key: str, steps: int, provenance: Mapping[str, Any], resumed_from: int | None) -> None:
        run = self.plan[key]
        if key in self.discard:
            self.discard.remove(key)
            self.store.discard_runs([key])
        title = run.titles[0] if run.titles else None
        spec = self._specs[key] = run.spec.plain()
        begun = self.store.begin_run(
            key, spec, title=title, steps=steps, provenance=provenance, from_step=resumed_from
        )
        if begun == "done":
            # Its results stay: it is trained for its weights, or a process without claims was faster.
            self._stored_before.add(key)
            return
        self._afterwards.append(partial(_observe, "lsn_run_started", key=key, spec=spec))

    def _finish(self, event: Finished) -> Finished:
        removed = event.key in self._removed
        if removed and event.status != "interrupted":
            event = replace(event, status="failed", error=f"{_REMOVED}: train it again")
        if event.key in self._unpublished:
            event = replace(event, status="failed", error=self._unpublished.pop(event.key))
        if event.key not in self._specs and event.key not in self.discard:
            # It failed before its first step, for example for want of its data. Not a beginning at step 0: what
            # an earlier attempt stored still fits the checkpoint that it left.
            run = self.plan[event.key]
            self._begin(event.key, run.spec.train.steps, {"command": self.settings.command}, None)
        # One that was to be trained again and cannot be keeps its old results: they are worth more than none.
        new = event.key in self._specs and event.key not in self._stored_before and not removed
        if new:
            self._store_end(event)
        if self.claims is not None:
            self.claims.give_back(event.key)
        # Only then: until the end is stored, the checkpoint is what a crash would leave.
        self._afterwards.append(partial(self._note_end, event))
        if new:
            self._afterwards.append(
                partial(
                    _observe,
                    "lsn_run_finished",
                    key=event.key,
                    spec=self._specs[event.key],
                    status=event.status,
                    metrics=self._last.pop(event.key, {}),
                )
            )
        return event

    def _store_end(self, event: Finished) -> None:
        if event.status == "done" and (weights := self.settings.weights_path(event.key)) is not None:
            # The names of the files must outlive a power cut as the word that the run is done does.
            sync_folder(weights.parent)
        self.store.finish_run(
            event.key,
            event.status,
            final_step=event.final_step,
            seconds=event.seconds,
            error=event.error,
            traceback=event.traceback,
        )

    def _note_end(self, event: Finished) -> None:
        """Remember how the run ended; a checkpoint that nobody will go on from is removed."""
        self.outcomes.ended[event.key] = event
        path = self.settings.checkpoint_path(event.key)
        if path is not None and event.status in ("done", "diverged"):
            _remove(path)


#: What is told of a run that somebody has removed from the database while it was trained.
_REMOVED = "it was removed from the database while it was trained"


def _remove(path: Path) -> None:
    """Remove a file that nobody needs any more; one that cannot be removed does no harm."""
    with suppress(OSError):
        path.unlink(missing_ok=True)


def _writes(event: Event) -> bool:
    return not (isinstance(event, Progress | Notice) or (isinstance(event, Finished) and event.elsewhere))


def _observe(hook: str, **arguments: Any) -> None:
    """Call the observers of a hook; one that fails, or changes what it is told, does no harm."""
    for implementation in getattr(registry().manager.hook, hook).get_hookimpls():
        try:
            known = {name: deepcopy(arguments[name]) for name in implementation.argnames}
            implementation.function(**known)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - a third party's code
            print(
                f"warning: {hook} of plugin {implementation.plugin_name}: {type(error).__name__}: {error}",
                file=sys.stderr,
            )
