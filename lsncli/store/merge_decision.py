"""What becomes of a run that two databases know: whose results stay, and whose attempts it has."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, get_args

from lsncli.store.records import ArtifactEntry
from lsncli.store.whole_run import ENDED, WholeRun

Prefer = Literal["ours", "theirs", "newer"]
PREFERENCES: tuple[Prefer, ...] = get_args(Prefer)

#: added: ours had no such run. completed: ours had not ended, theirs has. replaced: theirs was preferred.
#: same: both have the same results. kept: both ended, with other results, and ours stays. behind: theirs has not
#: ended, and ours stays. busy: ours is being trained, and stays as it is. refused: theirs cannot be used.
Verdict = Literal["added", "completed", "replaced", "same", "kept", "behind", "busy", "refused"]
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)

#: The verdicts after which the results are theirs.
TAKEN: tuple[Verdict, ...] = ("added", "completed", "replaced")


@dataclass(frozen=True, slots=True)
class Standing:
    """Of a run, what decides; ``status`` is ``damaged`` for one of ours whose rows cannot be used any more.

    ``files`` are those that the database names, which decide nothing.
    """

    status: str
    result: str
    finished_at: datetime | None
    attempts: tuple[dict[str, Any], ...]
    busy: bool = False
    files: tuple[ArtifactEntry, ...] = ()

    @classmethod
    def of(cls, whole: WholeRun, *, busy: bool = False) -> Standing:
        """How a run stands; ``busy`` while a process trains it."""
        return cls(whole.status, whole.result(), whole.finished_at, whole.provenance, busy, whole.artifacts)


def decide(ours: Standing | None, theirs: Standing, prefer: Prefer) -> Verdict:
    """What becomes of a run; merging the same database once more then changes nothing."""
    if ours is None:
        return "added"
    if ours.busy:
        return "busy"
    if theirs.status not in ENDED:
        return "behind"
    if ours.status not in ENDED:
        return "completed"
    if ours.result == theirs.result:
        return "same"
    newer = (
        ours.finished_at is not None and theirs.finished_at is not None and theirs.finished_at > ours.finished_at
    )
    return "replaced" if prefer == "theirs" or (prefer == "newer" and newer) else "kept"


def _later(one: datetime | None, other: datetime | None) -> bool:
    return one is not None and other is not None and one > other


def attempts_of_both(ours: Standing | None, theirs: Standing, verdict: Verdict) -> tuple[dict[str, Any], ...]:
    """All attempts at a run, those of the side whose results stay last, as the last one made them.

    What both know is there once: a database that was merged before adds nothing.
    """
    if ours is None:
        return theirs.attempts
    if verdict in TAKEN:
        return (*_beyond(ours.attempts, theirs.attempts), *theirs.attempts)
    return (*_beyond(theirs.attempts, ours.attempts), *ours.attempts)


def _beyond(attempts: Sequence[dict[str, Any]], known: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The attempts that ``known`` has not; of equal ones as many as it has fewer."""
    left = Counter(_canonical(data) for data in known)
    found = []
    for data in attempts:
        left[_canonical(data)] -= 1
        if left[_canonical(data)] < 0:
            found.append(data)
    return found


def _canonical(data: dict[str, Any]) -> str:
    return json.dumps(data, sort_keys=True)
