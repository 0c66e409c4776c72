"""What the engine tells while it trains. Plain data: events cross process borders."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy.typing as npt

Outcome = Literal["done", "diverged", "failed", "interrupted"]


@dataclass(frozen=True, slots=True)
class Started:
    """A run starts, or goes on from a checkpoint after ``resumed_from`` steps."""

    key: str
    steps: int
    provenance: Mapping[str, Any] = field(default_factory=dict)
    resumed_from: int = 0


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is; sent about twice a second. ``loss`` is the mean since the last evaluation."""

    key: str
    step: int
    loss: float
    images_per_second: float


@dataclass(frozen=True, slots=True)
class Measured:
    """The metrics after ``step`` steps (fractions, not percent)."""

    key: str
    step: int
    metrics: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Recorded:
    """An array that belongs to the run: reliability bins, realised transition counts."""

    key: str
    step: int
    name: str
    array: npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class Saved:
    """A file that belongs to the run, named relative to the checkpoint folder."""

    key: str
    name: str
    path: str
    sha256: str
    size: int


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that a person should read; the run goes on."""

    key: str
    message: str


@dataclass(frozen=True, slots=True)
class Finished:
    """A run ended. ``error`` is one line, ``traceback`` where in the code it failed.

    ``elsewhere`` says that another batch has trained it; an executor tells it, never the engine.
    """

    key: str
    status: Outcome
    final_step: int
    seconds: float
    error: str | None = None
    traceback: str | None = None
    elsewhere: bool = False


Event = Started | Progress | Measured | Recorded | Saved | Notice | Finished
