"""What a check of a database finds: one record each, and the same as plain data."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from lsncli.store.salvage import Salvaged

#: damage: something stored is lost or cannot be trusted. doubt: something is not as lsn leaves it, and no result is
#: affected. note: worth knowing.
Severity = Literal["damage", "doubt", "note"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as it should be: where, and what helps."""

    severity: Severity
    where: str
    what: str
    next: str | None = None

    def plain(self) -> dict[str, str | None]:
        """The same as plain data."""
        return {"severity": self.severity, "where": self.where, "what": self.what, "next": self.next}


@dataclass(slots=True)
class CheckReport:
    """A database's findings; ``runs`` and ``files`` are how many were looked at, ``can_be_saved`` what a salvage
    would save where rows or pages are damaged."""

    path: str
    schema: str | None = None
    runs: int = 0
    files: int = 0
    findings: list[Finding] = field(default_factory=list)
    can_be_saved: Salvaged | None = None

    @property
    def sound(self) -> bool:
        """Whether nothing is damaged."""
        return not any(finding.severity == "damage" for finding in self.findings)

    def add(self, severity: Severity, where: str, what: str, next: str | None = None) -> None:
        """Note a finding."""
        self.findings.append(Finding(severity, where, what, next))

    def plain(self) -> dict[str, Any]:
        """The same as plain data."""
        return {
            "path": self.path,
            "schema": self.schema,
            "sound": self.sound,
            "runs": self.runs,
            "files": self.files,
            "findings": [finding.plain() for finding in self.findings],
            "can_be_saved": None if self.can_be_saved is None else self.can_be_saved.plain(),
        }
