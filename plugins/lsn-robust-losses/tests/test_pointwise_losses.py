"""Losses of the label's probability: their formulas in numpy, their limits, their gradients."""

from __future__ import annotations

import math

import mpmath
import numpy as np
import pytest
from samples import at, build, call, cross_entropy, gradient, labels, logits, softmax

F, Y = logits(), labels()
P = at(softmax(F), Y)
EXACT = {"rtol": 1e-12, "atol": 1e-14}


@pytest.mark.parametrize("q", [0.05, 0.3, 0.7, 1.0])
def test_gce(q: float) -> None:
    np.testing.assert_allclose(call(build("gce", q=q), F, Y), (1 - P**q) / q, rtol=1e-11)


def test_gce_lies_between_cross_entropy_and_absolute_error() -> None:
    """(1 − e^{−qx})/q = x − qx²/2 + …, x = −log p: within qx²/2 of cross-entropy."""
    x = cross_entropy(F, Y)
    small = call(build("gce", q=1e-6), F, Y)
    assert (np.abs(small - x) <= 0.5e-6 * x**2 + 1e-13).all()
    np.testing.assert_allclose(call(build("gce", q=1.0), F, Y), call(build("mae"), F, Y) / 2, **EXACT)


@pytest.mark.parametrize("gap", [1e-9, 1e-3, 5.0, 400.0])
def test_gce_keeps_its_digits_where_float64_would_round(gap: float) -> None:
    """Two logits (gap, 0): against 400 digits, where 1 − p^q is tiny and where 1 − p is below 1e-170."""
    with mpmath.workdps(400):
        p = 1 / (1 + mpmath.exp(-mpmath.mpf(gap)))
        expected = [float((1 - value ** mpmath.mpf("0.01")) / mpmath.mpf("0.01")) for value in (p, 1 - p)]
    f = np.array([[gap, 0.0], [gap, 0.0]])
    found = call(build("gce", classes=2, q=0.01), f, np.array([0, 1]))
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-170)


def test_mae_is_the_distance_to_the_one_hot_label() -> None:
    distance = np.abs(softmax(F) - np.eye(5)[Y]).sum(axis=1)
    np.testing.assert_allclose(call(build("mae"), F, Y), distance, **EXACT)


@pytest.mark.parametrize("log_zero", [-4.0, math.log(1e-4)])
def test_rce_is_the_cross_entropy_of_the_swapped_distributions(log_zero: float) -> None:
    """−Σ_k p_k log q_k with log 1 = 0 and log 0 = A, term by term."""
    log_q = np.where(np.eye(5)[Y] == 1, 0.0, log_zero)
    expected = -(softmax(F) * log_q).sum(axis=1)
    np.testing.assert_allclose(call(build("rce", log_zero=log_zero), F, Y), expected, **EXACT)
    both = 0.1 * cross_entropy(F, Y) + 2.0 * expected
    found = call(build("sce", alpha=0.1, beta=2.0, log_zero=log_zero), F, Y)
    np.testing.assert_allclose(found, both, rtol=1e-12)


def test_rce_at_minus_two_is_mae() -> None:
    """−A (1 − p) = 2 (1 − p) at A = −2: Wang et al. call MAE a special case."""
    np.testing.assert_allclose(call(build("rce", log_zero=-2.0), F, Y), call(build("mae"), F, Y), **EXACT)


@pytest.mark.parametrize("gamma", [0.0, 0.5, 2.0])
def test_focal(gamma: float) -> None:
    np.testing.assert_allclose(call(build("focal", gamma=gamma), F, Y), -((1 - P) ** gamma) * np.log(P), rtol=1e-11)


def test_focal_without_focus_is_cross_entropy() -> None:
    np.testing.assert_array_equal(call(build("focal", gamma=0.0), F, Y), call(build("standard"), F, Y))


