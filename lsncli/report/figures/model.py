"""A figure as data: panels with their numbers, before any drawing.

Every number is in the unit of the figure (accuracies are percentages), and every mean is beside the runs that it is
made of, in the words of a report's :class:`~lsncli.report.table.Cell`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lsncli.report.table import Cell

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Point:
    """One mean of a line; ``x`` is None for what does not depend on x, as a baseline."""

    x: float | None
    cell: Cell


@dataclass(frozen=True, slots=True)
class LineSeries:
    """Points in the order of x."""

    label: str
    points: tuple[Point, ...]

    @property
    def constant(self) -> bool:
        """Whether the series is a level across the panel."""
        return all(point.x is None for point in self.points)


@dataclass(frozen=True, slots=True)
class LinePanel:
    """Means with their standard deviation against a swept value."""

    title: str
    x_label: str
    y_label: str
    series: tuple[LineSeries, ...]


@dataclass(frozen=True, slots=True)
class DensitySeries:
    """A density, averaged over runs: ``x``, ``mean``, ``std`` ``[bins]``.

    std: sample standard deviation over the runs (ddof 1), None for fewer than two; mean: None for no run.
    """

    label: str
    cell: Cell
    x: Floats
    mean: Floats | None = None
    std: Floats | None = None


@dataclass(frozen=True, slots=True)
class DensityPanel:
    """Densities of one difference on one part of the training set."""

    title: str
    x_label: str
    y_label: str
    series: tuple[DensitySeries, ...]


@dataclass(frozen=True, slots=True)
class WordsPanel:
    """A place of the grid that needs no drawing, and why."""

    text: str


@dataclass(frozen=True, slots=True)
class ProjectionPanel:
    """Pre-logits of three classes in the plane through the classes' templates; None where the run is missing.

    points ``[n, 2]``; given, true ``[n]``: class ids, ``true``
    None where nobody knows it; templates ``[3, 2]``; names: of the three classes.
    """

    title: str
    cell: Cell
    classes: tuple[int, ...] = ()
    names: tuple[str, ...] = ()
    points: Floats | None = None
    given: Ints | None = None
    true: Ints | None = None
    templates: Floats | None = None


@dataclass(frozen=True, slots=True)
class Curve:
    """A function by its values."""

    label: str
    x: Floats
    y: Floats


@dataclass(frozen=True, slots=True)
class CurvePanel:
    """Functions of one variable; ``levels``: values worth a dotted line, with their formula."""

    title: str
    x_label: str
    y_label: str
    curves: tuple[Curve, ...]
    levels: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Separator:
    """The line w₁x₁ + w₂x₂ + w₃ = 0; ``value``: of the parameter that it was found under, None for a reference."""

    label: str
    weights: tuple[float, float, float]
    value: float | None = None


@dataclass(frozen=True, slots=True)
class PlanePanel:
    """Labelled points of the plane, and separators. points ``[N, 2]``; given, true ``[N]``: 1 or 0."""

    title: str
    points: Floats
    given: Floats
    true: Floats
    separators: tuple[Separator, ...]


Panel = LinePanel | DensityPanel | ProjectionPanel | CurvePanel | PlanePanel | WordsPanel


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure of the paper.

    profile: None for a figure that is computed. grid: panels by row. caption: what is drawn, and how sure it is.
    notes: what a reader must know, missing runs first. fill: the command that trains the missing runs. source:
    where the published numbers beside ours were printed.
    """

    number: int
    title: str
    profile: str | None
    grid: tuple[tuple[Panel, ...], ...]
    caption: str
    notes: tuple[str, ...] = ()
    fill: str | None = None
    source: str | None = None

    def panels(self) -> Iterator[Panel]:
        """The panels, row by row."""
        for row in self.grid:
            yield from row

    def cells(self) -> list[Cell]:
        """Every cell that the figure is made of, in the order of the panels."""
        found: list[Cell] = []
        for panel in self.panels():
            if isinstance(panel, LinePanel):
                found += [point.cell for series in panel.series for point in series.points]
            elif isinstance(panel, DensityPanel):
                found += [series.cell for series in panel.series]
            elif isinstance(panel, ProjectionPanel):
                found.append(panel.cell)
        return found
