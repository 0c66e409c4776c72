"""What the store answers: frozen records of plain data, free of any database session."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, NamedTuple, get_args

Status = Literal["running", "done", "failed", "diverged", "interrupted"]
#: Every status that a run can have; a run that the database does not know is *pending*.
STATUSES: tuple[Status, ...] = get_args(Status)
#: The statuses with which a run ends.
FINAL_STATUSES = tuple(status for status in STATUSES if status != "running")

Which = Literal["last", "best"]

#: What :meth:`Store.begin_run` found: a run unknown until now, one to go on with, or one that needs nothing.
Begun = Literal["new", "continued", "done"]

#: The metric whose highest value says which step is *best*.
BEST_BY = "test_accuracy"


@dataclass(frozen=True, slots=True)
class RunState:
    """How far a run is. ``final_step`` and ``seconds`` are None until it has ended once.

    ``finished_at`` tells one end of a run from another; it is no part of how far the run is.
    """

    status: Status
    steps: int
    final_step: int | None = None
    seconds: float | None = None
    error: str | None = None
    finished_at: datetime | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class RunRecord:
    """One run as stored; times are in UTC, ``seconds`` is the time that its training took.

    ``spec`` is the RunSpec as plain data, fields equal to their default left out.
    """

    key: str
    title: str | None
    spec: dict[str, Any]
    status: Status
    steps: int
    final_step: int | None
    seconds: float | None
    created_at: datetime
    started_at: datetime
    finished_at: datetime | None
    error: str | None
    traceback: str | None


@dataclass(frozen=True, slots=True)
class ArrayEntry:
    """A stored array without its contents; ``dtype`` as NumPy writes it (``"<f4"``), ``size`` in bytes."""

    name: str
    step: int
    dtype: str
    shape: tuple[int, ...]
    size: int


@dataclass(frozen=True, slots=True)
class ArtifactEntry:
    """A file that a run left; ``path`` is relative to the checkpoint folder, ``size`` in bytes."""

    name: str
    path: str
    sha256: str
    size: int


class MetricRow(NamedTuple):
    """One stored number."""

    key: str
    name: str
    step: int
    value: float


@dataclass(frozen=True, slots=True)
class Contents:
    """How much a database holds."""

    runs: dict[str, int]
    metrics: int
    arrays: int
    artifacts: int
