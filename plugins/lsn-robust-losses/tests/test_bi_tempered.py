"""The bi-tempered logistic loss: the published test values, roots by scipy, 50 digits by mpmath, and limits."""

from __future__ import annotations

from itertools import product

import mpmath
import numpy as np
import pytest
import torch
from samples import build, call, cross_entropy, gradient, labels, logits, softmax
from scipy.optimize import brentq

from lsn_robust_losses.tempered import tempered_log_softmax

F, Y = logits(), labels()

#: From the tests of the authors' code (github.com/google/bi-tempered-loss, tensorflow/loss_test.py). It iterates
#: five times: at t = 4 its probabilities do not sum to one, the last row's by 2e-3.
ACTIVATIONS = np.array([[-0.5, 0.1, 2.0], [0.1, 1.5, -5.0], [4.0, -3.0, -6.0]])
SOFT_LABELS = np.array([[0.2, 0.3, 0.5], [0.6, 0.3, 0.1], [0.2, 0.8, 0.0]])
LOSSES = [0.02301914, 0.18972909, 0.93874922]  # t1 = 0.5, t2 = 1.5
SOFTMAX_4 = [
    [0.3205458, 0.32714278, 0.3523402],
    [0.3430056, 0.36491093, 0.29220778],
    [0.41369352, 0.30534995, 0.28299212],
]


def test_the_authors_values() -> None:
    found = call(build("bi-tempered", classes=3, t1=0.5, t2=1.5), ACTIVATIONS, SOFT_LABELS)
    np.testing.assert_allclose(found, LOSSES, atol=1e-6)
    softmax_4 = tempered_log_softmax(torch.tensor(ACTIVATIONS), 4.0).exp()
    for ours, theirs in zip(softmax_4.numpy(), np.array(SOFTMAX_4), strict=True):
        assert np.abs(ours - theirs).max() < abs(theirs.sum() - 1)
        np.testing.assert_allclose(ours, theirs, atol=2e-3)


@pytest.mark.parametrize(("t1", "t2", "expected"), [(0.9, 1.1, 0.45677936), (0.7, 1.3, 0.26295574)])
def test_the_authors_values_at_other_temperatures(t1: float, t2: float, expected: float) -> None:
    found = call(build("bi-tempered", classes=3, t1=t1, t2=t2), ACTIVATIONS[:1], np.array([[0.2, 0.5, 0.3]]))
    assert found[0] == pytest.approx(expected, abs=1e-5)


def _probabilities(a: np.ndarray, t: float) -> np.ndarray:
    """exp_t(a − λ), λ found by bracketing: Σ is at least 1 at max a, at most 1 where no term exceeds 1/L."""

    def exp_t(x: np.ndarray) -> np.ndarray:
        return np.power(1 + (1 - t) * x, 1 / (1 - t))

    widest = ((1 / len(a)) ** (1 - t) - 1) / (1 - t)  # log_t(1/L)
    root = brentq(
        lambda c: exp_t(a - c).sum() - 1, a.max(), a.max() - 1.001 * widest, xtol=1e-13, rtol=1e-15, maxiter=500
    )
    return exp_t(a - root)


@pytest.mark.parametrize("t", [1.05, 1.2, 2.0, 4.0, 10.0])
def test_softmax_against_another_root_finder(t: float) -> None:
    for classes, scale in product((2, 10, 100), (0.1, 3.0, 50.0)):
        a = logits(4, classes, scale)
        expected = np.stack([_probabilities(row, t) for row in a])
        found = tempered_log_softmax(torch.tensor(a), t).exp().numpy()
        np.testing.assert_allclose(found, expected, rtol=1e-9)


@pytest.mark.parametrize("t", [1.001, 1.05, 1.5, 4.0, 10.0])
def test_softmax_sums_to_one(t: float) -> None:
    for classes, scale in product((2, 10, 1000), (0.0, 0.01, 1.0, 5.0, 30.0, 1e3, 1e6)):
        sums = tempered_log_softmax(torch.tensor(logits(20, classes, scale)), t).exp().sum(1)
        np.testing.assert_allclose(sums, 1.0, atol=1e-12)
        single = tempered_log_softmax(torch.tensor(logits(20, classes, scale)).float(), t).exp().sum(1)
        np.testing.assert_allclose(single, 1.0, atol=2e-4 if t < 1.01 else 1e-5)