def test_focal_differentiates_its_weight() -> None:
    """d/df_k = (γ (1−p)^{γ−1} p log p − (1−p)^γ)(1[k=y] − p_k); with the weight taken as constant, the first
    term is missing."""
    gamma, p = 2.0, softmax(F)
    slope = gamma * (1 - P) ** (gamma - 1) * P * np.log(P) - (1 - P) ** gamma
    expected = slope[:, None] * (np.eye(5)[Y] - p)
    np.testing.assert_allclose(gradient(build("focal", gamma=gamma), F, Y), expected, rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("gamma", [0.1, 0.5, 1.0])
def test_focal_has_a_gradient_where_the_network_is_sure(gamma: float) -> None:
    """(1 − p)^γ has an infinite derivative at p = 1 for γ < 1; that of the loss is 0."""
    sure = np.array([[1e4, 0.0], [0.0, 1e4]])
    assert (gradient(build("focal", classes=2, gamma=gamma), sure, np.array([0, 1])) == 0).all()


@pytest.mark.parametrize("tau", [1.1, 2.0, 10.0])
def test_phuber(tau: float) -> None:
    expected = np.where(1 / tau < P, -np.log(P), -tau * P + math.log(tau) + 1)
    assert tau == 1.1 or 0 < (1 / tau < P).mean() < 1  # both pieces are seen
    np.testing.assert_allclose(call(build("phuber-ce", tau=tau), F, Y), expected, rtol=1e-12)


def test_phuber_with_a_large_threshold_is_cross_entropy() -> None:
    np.testing.assert_allclose(call(build("phuber-ce", tau=1e9), F, Y), cross_entropy(F, Y), rtol=1e-12)


@pytest.mark.parametrize("tau", [1.5, 10.0])
@pytest.mark.parametrize("q", [0.3, 0.7])
def test_phuber_gce(q: float, tau: float) -> None:
    """Below p₀, where d/dp (1 − p^q)/q = −p^{q−1} = −τ, the loss is the tangent at p₀."""
    p0 = tau ** (1 / (q - 1))
    value = (1 - p0**q) / q
    expected = np.where(p0 < P, (1 - P**q) / q, value - tau * (P - p0))
    np.testing.assert_allclose(call(build("phuber-gce", q=q, tau=tau), F, Y), expected, rtol=1e-11)


@pytest.mark.parametrize(("name", "params", "threshold"), [
    ("phuber-ce", {"tau": 4.0}, 0.25),
    ("phuber-gce", {"q": 0.5, "tau": 2.0}, 0.25),
])  # fmt: skip
def test_huberised_losses_bound_the_slope(name: str, params: dict[str, float], threshold: float) -> None:
    """dℓ/dp is −τ below the threshold, and continuous in it; dp/df_y = p (1 − p)."""
    p = np.array([1e-6, 0.1, threshold - 1e-9, threshold + 1e-9, 0.9])
    f = np.stack([np.log(p), np.log1p(-p)], axis=1)
    y = np.zeros(len(p), dtype=np.int64)
    slope = gradient(build(name, classes=2, **params), f, y)[:, 0] / (p * (1 - p))
    np.testing.assert_allclose(slope[:3], -params["tau"], rtol=1e-9)
    np.testing.assert_allclose(slope[3], -params["tau"], rtol=1e-7)
    assert -params["tau"] < slope[4] < 0


def test_unhinged_of_two_classes_is_one_minus_the_margin() -> None:
    f = logits(classes=2)
    y = labels(classes=2)
    sign = np.where(y == 1, 1, -1)
    expected = 1 - sign * (f[:, 1] - f[:, 0]) / 2
    np.testing.assert_allclose(call(build("unhinged", classes=2), f, y), expected, rtol=1e-12)


@pytest.mark.parametrize(("name", "total"), [("unhinged", 5.0), ("mae", 2.0 * 4), ("rce", 4.0 * 4)])
def test_sums_over_all_labels_do_not_depend_on_the_logits(name: str, total: float) -> None:
    """The condition for robustness to symmetric noise: Ghosh et al., theorem 1."""
    sums = sum(call(build(name), F, np.full(len(F), k)) for k in range(5))
    np.testing.assert_allclose(sums, total, rtol=1e-12)


@pytest.mark.parametrize("name", ["gce", "mae", "rce", "sce", "focal", "phuber-ce", "phuber-gce", "unhinged"])
def test_soft_targets_are_expectations(name: str) -> None:
    q = softmax(logits(seed=5, scale=1.0))
    each = np.stack([call(build(name), F, np.full(len(F), k)) for k in range(5)], axis=1)
    np.testing.assert_allclose(call(build(name), F, q), (q * each).sum(axis=1), rtol=1e-12)
