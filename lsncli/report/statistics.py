"""The statistics of a cell: mean, sample standard deviation, and the comparison with a published number."""

from __future__ import annotations

import math
from collections.abc import Sequence

from lsncli.report.table import Published

#: Means further apart than this many combined standard errors are marked.
STANDARD_ERRORS = 2.0


def mean(values: Sequence[float]) -> float | None:
    """The arithmetic mean; None of nothing."""
    if not values:
        return None
    return _sum(values) / len(values)


def sample_std(values: Sequence[float]) -> float | None:
    """The sample standard deviation (ddof 1); None for fewer than two values, NaN if one is not finite."""
    if len(values) < 2:
        return None
    if not all(map(math.isfinite, values)):
        return math.nan
    if all(value == values[0] for value in values):
        # Their mean may be off by its last digit, which would be told as a spread.
        return 0.0
    centre = _sum(values) / len(values)
    return math.sqrt(math.fsum((value - centre) ** 2 for value in values) / (len(values) - 1))


def differs(ours: float | None, std: float | None, n: int, paper: Published | None) -> bool | None:
    """Whether two means are more than two combined standard errors apart, sqrt(std²/n + std²/n).

    None where one of the two has no standard deviation.
    """
    if ours is None or std is None or paper is None or paper.std is None or not paper.repeats:
        return None
    combined = math.sqrt(std**2 / n + paper.std**2 / paper.repeats)
    if not math.isfinite(ours) or not math.isfinite(combined):
        return None
    return abs(ours - paper.mean) > STANDARD_ERRORS * combined


def _sum(values: Sequence[float]) -> float:
    # fsum refuses inf - inf; the plain sum says nan.
    return math.fsum(values) if all(map(math.isfinite, values)) else sum(values)
