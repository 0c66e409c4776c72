"""The claims of a batch: it trains what nobody else trains, waits for the rest, and takes over from the dead.

Two batches side by side share the runs among them: each claims a run when it starts it, says every few seconds that
it is still there, and gives the run back with the transaction that stores its end.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from lsncli.engine.events import Finished
from lsncli.engine.run_files import CHECKPOINT, WEIGHTS, sweep
from lsncli.errors import LsnError
from lsncli.executors.gate import Verdict
from lsncli.plan import Plan
from lsncli.store import RunState, Store
from lsncli.store.claimant import Claimant, ClaimEntry
from lsncli.store.claims import ENDED

#: Seconds between two heartbeats.
BEAT_SECONDS = 10.0
#: Seconds without a heartbeat after which a claimant counts as dead; a dozen beats, for a database may be busy.
SILENT_SECONDS = 120.0

_TAKEN = Verdict(trained_by="another lsn run")


class Claims:
    """The gate of a batch (:class:`~lsncli.executors.gate.Gate`), and the fence around what it writes.

    ``known`` is how the runs of ``plan`` stood when the batch decided to train them: one that has ended since then
    is not trained again. ``folder`` holds the runs' files. ``weights_only`` are runs that are done and whose
    weights are wanted, ``anew`` those that must not go on from a checkpoint. Used as a context, which gives
    everything back at its end.
    """

    def __init__(
        self,
        store: Store,
        plan: Plan,
        known: Mapping[str, RunState],
        folder: Path,
        *,
        weights_only: Collection[str] = (),
        anew: Collection[str] = (),
        beat: float = BEAT_SECONDS,
        silence: float = SILENT_SECONDS,
    ) -> None:
        self.claimant = Claimant.this_process()
        self._store = store
        self._known = dict(known)
        self._folder = folder
        self._needed = {key for run in plan for key in run.dependencies}
        self._weights_only = set(weights_only)
        self._anew = set(anew)
        self._beat = beat
        self._watch = Watch(silence)
        self._mine: set[str] = set()
        self._lost: set[str] = set()
        self._over = threading.Event()
        self._heart = threading.Thread(target=self._keep_beating, name="lsn heartbeat", daemon=True)

    def __enter__(self) -> Self:
        self._heart.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Give back what is left; what cannot be given back is free as soon as this process has ended."""
        self._over.set()
        self._heart.join()
        try:
            self._store.release_claims(self.claimant.token)
        except LsnError:
            if error is None:
                raise

    # -- the gate --------------------------------------------------------------------------------------

    def admit(self, keys: Collection[str]) -> Mapping[str, Verdict]:
        """Claim runs, and clear away what a killed process has left of them."""
        verdicts: dict[str, Verdict] = {}
        if not keys:
            return verdicts
        found = self._store.claim(keys, self.claimant, self._known, self._watch.gone)
        for key, hindrance in found.items():
            if isinstance(hindrance, RunState) and self._weights_are_wanting(key, hindrance):
                # Trained on another machine that shares the database: here it is done again for its weights.
                self._known[key] = hindrance
                self._weights_only.add(key)
                again = self._store.claim([key], self.claimant, self._known, self._watch.gone)
                hindrance = again[key]
            verdicts[key] = self._verdict(hindrance)
            if hindrance is None and key in self._weights_only and self._weights(key).exists():
                self._store.release_claims(self.claimant.token, [key])
                verdicts[key] = Verdict(ended="done")
            if verdicts[key].trained_by is None:
                # Ours again, or nobody's any more: whoever had taken it has ended it.
                self._lost.discard(key)
            if verdicts[key].may_start:
                self._mine.add(key)
                sweep(self._folder / key)
                self._begin_anew(key)
        return verdicts

    def look(self, keys: Collection[str]) -> Mapping[str, Verdict]:
        """What :meth:`admit` would say; only reads, so that waiting costs the others nothing."""
        states, claims = self._store.statuses(keys), self._store.claims(keys)
        verdicts: dict[str, Verdict] = {}
        for key in keys:
            entry, state = claims.get(key), states.get(key)
            if entry is not None and not self._watch.gone(entry):
                verdicts[key] = self._verdict(entry)
            elif state is None or not self._has_ended(key, state) or self._weights_are_wanting(key, state):
                verdicts[key] = Verdict()
            else:
                verdicts[key] = self._verdict(state)
                self._lost.discard(key)
        return verdicts

    def lost(self, key: str) -> bool:
        """Whether a run that was ours is another's now."""
        return key in self._lost

    def _begin_anew(self, key: str) -> None:
        """Remove the checkpoint of a run that is to be trained from its first step.

        Only now: until the run was claimed, another batch may have been training from it. And only once: what is
        there when it is started a second time is of this batch.
        """
        if key not in self._anew:
            return
        path = self._folder / key / CHECKPOINT
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise LsnError(
                f"the run would go on from an old checkpoint, which cannot be removed: {error.strerror or error}",
                where=str(path),
                next="make its folder writable, or train without --force",
            ) from None
        self._anew.discard(key)

    def _verdict(self, hindrance: RunState | ClaimEntry | None) -> Verdict:
        match hindrance:
            case None:
                return Verdict()
            case ClaimEntry():
                return Verdict(trained_by=f"another lsn run ({hindrance.who})")
            case RunState(status="done" | "diverged" | "failed" as status):
                return Verdict(ended=status)
            case _:
                raise AssertionError(hindrance)

    def _has_ended(self, key: str, state: RunState) -> bool:
        return state.status in ENDED and not _same_end(state, self._known.get(key))

    def _weights_are_wanting(self, key: str, state: RunState) -> bool:
        return state.status == "done" and key in self._needed and not self._weights(key).exists()

    # -- the fence -------------------------------------------------------------------------------------

    def fence(self, keys: Iterable[str]) -> dict[str, Verdict]:
        """Those of ``keys`` that are not ours, inside the transaction that is to write for them.

        A run of which nobody has asked is claimed now if it can be: an executor of a plugin may not ask, and
        nobody asks about a run that cannot start.
        """
        wanted = set(keys)
        verdicts = dict(self.admit(wanted - self._mine - self._lost))
        strange = wanted - self._store.held_claims(self.claimant.token, wanted)
        self._mine -= strange
        self._lost |= {key for key in strange if not verdicts.get(key, _TAKEN).ended}
        return {key: verdicts.get(key, _TAKEN) for key in strange}

    def still_blocked(self, ends: Sequence[Finished], plan: Plan) -> list[Finished]:
        """Those of ``ends``, of runs of ``plan`` that need one that has failed, that are still true.

        Asked inside the transaction that stores them: another batch that was told to try the failed run again may
        be training it, and waits to start what needs it.
        """
        needed = {key for end in ends for key in plan[end.key].dependencies}
        states, claims = self._store.statuses(needed), self._store.claims(needed)
        open_again = {
            key
            for key in needed
            if (key in claims and not self._watch.gone(claims[key]))
            or (key in states and not _same_end(states[key], self._known.get(key)))
        }
        blocked = []
        # Dependencies come first in a plan, and so do their ends.
        for end in ends:
            if open_again.isdisjoint(plan[end.key].dependencies):
                blocked.append(end)
            else:
                open_again.add(end.key)
        return blocked

    def give_back(self, key: str) -> None:
        """Give a run back, inside the transaction that stores its end."""
        self._store.release_claims(self.claimant.token, [key])
        self._mine.discard(key)

    def _weights(self, key: str) -> Path:
        return self._folder / key / WEIGHTS

    def _keep_beating(self) -> None:
        while not self._over.wait(self._beat):
            try:
                self._store.renew_claims(self.claimant.token)
            except LsnError:
                # Locked or full for a moment: the next beat may come through, and a claim lives through many.
                continue


def _same_end(now: RunState, before: RunState | None) -> bool:
    return before is not None and (before.status, before.finished_at) == (now.status, now.finished_at)


class Watch:
    """Tells dead claimants from living ones.

    Of a process on this machine one can see whether it exists. If it does, it counts as dead only after this
    process has seen no heartbeat for a while by a clock that stands still while the machine sleeps: else all
    claimants would look dead at the moment when the machine wakes up. So does one on this machine of which the
    system tells nothing. Of a process elsewhere only its last heartbeat is known, by the database's clock; where
    that clock was set back, it is watched as well.
    """

    def __init__(self, silence: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._silence = silence
        self._clock = clock
        self._seen: dict[str, tuple[object, float]] = {}

    def gone(self, entry: ClaimEntry) -> bool:
        """Whether a claimant is dead, so that its run may be taken over."""
        lives = entry.lives()
        if lives is False or (lives is None and not entry.sleeps_with_us and entry.silent > self._silence):
            return True
        sign = (entry.token, entry.heartbeat)
        last, since = self._seen.get(entry.key, (None, 0.0))
        if last != sign:
            self._seen[entry.key] = (sign, self._clock())
            return False
        return self._clock() - since > self._silence
