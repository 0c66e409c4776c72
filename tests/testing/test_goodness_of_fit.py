"""The test that compares counts with probabilities keeps its promise, whatever is expected."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from lsncli.testing.goodness import fit
from lsncli.testing.noise_models import SIGNIFICANCE


def test_pearsons_statistic_by_hand() -> None:
    """60 and 40 where 50 each are expected: 10²/50 twice."""
    found = fit(np.array([[60.0, 40.0]]), np.array([[0.5, 0.5]]))
    assert (found.statistic, found.freedom) == (pytest.approx(4.0), 1)
    assert found.probability == pytest.approx(stats.chi2.sf(4.0, 1), rel=0.02)


def test_rare_cells_of_a_row_become_one() -> None:
    """Of 100, three cells of 2 expected each are one of 6, in which 12 are counted: (12 − 6)²/6 + (88 − 94)²/94."""
    found = fit(np.array([[88.0, 4.0, 4.0, 4.0]]), np.array([[0.94, 0.02, 0.02, 0.02]]))
    assert (found.statistic, found.freedom) == (pytest.approx(6 + 36 / 94), 1)


def test_rare_cells_of_all_rows_become_one() -> None:
    """Two rows of 100 with one expected each, of which three are counted: (3 − 2)²/2, and rows of one cell each."""
    found = fit(np.array([[98.0, 2.0], [1.0, 99.0]]), np.array([[0.99, 0.01], [0.01, 0.99]]))
    assert (found.statistic, found.freedom) == (pytest.approx(0.5), 1)


def test_nothing_to_compare() -> None:
    """A class without examples, and one that keeps all its labels."""
    assert fit(np.array([[0.0, 0.0], [0.0, 9.0]]), np.eye(2)).probability == 1.0


@pytest.mark.parametrize("count", [50, 2000])
@pytest.mark.parametrize("rate", [2e-5, 1e-4, 3e-4, 1e-3, 2.6e-3, 1e-2, 0.1, 0.5])
def test_how_often_right_counts_are_called_wrong(count: int, rate: float) -> None:
    """Exactly, for a row of two cells: the binomial probability of all the counts that are called wrong."""
    probabilities = np.array([[1 - rate, rate]])
    wrong = [
        hit
        for hit in range(count + 1)
        if fit(np.array([[count - hit, float(hit)]]), probabilities).probability <= SIGNIFICANCE
    ]
    assert stats.binom.pmf(wrong, count, rate).sum() <= SIGNIFICANCE


def test_too_many_rare_flips_are_found() -> None:
    """Where one in 10,000 of four classes' 20,000 labels each should flip (8 in all), 40 did."""
    matrix = (1 - 1e-4) * np.eye(4) + 1e-4 / 3 * (1 - np.eye(4))
    counts = np.where(np.eye(4) == 1, 20_000 - 10, 10 / 3)
    assert fit(counts, matrix).probability <= SIGNIFICANCE
