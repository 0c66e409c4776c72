"""What a merge did, or would do: counts and lists, and the same as plain data."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from lsncli.store.merge_decision import VERDICTS, Verdict


@dataclass(slots=True)
class SourceReport:
    """What came of one other database. ``refused`` are (what, why); ``files`` counts artifacts by outcome."""

    path: str
    schema: str
    runs: dict[Verdict, list[str]] = field(default_factory=lambda: {verdict: [] for verdict in VERDICTS})
    refused: list[tuple[str, str]] = field(default_factory=list)
    computations: Counter[str] = field(default_factory=Counter)
    stand_ins: Counter[str] = field(default_factory=Counter)
    files: Counter[str] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)

    def plain(self) -> dict[str, Any]:
        """The same as plain data; kinds that did not occur are left out of the counts of all but runs."""
        return {
            "path": self.path,
            "schema": self.schema,
            "runs": {verdict: list(keys) for verdict, keys in self.runs.items()},
            "refused": [{"what": what, "why": why} for what, why in self.refused],
            "computations": dict(self.computations),
            "stand_ins": dict(self.stand_ins),
            "files": dict(self.files),
            "notes": list(self.notes),
        }


@dataclass(slots=True)
class MergeReport:
    """What a merge did to ``path``; nothing was written if ``dry_run``."""

    path: str
    dry_run: bool
    sources: list[SourceReport] = field(default_factory=list)

    @property
    def refused(self) -> int:
        """How much could not be used."""
        return sum(len(source.refused) for source in self.sources)

    def plain(self) -> dict[str, Any]:
        """The same as plain data."""
        return {
            "path": self.path,
            "dry_run": self.dry_run,
            "sources": [source.plain() for source in self.sources],
        }
