"""Figure 1: what the paper's section 3.4 and the caption say of the losses, and what their formulas imply."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar

from lsncli.errors import LsnError
from lsncli.parameters import validate
from lsncli.synthetic.loss_curves import (
    CURVES,
    LossCurvesParams,
    backward,
    forward,
    loss_curves,
    minimum_of_smoothed,
    smoothed,
    standard,
)

alphas = st.floats(0.01, 0.95)
margins = st.floats(-25, 25)


def both_losses(z: float) -> np.ndarray:
    """ℓ(f) of scores f = (z, 0): cross-entropy of the softmax, written out."""
    p = np.exp([z, 0.0]) / np.exp([z, 0.0]).sum()
    return -np.log(p)


@given(margins, alphas)
def test_rows_of_table_1(z: float, alpha: float) -> None:
    eye, ones = np.eye(2), np.ones((2, 2))
    smoothing = (1 - alpha) * eye + alpha / 2 * ones
    correction = eye / (1 - alpha) - alpha / ((1 - alpha) * 2) * ones
    at = np.array([z])
    assert standard(at, alpha)[0] == pytest.approx(both_losses(z)[0], rel=1e-9, abs=1e-9)
    assert smoothed(at, alpha)[0] == pytest.approx((smoothing @ both_losses(z))[0], rel=1e-9, abs=1e-9)
    assert backward(at, alpha)[0] == pytest.approx((correction @ both_losses(z))[0], rel=1e-8, abs=1e-8)


@given(margins, alphas)
def test_forward_is_the_loss_of_the_corrected_probability(z: float, alpha: float) -> None:
    transition = (1 - alpha) * np.eye(2) + alpha / 2 * np.ones((2, 2))
    p = np.exp(-both_losses(z))
    assert forward(np.array([z]), alpha)[0] == pytest.approx(-np.log((transition.T @ p)[0]), rel=1e-9)


@pytest.mark.parametrize("alpha", [0.1, 0.2, 0.6])
def test_all_cross_at_a_margin_of_zero(alpha: float) -> None:
    # Both classes have probability 1/2, which every one of the matrices leaves as it is.
    for curve in CURVES.values():
        assert curve(np.zeros(1), alpha)[0] == pytest.approx(np.log(2))


@pytest.mark.parametrize("alpha", [0.1, 0.2, 0.6])
def test_what_the_caption_says(alpha: float) -> None:
    far = np.array([-1e6, 1e6])
    # "The standard logistic loss vanishes for large positive predictions, and is linear for large negative" ones.
    assert standard(far, alpha) == pytest.approx([1e6, 0.0])
    # "Forward correction makes the loss saturate for large negative predictions": σ → 0 leaves −log(α/2).
    assert forward(far, alpha) == pytest.approx([-np.log(alpha / 2), -np.log(1 - alpha / 2)])
    # "Backward correction makes the loss negative for large positive predictions":
    # −(α/2)/(1 − α) per unit of margin.
    assert backward(far, alpha)[1] == pytest.approx(-1e6 * alpha / 2 / (1 - alpha))
    assert smoothed(far, alpha) == pytest.approx([(1 - alpha / 2) * 1e6, alpha / 2 * 1e6])


@pytest.mark.parametrize("alpha", [0.1, 0.2, 0.6])
def test_the_smoothed_loss_has_a_finite_positive_minimum(alpha: float) -> None:
    # An independent minimiser (Brent's method) finds the place and the value of the closed form.
    found = minimize_scalar(lambda z: float(smoothed(np.array([z]), alpha)[0]), bracket=(-1, 3), tol=1e-12)
    at, least = minimum_of_smoothed(alpha)
    assert at == pytest.approx(found.x, abs=1e-4)
    assert at == pytest.approx(np.log((2 - alpha) / alpha))
    assert least == pytest.approx(found.fun, abs=1e-12)
    assert least > 0


def test_the_table_of_the_figure() -> None:
    table = loss_curves(LossCurvesParams(alpha=0.4, lowest=-2, highest=2, points=5))
    np.testing.assert_allclose(table[0], [-2, -1, 0, 1, 2])
    for row, curve in zip(table[1:], CURVES.values(), strict=True):
        np.testing.assert_array_equal(row, curve(table[0], 0.4))


@pytest.mark.parametrize(
    "values",
    [
        {"alpha": 0.0},
        {"alpha": 1.0},
        {"points": 1},
        {"lowest": 2.0, "highest": 1.0},
        {"alhpa": 0.1},
        {"alpha": "x"},
    ],
)
def test_impossible_parameters(values: dict[str, object]) -> None:
    with pytest.raises(LsnError, match="figure 1"):
        validate(LossCurvesParams, values, where="--set", subject="figure 1")
