"""Writes the events of a running batch into the store, and tells observers."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from lsncli.engine.events import Event, Finished, Measured, Notice, Outcome, Progress, Recorded, Saved, Started
from lsncli.engine.settings import EngineSettings
from lsncli.plan import Plan
from lsncli.registry import registry
from lsncli.store import Store


@dataclass(slots=True)
class Outcomes:
    """How the runs of a batch ended: key → event."""

    ended: dict[str, Finished] = field(default_factory=dict)

    def keys(self, *statuses: Outcome) -> list[str]:
        """The keys of the runs that ended in one of ``statuses``."""
        return [key for key, event in self.ended.items() if event.status in statuses]


class Recorder:
    """Receives every event of a batch; the only writer of its results.

    ``artifact_prefix`` is the checkpoint folder as seen from the database's folder, or None if its files
    are elsewhere and must not be named. ``discard`` are runs whose old results go when they start anew.
    """

    def __init__(
        self,
        store: Store,
        plan: Plan,
        settings: EngineSettings,
        *,
        artifact_prefix: str | None = None,
        discard: frozenset[str] = frozenset(),
        listener: Callable[[Event], None] = lambda event: None,
    ) -> None:
        self.store = store
        self.plan = plan
        self.settings = settings
        self.artifact_prefix = artifact_prefix
        self.discard = set(discard)
        self.listener = listener
        self.outcomes = Outcomes()
        self._specs: dict[str, dict[str, Any]] = {}
        self._last: dict[str, dict[str, float]] = {}
        self._not_ours: set[str] = set()
        self._afterwards: list[Callable[[], None]] = []

    def __call__(self, event: Event) -> None:
        """Store one event, then pass it to the listener."""
        self.together([event])

    def together(self, events: Sequence[Event]) -> None:
        """Store several events at once, then pass them to the listener.

        In one transaction, because each one waits for the disk. What must not happen before the events are
        stored, the removal of a checkpoint that nobody needs any more, happens afterwards.
        """
        writing = any(not isinstance(event, Progress | Notice) for event in events)
        with self.store.transaction() if writing else nullcontext():
            for event in events:
                if event.key not in self._not_ours:
                    self._store(event)
                elif isinstance(event, Finished):
                    self._afterwards.append(partial(self._note_end, event))
                self._afterwards.append(partial(self.listener, event))
        due, self._afterwards = self._afterwards, []
        for act in due:
            act()

    def _store(self, event: Event) -> None:
        match event:
            case Started():
                self._begin(event.key, event.steps, event.provenance, event.resumed_from)
            case Measured():
                self._last.setdefault(event.key, {}).update(event.metrics)
                self.store.record_metrics(event.key, event.step, event.metrics)
            case Recorded():
                self.store.record_array(event.key, event.step, event.name, event.array)
            case Saved() if self.artifact_prefix is not None:
                path = f"{self.artifact_prefix}/{event.path}"
                self.store.record_artifact(event.key, event.name, path, sha256=event.sha256, size=event.size)
            case Finished():
                self._finish(event)
            case _:
                pass

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
            # Another process finished this run in the meantime; its results stay.
            self._not_ours.add(key)
            return
        self._afterwards.append(partial(_observe, "lsn_run_started", key=key, spec=spec))

    def _finish(self, event: Finished) -> None:
        if event.key not in self._specs:
            # It failed before its first step, for example for want of its data.
            if event.key in self.discard:
                # It was to be trained again and cannot be: its old results are worth more than none.
                self._afterwards.append(partial(self._note_end, event))
                return
            run = self.plan[event.key]
            # Not a beginning at step 0: what an earlier attempt stored still fits the checkpoint that it left.
            self._begin(event.key, run.spec.train.steps, {"command": self.settings.command}, None)
            if event.key in self._not_ours:
                self._afterwards.append(partial(self._note_end, event))
                return
        self.store.finish_run(
            event.key,
            event.status,
            final_step=event.final_step,
            seconds=event.seconds,
            error=event.error,
            traceback=event.traceback,
        )
        # Only then: until the end is stored, the checkpoint is what a crash would leave.
        self._afterwards.append(partial(self._note_end, event))
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

    def _note_end(self, event: Finished) -> None:
        """Remember how the run ended; a checkpoint that nobody will go on from is removed."""
        self.outcomes.ended[event.key] = event
        path = self.settings.checkpoint_path(event.key)
        if path is not None and (event.status in ("done", "diverged") or event.key in self._not_ours):
            path.unlink(missing_ok=True)


def _observe(hook: str, **arguments: Any) -> None:
    """Call the observers of a hook; one that fails is told of and does no harm."""
    for implementation in getattr(registry().manager.hook, hook).get_hookimpls():
        try:
            known = {name: arguments[name] for name in implementation.argnames}
            implementation.function(**known)
        except Exception as error:  # noqa: BLE001 - a third party's code
            print(
                f"warning: {hook} of plugin {implementation.plugin_name}: {type(error).__name__}: {error}",
                file=sys.stderr,
            )
