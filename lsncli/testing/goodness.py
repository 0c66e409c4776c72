"""Whether counts are what probabilities say: a test that is right for rare events as well.

χ² is the distribution of a statistic of many expected counts of many. Cells of few are pooled, and two statistics
are asked, of which each errs where the other does not: Pearson's makes too much of one rare event, the likelihood
ratio of many cells with few counts each. Counts are wrong only where both say so.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special, stats

Numbers = npt.NDArray[np.float64]

#: Cells with fewer expected counts are pooled.
FEWEST = 5


@dataclass(frozen=True, slots=True)
class Fit:
    """Pearson's χ² and its degrees of freedom.

    probability: how often right probabilities give counts as far off: the larger of what χ² and the likelihood
        ratio say.
    """

    statistic: float
    freedom: int
    probability: float


def fit(counts: Numbers, probabilities: Numbers) -> Fit:
    """Compare counts ``[R, C]`` with probabilities ``[R, C]`` whose rows sum to one; the rows' totals are given.

    A cell of probability 0 is left out: that nothing is counted there is for the caller to see.
    """
    cells, freedom = _pooled(counts, counts.sum(axis=1, keepdims=True) * probabilities)
    if not freedom:
        return Fit(0.0, 0, 1.0)
    found, expected = np.array(cells).T
    pearson = float(((found - expected) ** 2 / expected).sum())
    ratio = float(2 * special.kl_div(found, expected).sum())
    return Fit(pearson, freedom, max(float(stats.chi2.sf(value, freedom)) for value in (pearson, ratio)))


def _pooled(counts: Numbers, expected: Numbers) -> tuple[list[tuple[float, float]], int]:
    """Cells (count, expected count), and their degrees of freedom.

    A row's rare cells become one. Where that is still rare it joins the row's most frequent cell, and all such
    cells together make one more cell of all the rows, whose count has nearly a Poisson distribution.
    """
    cells: list[tuple[float, float]] = []
    freedom, left = 0, np.zeros(2)
    for row in np.stack((counts, expected), axis=2):
        possible = row[row[:, 1] > 0]
        if not len(possible):
            continue
        possible = possible[np.argsort(possible[:, 1])]
        few = possible[:, 1] < FEWEST
        few[-1] = False
        rare, of_row = possible[few].sum(axis=0), possible[~few]
        if rare[1] >= FEWEST:
            of_row = np.vstack((rare, of_row))
        else:
            of_row[-1] += rare
            left += rare
        cells += [(float(found), float(wanted)) for found, wanted in of_row]
        freedom += len(of_row) - 1
    if left[1] > 0:
        cells.append((float(left[0]), float(left[1])))
        freedom += 1
    return cells, freedom
