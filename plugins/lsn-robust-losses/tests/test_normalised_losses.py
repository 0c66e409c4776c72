"""Normalised and active-passive losses: closed forms, sums over labels, and the factors that copies get wrong."""

from __future__ import annotations

import math

import numpy as np
import pytest
from samples import at, build, call, cross_entropy, gradient, labels, logits, softmax

F, Y = logits(), labels()
P = softmax(F)


def test_nce() -> None:
    """log p_y / Σ_k log p_k."""
    np.testing.assert_allclose(call(build("nce"), F, Y), at(np.log(P), Y) / np.log(P).sum(1), rtol=1e-12)


def test_nce_is_a_logarithm_to_a_base() -> None:
    """Ma et al.: NCE = log_{Π p_k} p_y, by change of base; at equal logits 1/L."""
    base = np.prod(P, axis=1)
    expected = [math.log(p, b) for p, b in zip(at(P, Y), base, strict=True)]
    np.testing.assert_allclose(call(build("nce"), F, Y), expected, rtol=1e-12)
    np.testing.assert_allclose(call(build("nce"), np.zeros((5, 5)), np.arange(5)), 0.2, rtol=1e-12)


@pytest.mark.parametrize("gamma", [0.0, 0.5, 2.0])
def test_nfl(gamma: float) -> None:
    each = -((1 - P) ** gamma) * np.log(P)
    np.testing.assert_allclose(call(build("nfl", gamma=gamma), F, Y), at(each, Y) / each.sum(1), rtol=1e-11)
    if gamma == 0:
        np.testing.assert_allclose(call(build("nfl", gamma=0.0), F, Y), call(build("nce"), F, Y), rtol=1e-12)


def test_nfl_differentiates_its_weights() -> None:
    """Against central differences of the formula in numpy."""

    def formula(f: np.ndarray) -> np.ndarray:
        p = softmax(f)
        each = -((1 - p) ** 0.5) * np.log(p)
        return at(each, Y) / each.sum(1)

    expected = np.empty_like(F)
    for k in range(5):
        step = 1e-6 * np.eye(5)[k]
        expected[:, k] = (formula(F + step) - formula(F - step)) / 2e-6
    np.testing.assert_allclose(gradient(build("nfl", gamma=0.5), F, Y), expected, rtol=1e-5, atol=1e-8)


@pytest.mark.parametrize("q", [0.3, 0.7, 1.0])
def test_ngce(q: float) -> None:
    expected = (1 - at(P, Y) ** q) / (5 - (P**q).sum(1))
    np.testing.assert_allclose(call(build("ngce", q=q), F, Y), expected, rtol=1e-11)


@pytest.mark.parametrize("classes", [2, 5, 100])
@pytest.mark.parametrize("name", ["nmae", "nrce"])
def test_normalised_passive_losses(name: str, classes: int) -> None:
    """−A (1 − p) / (−A (L − 1)): A drops out. A copied scale (L − 1)/4 is (L − 1)² A/4 times as large."""
    f, y = logits(classes=classes), labels(classes=classes)
    expected = (1 - at(softmax(f), y)) / (classes - 1)
    np.testing.assert_allclose(call(build(name, classes=classes), f, y), expected, rtol=1e-10)
    # The paper's scale of RCE at A = −4: 1/(4 (L − 1)).
    scaled = call(build("rce", classes=classes, log_zero=-4.0), f, y) / (4 * (classes - 1))
    np.testing.assert_allclose(call(build("nrce", classes=classes), f, y), scaled, rtol=1e-10)


@pytest.mark.parametrize("name", ["nce", "nfl", "ngce", "nmae", "nrce"])
def test_normalised_losses_sum_to_one_over_the_labels(name: str) -> None:
    sums = sum(call(build(name), F, np.full(len(F), k)) for k in range(5))
    np.testing.assert_allclose(sums, 1.0, rtol=1e-12)


@pytest.mark.parametrize(
    ("name", "active", "passive"),
    [
        ("nce-rce", "nce", "rce"),
        ("nce-mae", "nce", "mae"),
        ("nfl-rce", "nfl", "rce"),
        ("nfl-mae", "nfl", "mae"),
    ],
)
def test_named_sums_are_those_of_the_general_one(name: str, active: str, passive: str) -> None:
    parts = 3.0 * call(build(active), F, Y) + 0.25 * call(build(passive), F, Y)
    named = call(build(name, alpha=3.0, beta=0.25), F, Y)
    general = call(build("active-passive", active=active, passive=passive, alpha=3.0, beta=0.25), F, Y)
    np.testing.assert_allclose(named, parts, rtol=1e-12)
    np.testing.assert_allclose(general, parts, rtol=1e-12)


def test_the_general_one_hands_its_constants_on() -> None:
    q, gamma = 0.4, 1.5
    p = at(P, Y)
    gce = call(build("active-passive", active="gce", passive="nrce", q=q, beta=2.0), F, Y)
    np.testing.assert_allclose(gce, (1 - p**q) / q + 2 * (1 - p) / 4, rtol=1e-10)
    focal = call(build("active-passive", active="focal", passive="rce", gamma=gamma, log_zero=-3.0), F, Y)
    np.testing.assert_allclose(focal, -((1 - p) ** gamma) * np.log(p) + 3 * (1 - p), rtol=1e-10)
    plain = call(build("active-passive", active="ce", passive="nmae", beta=0.0), F, Y)
    np.testing.assert_allclose(plain, cross_entropy(F, Y), rtol=1e-12)
