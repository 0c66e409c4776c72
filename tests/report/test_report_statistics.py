"""Means, sample standard deviations and the comparison with a published mean."""

from __future__ import annotations

import math
import statistics as reference

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lsncli.report.statistics import differs, mean, sample_std
from lsncli.report.table import Published
from lsncli.report.wording import in_unit, mean_and_std, number, unit_of

numbers = st.lists(st.floats(min_value=-1e6, max_value=1e6), min_size=2, max_size=20)


@given(numbers)
def test_agrees_with_the_standard_library(values: list[float]) -> None:
    # statistics.stdev is exact rational arithmetic with n - 1 in the denominator.
    assert mean(values) == pytest.approx(reference.fmean(values), rel=1e-12, abs=1e-9)
    assert sample_std(values) == pytest.approx(reference.stdev(values), rel=1e-9, abs=1e-6)


def test_by_hand() -> None:
    # Mean (1+2+3+4)/4 = 2.5; squares 2.25+0.25+0.25+2.25 = 5, divided by 3 (not 4).
    assert mean([1.0, 2.0, 3.0, 4.0]) == 2.5
    assert sample_std([1.0, 2.0, 3.0, 4.0]) == pytest.approx(math.sqrt(5 / 3))


def test_equal_values_have_no_spread() -> None:
    # 0.1 + 0.1 + 0.1 divided by 3 is not 0.1 in floating point.
    assert mean([0.1, 0.1, 0.1]) != 0.1
    assert sample_std([0.1, 0.1, 0.1]) == 0.0


def test_too_few_values() -> None:
    assert mean([]) is None
    assert sample_std([]) is None
    assert sample_std([7.0]) is None


def test_values_that_are_not_finite() -> None:
    assert mean([1.0, math.inf]) == math.inf
    assert math.isnan(mean([math.inf, -math.inf]) or 0.0)
    assert math.isnan(sample_std([1.0, math.inf]) or 0.0)


@pytest.mark.parametrize(
    ("ours", "expected"),
    [
        # SE² = 0.5²/5 + 0.5²/5 = 0.1; 2·sqrt(0.1) = 0.632…
        (60.63, False),
        (60.64, True),
        (59.37, False),
        (59.36, True),
    ],
)
def test_two_combined_standard_errors(ours: float, expected: bool) -> None:
    assert differs(ours, 0.5, 5, Published(60.0, 0.5, 5)) is expected


def test_no_comparison_without_both_deviations() -> None:
    assert differs(60.0, None, 1, Published(50.0, 0.5, 5)) is None
    assert differs(60.0, 0.5, 5, Published(50.0)) is None
    assert differs(60.0, 0.5, 5, None) is None
    assert differs(None, None, 0, Published(50.0, 0.5, 5)) is None
    assert differs(math.nan, 0.5, 5, Published(50.0, 0.5, 5)) is None


@pytest.mark.parametrize(
    ("metric", "unit"),
    [
        ("test_accuracy", "%"),
        ("train_accuracy_noisy_given", "%"),
        ("noise_flip_rate", "%"),
        ("test_ece_100", ""),
        ("test_loss", ""),
        ("images_per_second", ""),
        ("learning_rate", ""),
    ],
)
def test_only_accuracies_and_label_rates_are_percentages(metric: str, unit: str) -> None:
    assert unit_of(metric) == unit


def test_percentages_are_free_of_binary_noise() -> None:
    assert 0.57 * 100 != 57.0  # the trap
    assert in_unit(0.57, "%") == 57.0
    assert in_unit(0.57, "") == 0.57
    assert in_unit(math.inf, "%") == math.inf


@pytest.mark.parametrize(
    ("value", "metric", "text"),
    [
        (60.7, "test_accuracy", "60.70"),
        (0.108, "test_ece_100", "0.108"),
        (2.302585, "test_loss", "2.303"),
        (12345.6, "images_per_second", "12346"),
        (None, "test_loss", ""),
        (math.nan, "test_loss", "nan"),
        (-math.inf, "test_loss", "-inf"),
    ],
)
def test_digits(value: float | None, metric: str, text: str) -> None:
    assert number(value, metric) == text


@pytest.mark.parametrize(
    ("mean", "std", "metric", "told"),
    [
        (0.4599, 0.02148, "test_loss", ("0.460", "0.021")),
        (2.302585, 0.0996, "test_nll", ("2.30", "0.10")),  # 0.0996 is 0.10 in two digits, not 0.100
        (2.5, 9.96, "test_loss", ("2", "10")),
        (12345.6, 152.34, "images_per_second", ("12346", "152")),  # never to the left of the point
        (-0.001, 0.21, "test_loss", ("0.00", "0.21")),  # no zero has a sign
        (60.7, 0.4149, "test_accuracy", ("60.70", "0.41")),
        (60.7, 0.0041, "test_accuracy", ("60.70", "0.00")),
        (0.108, 0.0112, "test_ece_100", ("0.108", "0.011")),
        (0.4599, None, "test_loss", ("0.4599",)),
        (0.4599, 0.0, "test_loss", ("0.4599", "0")),
        (0.4599, 1e-12, "test_loss", ("0.4599", "1e-12")),
        (0.4599, math.nan, "test_loss", ("0.4599", "nan")),
        (math.inf, math.nan, "test_loss", ("inf", "nan")),
        (None, None, "test_loss", ("",)),
    ],
)
def test_a_mean_has_the_digits_of_its_deviation(
    mean: float | None, std: float | None, metric: str, told: tuple[str, ...]
) -> None:
    assert mean_and_std(mean, std, metric) == told
