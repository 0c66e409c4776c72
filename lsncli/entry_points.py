"""The entry points of group ``lsn`` in this environment, whatever state the distributions are in."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import metadata
from typing import Any, Protocol

from lsncli.hookspecs import ENTRY_POINT_GROUP


class EntryPoint(Protocol):
    """The part of :class:`importlib.metadata.EntryPoint` that loading needs."""

    @property
    def name(self) -> str:
        """The plugin's name."""
        ...

    @property
    def value(self) -> str:
        """The module that it points to."""
        ...

    @property
    def dist(self) -> metadata.Distribution | None:
        """The distribution that ships it."""
        ...

    def load(self) -> Any:
        """Import the module."""
        ...


@dataclass(frozen=True, slots=True)
class DamagedEntryPoints:
    """Stands for the entry points of a distribution whose list of them cannot be read."""

    name: str
    dist: metadata.Distribution
    error: Exception
    value: str = "entry_points.txt"

    def load(self) -> Any:
        """Raises ValueError with the reason."""
        raise ValueError(f"its entry_points.txt cannot be read: {self.error}")


def installed_entry_points() -> list[EntryPoint]:
    """All of them; a damaged distribution gives one that does not load, and hides no other's."""
    try:
        return list(metadata.entry_points(group=ENTRY_POINT_GROUP))
    except Exception:  # noqa: BLE001 - any distribution of the environment may be damaged in any way
        return _one_by_one()


def _one_by_one() -> list[EntryPoint]:
    found: list[EntryPoint] = []
    seen = set()
    for distribution in metadata.distributions():
        try:
            # Of two copies on the path, the first one counts.
            name = distribution.metadata["Name"]
            if name in seen:
                continue
            seen.add(name)
            found += [point for point in distribution.entry_points if point.group == ENTRY_POINT_GROUP]
        except Exception as error:  # noqa: BLE001 - as above
            if f"[{ENTRY_POINT_GROUP}]" in (distribution.read_text("entry_points.txt") or ""):
                found.append(DamagedEntryPoints(name, distribution, error))
    return found
