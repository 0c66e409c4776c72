"""A report as data: cells with their statistics, before any format.

Every number is already in the unit of the report: accuracies and rates are percentages.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Coordinates = Mapping[str, Any]
Status = Literal["complete", "partial", "missing"]


def identity(coordinates: Coordinates) -> str:
    """Text that two coordinates share exactly if they are equal; values may be lists and tables."""
    return json.dumps(coordinates, sort_keys=True, default=str)


def place(row: Coordinates, column: Coordinates, metric: str) -> tuple[str, str, str]:
    """What tells a cell from every other of its table."""
    return identity(row), identity(column), metric


@dataclass(frozen=True, slots=True)
class Published:
    """A number of the paper, in the cell's unit. ``std`` and ``repeats`` are None where none are given."""

    mean: float
    std: float | None = None
    repeats: int | None = None


@dataclass(frozen=True, slots=True)
class Heading:
    """The coordinates of one row or column; ``metric`` where rows or columns are told apart by metrics."""

    coordinates: Coordinates = field(default_factory=dict)
    metric: str | None = None


@dataclass(frozen=True, slots=True)
class Footnote:
    """A note below the table; ``mark`` is its number as shown in cells, empty for a note on all of it."""

    text: str
    mark: str = ""


@dataclass(frozen=True, slots=True)
class Cell:
    """What the runs of one combination came to, one run per seed.

    row, column: coordinates, swept key → value.
    values: one per run that is there, in the order of the seeds.
    keys: the keys of all runs of the cell, there or not.
    std: sample standard deviation (ddof 1), None for fewer than two values.
    paper: the published number, if there is one.
    stand_in: the data set that this cell's stands in for.
    failed: runs that ended diverged or failed; they are not in ``values``.
    differs: whether mean and published mean are more than two combined standard errors apart, None where that
        cannot be said.
    marks: the footnotes of the cell.
    """

    row: Coordinates
    column: Coordinates
    metric: str
    unit: Literal["%", ""]
    values: tuple[float, ...]
    keys: tuple[str, ...]
    mean: float | None
    std: float | None
    n: int
    paper: Published | None
    status: Status
    stand_in: str | None = None
    failed: int = 0
    differs: bool | None = None
    marks: tuple[str, ...] = ()

    @property
    def expected(self) -> int:
        """How many runs the cell is made of."""
        return len(self.keys)


@dataclass(frozen=True, slots=True)
class Table:
    """A report of one recipe under one profile.

    number: the paper's table that it reproduces.
    which: whether the last evaluation of each run is shown or the best.
    fill: the command that trains the missing runs, None where none is missing.
    source: where the published numbers were printed.
    """

    title: str
    profile: str
    row_keys: tuple[str, ...]
    column_keys: tuple[str, ...]
    rows: tuple[Heading, ...]
    columns: tuple[Heading, ...]
    cells: tuple[Cell, ...]
    metrics: tuple[str, ...]
    footnotes: tuple[Footnote, ...] = ()
    number: int | None = None
    which: Literal["last", "best"] = "last"
    fill: str | None = None
    source: str | None = None

    def grid(self) -> list[list[Cell | None]]:
        """The cells by row and column; None where the recipe has no such combination."""
        at = {place(cell.row, cell.column, cell.metric): cell for cell in self.cells}
        return [
            [
                at.get(place(row.coordinates, column.coordinates, row.metric or column.metric or self.metrics[0]))
                for column in self.columns
            ]
            for row in self.rows
        ]
