"""Statistics of paired differences: interval, effect size, tests against zero and against a margin.

Everything here takes the differences themselves, one per pair of runs (same seed, one thing changed).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

CONFIDENCE = 0.95
#: Below this many pairs nothing is tested: a standard deviation of two numbers says next to nothing.
FEWEST_PAIRS = 3
#: From this many pairs on Wilcoxon's signed-rank test can reach p < 0.05 (its smallest two-sided p is 2^(1-n)).
FEWEST_FOR_WILCOXON = 6
#: Digits of the larger operand to which a difference of two floating-point numbers means anything.
_DIGITS = 12


@dataclass(frozen=True, slots=True)
class Paired:
    """What n paired differences say, in their own unit.

    mean; std: sample standard deviation (ddof 1), None for n < 2. ci_low, ci_high: 95 % t interval of the mean.
    effect_size: Cohen's d_z = mean/std. p: two-sided paired t-test against zero; p_wilcoxon: the signed-rank
    test, for n ≥ 6. constant: all differences are equal, so that the t-test has no answer: p is then that of the
    exact sign test, 2^(1-n) (1 if they are all zero), and interval and effect size are None unless all are zero.
    """

    n: int
    mean: float | None = None
    std: float | None = None
    ci_low: float | None = None
    ci_high: float | None = None
    effect_size: float | None = None
    p: float | None = None
    p_wilcoxon: float | None = None
    constant: bool = False


def difference(reference: float, compared: float) -> float:
    """``compared - reference`` without the last binary digits, which would tell equal differences apart."""
    scale = max(abs(reference), abs(compared))
    if scale == 0 or not math.isfinite(scale):
        return compared - reference
    return round(compared - reference, _DIGITS - 1 - math.floor(math.log10(scale)))


def paired(differences: Sequence[float]) -> Paired:
    """The statistics of finite ``differences``; see :class:`Paired`."""
    n = len(differences)
    if n == 0:
        return Paired(0)
    mean = math.fsum(differences) / n
    if n == 1:
        return Paired(1, mean)
    if is_constant(differences):
        return _constant(differences[0], n)
    std = math.sqrt(math.fsum((d - mean) ** 2 for d in differences) / (n - 1))
    half = _t_quantile(n - 1, 0.5 + CONFIDENCE / 2) * std / math.sqrt(n)
    return Paired(
        n,
        mean,
        std,
        mean - half,
        mean + half,
        mean / std,
        2 * _t_cdf(n - 1, -abs(mean) / std * math.sqrt(n)),
        wilcoxon(differences) if n >= FEWEST_FOR_WILCOXON else None,
    )


def is_constant(differences: Sequence[float]) -> bool:
    """Whether all differences are the same number."""
    return all(d == differences[0] for d in differences)


def _constant(value: float, n: int) -> Paired:
    p = 1.0 if value == 0 else 2.0 ** (1 - n)
    exact = 0.0 if value == 0 else None
    signed_ranks = wilcoxon([value] * n) if n >= FEWEST_FOR_WILCOXON else None
    return Paired(n, value, 0.0, exact, exact, exact, p, signed_ranks, constant=True)


def above(differences: Sequence[float], bound: float) -> float:
    """One-sided p for "the mean is above ``bound``" (t-test; equal differences: exact sign test)."""
    n = len(differences)
    mean = math.fsum(differences) / n
    if n == 1:
        return 1.0
    if is_constant(differences):
        return 2.0**-n if differences[0] > bound else 1.0
    std = math.sqrt(math.fsum((d - mean) ** 2 for d in differences) / (n - 1))
    return _t_cdf(n - 1, -(mean - bound) / std * math.sqrt(n))


def below(differences: Sequence[float], bound: float) -> float:
    """One-sided p for "the mean is below ``bound``"."""
    return above([-d for d in differences], -bound)


def not_worse(differences: Sequence[float], margin: float) -> tuple[float, float]:
    """Non-inferiority: p for "trails by less than ``margin``", and p for "trails by more than it"."""
    return above(differences, -margin), below(differences, -margin)


def equivalent(differences: Sequence[float], margin: float) -> tuple[float, float]:
    """Equivalence by two one-sided tests (Schuirmann 1987).

    The first p is for "the mean lies within ±margin" (the larger of the two), the second for "it lies outside"
    (twice the smaller of the two opposite tests, at most 1).
    """
    inside = max(above(differences, -margin), below(differences, margin))
    outside = min(above(differences, margin), below(differences, -margin))
    return inside, min(1.0, 2 * outside)


def wilcoxon(differences: Sequence[float]) -> float:
    """Two-sided p of Wilcoxon's signed-rank test, exact with ties too; zeros are left out, all zeros give 1.

    Under the hypothesis every rank is positive or negative with equal chance: the distribution of the sum of the
    positive ones is counted, in half ranks, which are whole numbers. (scipy.stats takes a second to import.)
    """
    kept = [d for d in differences if d]
    sizes = sorted(map(abs, kept))
    # Twice the mean rank of equal sizes: first + last position, counted from 1.
    ranks = [sizes.index(abs(d)) + 1 + len(sizes) - sizes[::-1].index(abs(d)) for d in kept]
    total = sum(ranks)
    ways = [1] + [0] * total
    for rank in ranks:
        for value in range(total, rank - 1, -1):
            ways[value] += ways[value - rank]
    positive = sum(rank for rank, d in zip(ranks, kept, strict=True) if d > 0)
    smaller = min(positive, total - positive)
    return min(1.0, 2 * sum(ways[: smaller + 1]) / float(2 ** len(kept)))


def holm(ps: Sequence[float]) -> list[float]:
    """Holm's (1979) step-down adjustment of a family of p-values, in their order."""
    order = sorted(range(len(ps)), key=lambda i: ps[i])
    adjusted = [0.0] * len(ps)
    largest = 0.0
    for rank, index in enumerate(order):
        largest = max(largest, min(1.0, (len(ps) - rank) * ps[index]))
        adjusted[index] = largest
    return adjusted


def _t_cdf(freedom: int, value: float) -> float:
    from scipy import special

    return float(special.stdtr(freedom, value))


def _t_quantile(freedom: int, probability: float) -> float:
    from scipy import special

    return float(special.stdtrit(freedom, probability))
