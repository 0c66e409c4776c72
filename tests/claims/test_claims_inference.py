"""Paired statistics against scipy.stats, hand computation, and the properties that they must have."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from lsncli.report.claims import inference

DIFFERENCES = [1.0, 2.0, 4.0, 3.0, -0.5, 2.5]
numbers = st.floats(-100, 100, allow_nan=False).map(lambda x: round(x, 3))


def test_by_hand() -> None:
    # Mean 2; squared deviations 1 + 0 + 1 = 2, so std = sqrt(2/2) = 1; the 97.5 % quantile of t with 2 degrees
    # of freedom is 4.302653 (any table), so the half width is 4.302653/sqrt(3) = 2.484138.
    found = inference.paired([1.0, 2.0, 3.0])
    assert (found.n, found.mean, found.std, found.effect_size) == (3, 2.0, 1.0, 2.0)
    assert found.ci_low == pytest.approx(2 - 2.484138, abs=1e-6)
    assert found.ci_high == pytest.approx(2 + 2.484138, abs=1e-6)
    # With 2 degrees of freedom P(|T| > t) = 1 - t/sqrt(2 + t²); here t = 2·sqrt(3).
    t = 2 * math.sqrt(3)
    assert found.p == pytest.approx(1 - t / math.sqrt(2 + t * t))
    assert found.p_wilcoxon is None


def test_against_scipy() -> None:
    found = inference.paired(DIFFERENCES)
    reference = stats.ttest_1samp(DIFFERENCES, 0)
    interval = reference.confidence_interval(0.95)
    assert found.p == pytest.approx(reference.pvalue)
    assert (found.ci_low, found.ci_high) == pytest.approx((interval.low, interval.high))
    assert found.p_wilcoxon == pytest.approx(stats.wilcoxon(DIFFERENCES, method="exact").pvalue)


@given(st.lists(numbers, min_size=3, max_size=12).filter(lambda d: len(set(d)) > 1))
def test_t_test_like_scipys(differences: list[float]) -> None:
    found = inference.paired(differences)
    assert found.p == pytest.approx(stats.ttest_1samp(differences, 0).pvalue, abs=1e-9)
    above = stats.ttest_1samp(differences, -1.0, alternative="greater").pvalue
    assert inference.above(differences, -1.0) == pytest.approx(above, abs=1e-9)
    below = stats.ttest_1samp(differences, 1.0, alternative="less").pvalue
    assert inference.below(differences, 1.0) == pytest.approx(below, abs=1e-9)
    # An interval leaves zero out exactly where the two-sided test is significant at its level.
    assert found.ci_low is not None
    assert found.ci_high is not None
    if abs(found.p - 0.05) > 1e-6:
        assert (found.ci_low > 0 or found.ci_high < 0) == (found.p < 0.05)


@given(st.lists(st.integers(-30, 30).map(float), min_size=6, max_size=10, unique_by=abs))
def test_signed_ranks_like_scipys_without_ties(differences: list[float]) -> None:
    kept = [d for d in differences if d]
    assert inference.wilcoxon(differences) == pytest.approx(stats.wilcoxon(kept, method="exact").pvalue)


def test_signed_ranks_with_ties_and_zeros() -> None:
    # Sizes 1, 1, 2 have ranks 1.5, 1.5, 3. With signs (+, +, +) the rank sum is extreme: 2 of 8 assignments.
    assert inference.wilcoxon([1.0, 1.0, 2.0, 0.0]) == 2 / 8
    # (+, -, +): the smaller sum is 1.5; sums ≤ 1.5 are 0, 1.5, 1.5: three of eight, doubled.
    assert inference.wilcoxon([1.0, -1.0, 2.0]) == 6 / 8
    assert inference.wilcoxon([0.0] * 7) == 1.0


@pytest.mark.parametrize("n", [2, 3, 5, 8])
def test_equal_differences_have_no_t_test(n: int) -> None:
    found = inference.paired([0.5] * n)
    # Signs alone: all n of one sign has probability 2·2^-n.
    assert (found.constant, found.p) == (True, 2 * 2.0**-n)
    assert (found.mean, found.std, found.ci_low, found.ci_high, found.effect_size) == (0.5, 0.0, None, None, None)
    zero = inference.paired([0.0] * n)
    assert (zero.p, zero.mean, zero.ci_low, zero.ci_high, zero.effect_size) == (1.0, 0.0, 0.0, 0.0, 0.0)


def test_none_and_one() -> None:
    assert inference.paired([]) == inference.Paired(0)
    one = inference.paired([0.25])
    assert (one.n, one.mean) == (1, 0.25)
    assert (one.std, one.p, one.ci_low, one.effect_size) == (None, None, None, None)
    assert inference.above([3.0], 0.0) == 1.0


def test_equal_differences_stay_equal_in_floating_point() -> None:
    # 0.3 - 0.2 and 0.8 - 0.7 differ in their last bits, but not as measurements.
    assert 0.3 - 0.2 != 0.8 - 0.7
    assert inference.difference(0.2, 0.3) == inference.difference(0.7, 0.8) == 0.1
    assert inference.difference(0.0, 0.0) == 0.0
    assert math.isnan(inference.difference(math.nan, 1.0))
    assert inference.difference(1.0, math.inf) == math.inf


def test_margins_like_scipys() -> None:
    inside, outside = inference.equivalent(DIFFERENCES, 5.0)
    high = stats.ttest_1samp(DIFFERENCES, 5.0, alternative="less").pvalue
    low = stats.ttest_1samp(DIFFERENCES, -5.0, alternative="greater").pvalue
    assert inside == pytest.approx(max(high, low))
    assert outside == 1.0
    trailing, behind = inference.not_worse([-x for x in DIFFERENCES], 1.0)
    assert trailing == pytest.approx(
        stats.ttest_1samp([-x for x in DIFFERENCES], -1.0, alternative="greater").pvalue
    )
    assert behind == pytest.approx(stats.ttest_1samp([-x for x in DIFFERENCES], -1.0, alternative="less").pvalue)
    far = [10.0, 10.1, 9.9, 10.2]
    assert inference.equivalent(far, 1.0)[1] == pytest.approx(
        2 * stats.ttest_1samp(far, 1.0, alternative="greater").pvalue
    )


def test_margins_of_equal_differences() -> None:
    # All four within the margin: the sign test's one-sided 2^-4 on either side.
    assert inference.equivalent([0.5] * 4, 1.0) == (2.0**-4, 1.0)
    assert inference.not_worse([-2.0] * 4, 1.0) == (1.0, 2.0**-4)
    # Exactly on the margin is not inside it.
    assert inference.not_worse([-1.0] * 4, 1.0) == (1.0, 1.0)


def test_holm_by_hand() -> None:
    # Ordered .01, .02, .03, .04 times 4, 3, 2, 1 = .04, .06, .06, .04, made monotone: .04, .06, .06, .06.
    assert inference.holm([0.04, 0.01, 0.03, 0.02]) == pytest.approx([0.06, 0.04, 0.06, 0.06])
    assert inference.holm([0.6, 0.9]) == [1.0, 1.0]
    assert inference.holm([]) == []


@given(st.lists(st.floats(0, 1), max_size=20))
def test_holm_never_helps(ps: list[float]) -> None:
    adjusted = inference.holm(ps)
    assert all(p <= a <= 1 for p, a in zip(ps, adjusted, strict=True))
    order = sorted(range(len(ps)), key=ps.__getitem__)
    assert [adjusted[i] for i in order] == sorted(adjusted)
