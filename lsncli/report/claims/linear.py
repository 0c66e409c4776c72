"""Figure 5 as pairs: each step of smoothing, and of shrinkage, against the one before, on repeated samples.

How far a separator is from the Bayes-optimal one, x₁ + x₂ = 0, is told where it crosses the diagonal on which
both means lie, in the units of x: √2·|c| for the point (c, c).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from lsncli.report.claims.claim import Comparison, Pair

if TYPE_CHECKING:
    from lsncli.report.claims.evidence import Evidence

REPETITIONS = 10
QUANTITY = "distance of the separator from the Bayes-optimal one"


def smoothing_moves_back(evidence: Evidence | None = None) -> list[Comparison]:
    """Every α against the next smaller one, from α = 0 on, without a penalty; computed, not looked up."""
    return _steps("label smoothing", "α", smoothed=True)


def shrinkage_moves_back(evidence: Evidence | None = None) -> list[Comparison]:
    """Every L2 penalty against the next smaller one, from none on, without smoothing; computed, not looked up.

    The intercept is penalised as well: with one of its own, the greatest penalty moves the separator away again.
    """
    return _steps("L2 penalty, of the intercept too", "λ", smoothed=False)


def _steps(what: str, symbol: str, *, smoothed: bool) -> list[Comparison]:
    from lsncli.synthetic.separators import SeparatorsParams

    params = SeparatorsParams()
    levels = [0.0, *sorted(params.alphas if smoothed else params.strengths)]
    found = [_distances(seed, levels, smoothed=smoothed) for seed in range(REPETITIONS)]
    flipped = f"{100 * params.noise_rate:g} % of the negatives flipped"
    return [
        Comparison(
            setting=f"two Gaussians, {flipped} · logistic regression · {what}",
            reference=f"{symbol}={levels[i]:g}",
            compared=f"{symbol}={levels[j]:g}",
            pairs=tuple(Pair(f"seed {seed}", values=(row[i], row[j])) for seed, row in enumerate(found)),
        )
        for i, j in pairwise(range(len(levels)))
    ]


def _distances(seed: int, levels: Sequence[float], *, smoothed: bool) -> list[float]:
    """The distance at each level of α (``smoothed``) or λ, for the sample of one seed."""
    from lsncli.synthetic.logistic import crossing, fit
    from lsncli.synthetic.separators import SeparatorsParams, sample

    drawn = sample(SeparatorsParams(seed=seed))
    fits = [
        fit(drawn.points, (1 - level) * drawn.given + level / 2)
        if smoothed
        else fit(drawn.points, drawn.given, strength=level)
        for level in levels
    ]
    return [math.sqrt(2) * abs(crossing(w)) for w in fits]
