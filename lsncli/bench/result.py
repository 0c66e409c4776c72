"""What was measured: rates by model and mode, ratios against the peer, on which machine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from lsncli.bench.alternation import Spread, ratios

if TYPE_CHECKING:
    import numpy.typing as npt

#: The name of these measurements in the result database.
COMPUTATION = "bench"


class Keeps(Protocol):
    """Where arrays are kept: a :class:`lsncli.store.Store`."""

    def record_computation(self, name: str, params: Mapping[str, Any], values: npt.ArrayLike) -> None:
        """Keep ``values`` under their name and parameters."""
        ...


@dataclass(frozen=True, slots=True)
class Row:
    """One mode of one model. rates: images per second of all its ``runs`` together, one for every round.
    against: those of the peer in the same rounds."""

    model: str
    mode: str
    precision: str
    runs: int
    threads: int
    processes: int
    rates: tuple[float, ...]
    against: tuple[float, ...]

    @property
    def rate(self) -> Spread:
        """Images per second."""
        return Spread.of(self.rates)

    @property
    def ratio(self) -> Spread:
        """How many times as fast as the peer, from the ratios of single rounds."""
        return Spread.of(ratios(self.rates, self.against))

    def plain(self) -> dict[str, Any]:
        """As plain data."""
        return {
            "model": self.model,
            "mode": self.mode,
            "precision": self.precision,
            "runs": self.runs,
            "threads": self.threads,
            "processes": self.processes,
            "images_per_second": {**self.rate.plain(), "rounds": list(self.rates)},
            "ratio": self.ratio.plain(),
        }


@dataclass(frozen=True, slots=True)
class BenchResult:
    """A measurement of this machine. settings: rounds and the length of a burst; measured_at: UTC, ISO 8601."""

    machine: Mapping[str, Any]
    settings: Mapping[str, Any]
    measured_at: str
    rows: tuple[Row, ...]

    def plain(self) -> dict[str, Any]:
        """As plain data, for ``--format json``."""
        return {
            "machine": dict(self.machine),
            "settings": dict(self.settings),
            "measured_at": self.measured_at,
            "rows": [row.plain() for row in self.rows],
        }

    def keep(self, store: Keeps) -> None:
        """Store the rates as one array ``[rows, rounds]``; NaN where a model had fewer rounds than others.

        The parameters say which row is which and on what machine; as they hold the time, no measurement replaces
        an earlier one.
        """
        import numpy as np

        rates = np.full((len(self.rows), max(len(row.rates) for row in self.rows)), np.nan)
        for index, row in enumerate(self.rows):
            rates[index, : len(row.rates)] = row.rates
        described = [
            {key: value for key, value in row.plain().items() if key not in ("images_per_second", "ratio")}
            for row in self.rows
        ]
        params = {**self.plain(), "rows": described, "unit": "images per second"}
        store.record_computation(COMPUTATION, params, rates)
