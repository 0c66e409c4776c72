"""The anchor-point estimate and the distances between transition matrices."""

from __future__ import annotations

import math

import numpy as np
import pytest

from lsncli.components import EstimatorContext
from lsncli.errors import LsnError
from lsncli.estimators.anchor import anchor_estimate
from lsncli.estimators.distance import condition_number, distances, mean_absolute_error, total_variation
from lsncli.estimators.plugin import AnchorParams, _anchor, _true
from lsncli.registry import registry

PREDICTED = np.array(
    [
        [0.9, 0.1, 0.0],
        [0.7, 0.2, 0.1],
        [0.2, 0.6, 0.2],
        [0.1, 0.8, 0.1],
        [0.3, 0.3, 0.4],
        [0.0, 0.1, 0.9],
    ]
)


def test_argmax_takes_the_best_example_of_each_class() -> None:
    # By hand: examples 0, 3 and 5 have the largest first, second and third probability.
    assert anchor_estimate(PREDICTED, None) == pytest.approx(PREDICTED[[0, 3, 5]])


def test_percentile_leaves_out_the_best() -> None:
    # Six examples: the 100th percentile is the largest value itself, so the second largest is the anchor:
    # 0.7 (example 1), 0.6 (example 2), 0.4 (example 4).
    assert anchor_estimate(PREDICTED, 100.0) == pytest.approx(PREDICTED[[1, 2, 4]])


def test_percentile_is_an_existing_value_the_higher_one() -> None:
    # 1000 examples with p = 0.001 … 1.000: position 0.999 · 999 = 998.001 lies between the two largest; the
    # higher one, 1.000, is the threshold, and 0.999 the anchor.
    p = np.arange(1, 1001) / 1000
    estimate = anchor_estimate(np.stack([p, 1 - p], axis=1), 99.9)
    assert estimate[0] == pytest.approx([0.999, 0.001])
    # Position 0.97 · 999 = 969.03: the higher one is p[970] = 0.971, the anchor 0.970.
    assert anchor_estimate(np.stack([p, 1 - p], axis=1), 97.0)[0] == pytest.approx([0.970, 0.030])


def test_a_class_is_not_disturbed_by_the_one_before() -> None:
    # Overwriting a column in place would make later anchors read the overwritten predictions.
    before = PREDICTED.copy()
    estimate = anchor_estimate(PREDICTED, 100.0)
    assert (before == PREDICTED).all()
    assert np.isfinite(estimate).all()


def test_rows_sum_to_one_even_for_unnormalised_predictions() -> None:
    estimate = anchor_estimate(PREDICTED * 0.5, None)
    assert estimate.sum(axis=1) == pytest.approx([1.0, 1.0, 1.0])


def test_equal_predictions_have_an_anchor() -> None:
    assert anchor_estimate(np.full((4, 2), 0.5), 99.9) == pytest.approx(np.full((2, 2), 0.5))


@pytest.mark.parametrize("bad", [np.zeros((0, 3)), np.array([0.1, 0.9]), np.array([[np.nan, 1.0]])])
def test_bad_predictions(bad: np.ndarray) -> None:
    with pytest.raises(ValueError, match="finite predictions"):
        anchor_estimate(bad, None)


def test_a_perfect_network_gives_the_true_matrix() -> None:
    """If p(·|x) = Tᵀ e_y at the surest examples, the estimate is T (Patrini et al., theorem 3)."""
    true = np.array([[0.8, 0.15, 0.05], [0.1, 0.7, 0.2], [0.05, 0.05, 0.9]])
    generator = np.random.default_rng(0)
    clean = np.concatenate([np.eye(3), generator.dirichlet([0.3] * 3, size=500)])
    assert anchor_estimate(clean @ true, None) == pytest.approx(true)


def test_builders() -> None:
    context = EstimatorContext(3, np.eye(3))
    assert _anchor(AnchorParams(argmax=True), context)(PREDICTED, None) == pytest.approx(PREDICTED[[0, 3, 5]])
    assert _true(None, context)(None, None) == pytest.approx(np.eye(3))
    with pytest.raises(LsnError, match="no transition matrix"):
        _true(None, EstimatorContext(3))
    assert registry().get("estimator", "anchor").needs == {"predictions"}
    assert registry().get("estimator", "true").needs == frozenset()


def test_mixing_with_the_identity() -> None:
    """(1-w) T + w I stays row-stochastic; a rank-one T becomes invertible: eigenvalues w (L-1 times) and 1."""
    rank_one = np.tile([0.2, 0.3, 0.5], (3, 1))
    context = EstimatorContext(3)
    flat = np.tile([0.2, 0.3, 0.5], (5, 1))
    assert _anchor(AnchorParams(), context)(flat, None) == pytest.approx(rank_one)
    mixed = _anchor(AnchorParams(identity_weight=0.25), context)(flat, None)
    assert mixed.sum(axis=1) == pytest.approx([1.0, 1.0, 1.0])
    assert sorted(np.linalg.eigvals(mixed).real) == pytest.approx([0.25, 0.25, 1.0])


def test_distances_by_hand() -> None:
    true = np.array([[0.8, 0.2], [0.2, 0.8]])
    estimate = np.array([[0.7, 0.3], [0.2, 0.8]])
    assert mean_absolute_error(estimate, true) == pytest.approx((0.1 + 0.1) / 4)
    assert total_variation(estimate, true) == pytest.approx([0.1, 0.0])
    # Symmetric: eigenvalues 1 and 0.6, so the ratio of singular values is 5/3.
    assert condition_number(true) == pytest.approx(5 / 3)
    assert math.isinf(condition_number(np.full((2, 2), 0.5))) or condition_number(np.full((2, 2), 0.5)) > 1e15
    assert distances(estimate, true)["transition_total_variation_max"] == pytest.approx(0.1)
    assert set(distances(estimate, None)) == {"transition_condition_number"}
