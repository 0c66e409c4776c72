"""Tables of texts and numbers that are no grid of runs: computed ones, and what is chosen among runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

#: A cell: text, a number, or several lines of text; None where there is nothing to say.
Value = str | int | float | tuple[str, ...] | None

#: The profile that the JSON of such a table names: no profile changes what mathematics says.
COMPUTED = "computed"


@dataclass(frozen=True, slots=True)
class Column:
    """A column's heading; ``numeric`` ones are set flush right."""

    heading: str
    numeric: bool = False


@dataclass(frozen=True, slots=True)
class Listing:
    """A table of rows.

    number: the paper's, None for a table of our own. profile: of the runs behind it, if there are any. about: what
    it shows, in a sentence or two. cells, extra: for programs; ``cells`` have the keys of every report's cells,
    ``extra`` holds what does not fit into them.
    """

    title: str
    number: int | None
    about: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Value, ...], ...]
    notes: tuple[str, ...] = ()
    cells: tuple[Mapping[str, Any], ...] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)
    profile: str = COMPUTED

    @property
    def heading(self) -> str:
        """The title, after the paper's number of the table."""
        return self.title if self.number is None else f"Table {self.number}: {self.title}"


def computed_cell(row: Mapping[str, Any], column: Mapping[str, Any], metric: str, value: float) -> dict[str, Any]:
    """A cell with the keys that every report's JSON has; one value, no runs, nothing published beside it."""
    return {
        "row": dict(row),
        "column": dict(column),
        "metric": metric,
        "unit": "",
        "mean": value,
        "std": None,
        "n": 1,
        "values": [value],
        "keys": [],
        "paper": None,
        "status": "complete",
    }


def lines_of(value: Value) -> tuple[str, ...]:
    """The lines of a cell as text: whole numbers with commas between thousands, others in four digits."""
    if value is None:
        return ("–",)
    if isinstance(value, tuple):
        return value
    if isinstance(value, bool):
        return ("yes" if value else "no",)
    if isinstance(value, int):
        return (f"{value:,}",)
    return (value if isinstance(value, str) else f"{value:.4g}",)