def test_softmax_at_one_is_the_usual_one_and_its_limit() -> None:
    np.testing.assert_allclose(tempered_log_softmax(torch.tensor(F), 1.0).exp(), softmax(F), rtol=1e-12)
    np.testing.assert_allclose(tempered_log_softmax(torch.tensor(F), 1 + 1e-7).exp(), softmax(F), rtol=1e-5)


def test_softmax_ignores_a_shift() -> None:
    shifted = tempered_log_softmax(torch.tensor(F + 7.0), 2.5)
    np.testing.assert_allclose(shifted, tempered_log_softmax(torch.tensor(F), 2.5), rtol=1e-9)


def test_at_temperatures_one_it_is_cross_entropy() -> None:
    np.testing.assert_allclose(call(build("bi-tempered", t1=1.0, t2=1.0), F, Y), cross_entropy(F, Y), rtol=1e-12)
    q = softmax(logits(seed=3))
    divergence = (q * (np.log(q) - np.log(softmax(F)))).sum(1)
    np.testing.assert_allclose(call(build("bi-tempered", t1=1.0, t2=1.0), F, q), divergence, rtol=1e-10)


def test_towards_temperatures_one_it_tends_to_cross_entropy() -> None:
    near = call(build("bi-tempered", t1=1 - 1e-6, t2=1 + 1e-6), F, Y)
    np.testing.assert_allclose(near, cross_entropy(F, Y), rtol=1e-4)


@pytest.mark.parametrize(("t1", "t2"), [(0.2, 1.3), (0.8, 4.0), (0.0, 2.0)])
def test_a_label_against_fifty_digits(t1: float, t2: float) -> None:
    a = [1.5, -0.25, -3.0]
    with mpmath.workdps(50):
        u, v = mpmath.mpf(t1), mpmath.mpf(t2)

        def total(c: mpmath.mpf) -> mpmath.mpf:
            return sum((1 + (1 - v) * (mpmath.mpf(x) - c)) ** (1 / (1 - v)) for x in a) - 1

        c = mpmath.findroot(total, (mpmath.mpf(1.5), mpmath.mpf(4)), solver="anderson", tol=1e-40)
        p = [(1 + (1 - v) * (mpmath.mpf(x) - c)) ** (1 / (1 - v)) for x in a]
        expected = [
            float(-(p[y] ** (1 - u) - 1) / (1 - u) - (1 - sum(x ** (2 - u) for x in p)) / (2 - u)) for y in range(3)
        ]
    found = call(build("bi-tempered", classes=3, t1=t1, t2=t2), np.array([a] * 3), np.arange(3))
    np.testing.assert_allclose(found, expected, rtol=1e-11)


@pytest.mark.parametrize("t1", [0.0, 0.3, 0.8])
def test_it_is_bounded(t1: float) -> None:
    """By 1/(1 − t1), which −log_t₁ p tends to at p = 0; the other terms lie between −1/(2−t1) and 0."""
    wild = logits(200, scale=1e4)
    found = call(build("bi-tempered", t1=t1, t2=4.0), wild, labels(200))
    assert 0 <= found.min() < found.max() <= 1 / (1 - t1)


def test_the_gradient_is_that_of_the_paper() -> None:
    """With δ = p − y and the escort p̂ = p^t₂ / Σ p^t₂: δ p^(t₂−t₁) − p̂ Σ δ p^(t₂−t₁)."""
    t1, t2 = 0.4, 2.5
    p = np.stack([_probabilities(row, t2) for row in F])
    forgetting = (p - np.eye(5)[Y]) * p ** (t2 - t1)
    escort = p**t2 / (p**t2).sum(1, keepdims=True)
    expected = forgetting - escort * forgetting.sum(1, keepdims=True)
    np.testing.assert_allclose(gradient(build("bi-tempered", t1=t1, t2=t2), F, Y), expected, rtol=1e-9, atol=1e-13)
