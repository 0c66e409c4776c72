"""Smoothing as a regulariser: equations 6 and 8, and Theorem 1 (§3.4, §4.2, appendix A)."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from scipy.optimize import minimize
from scipy.special import logsumexp, softmax

from lsncli.losses.matrices import symmetric_backward, symmetric_transition
from lsncli.theory.check import Check
from lsncli.theory.cross_entropy import Array, losses, smeared

CLASSES, DIMENSIONS, EXAMPLES = 5, 3, 200
ALPHAS = (0.0, 0.1, 0.5, 0.9)
SEED = 20


def omega(weights: Array, features: Array) -> float:
    """Ω(f) of a linear model f(x) = W x, by equation 8: weights ``[L, D]``, features ``[N, D]``."""
    scores = features @ weights.T
    return float(np.mean(len(weights) * logsumexp(scores, axis=1) - scores.sum(axis=1)))


def omega_gradient(weights: Array, features: Array) -> Array:
    """∂Ω/∂W, ``[L, D]``: row i is E[(L · softmax_i(W x) − 1) · x] (appendix A)."""
    probabilities = softmax(features @ weights.T, axis=1)
    result: Array = (len(weights) * probabilities - 1).T @ features / len(features)
    return result


def regulariser_checks() -> Iterable[Check]:
    """The checks of this module."""
    yield from _identities()
    yield from _theorem_1()


def _identities() -> Iterable[Check]:
    rng = np.random.default_rng(SEED)
    scores = 5 * rng.standard_normal((EXAMPLES, CLASSES))
    labels = rng.integers(CLASSES, size=EXAMPLES)
    plain = losses(scores)
    total = plain.sum(axis=1, keepdims=True)
    smoothing, backward, risk = [0.0], [0.0], [0.0]
    for alpha in ALPHAS:
        beta = alpha / ((1 - alpha) * CLASSES)
        smoothed = smeared(symmetric_transition(CLASSES, alpha), scores)
        smoothing.append(np.abs(smoothed - (1 - alpha) * (plain + beta * total)).max())
        corrected = smeared(symmetric_backward(CLASSES, alpha), scores)
        backward.append(np.abs(corrected - (plain - alpha / CLASSES * total) / (1 - alpha)).max())
        # The same for the risk, with Ω as equation 8 writes it: features are the scores, and W the identity.
        rows = np.arange(EXAMPLES)
        regularised = plain[rows, labels].mean() + beta * omega(np.eye(CLASSES), scores)
        risk.append(abs(smoothed[rows, labels].mean() - (1 - alpha) * regularised))
    yield Check(
        "smoothing adds the average loss",
        "equation 6",
        "ℓ^LS(y, f) = (1 − α) · (ℓ(y, f) + β · Σ_y' ℓ(y', f)) with β = α / ((1 − α) L)",
        float(max(smoothing)),
        1e-12,
    )
    yield Check(
        "backward correction subtracts it",
        "equation 6",
        "ℓ←(y, f) = (ℓ(y, f) − (α/L) · Σ_y' ℓ(y', f)) / (1 − α)",
        float(max(backward)),
        1e-11,
    )
    yield Check(
        "smoothed risk is a regularised risk",
        "equation 8",
        "R_sm(f) = (1 − α) · (R(f) + β · Ω(f)) with Ω(f) = E[L · log Σ_y' exp f_y' − Σ_y' f_y']",
        float(max(risk)),
        1e-12,
    )


def _theorem_1() -> Iterable[Check]:
    rng = np.random.default_rng(SEED + 1)
    # Skewed and not centred: the theorem asks for a finite mean and nothing else.
    features = rng.exponential(2.0, (EXAMPLES, DIMENSIONS)) - 0.5
    zero = np.zeros((CLASSES, DIMENSIONS))
    least = CLASSES * np.log(CLASSES)
    yield Check(
        "gradient of Ω at W = 0",
        "theorem 1",
        "∂Ω/∂W_i = E[(L · softmax_i(W x) − 1) · x] vanishes at W = 0",
        float(np.abs(omega_gradient(zero, features)).max()),
        1e-12,
    )
    yield Check(
        "the gradient is Ω's",
        "appendix A",
        "the formula of the gradient agrees with central differences of Ω at random W",
        _gradient_error(rng, features),
        1e-7,
    )
    yield Check(
        "Ω is convex",
        "appendix A",
        "Ω((V + W)/2) ≤ (Ω(V) + Ω(W))/2 for random V and W: the largest excess",
        _convexity_excess(rng, features),
        1e-10,
    )
    yield Check(
        "W = 0 minimises Ω",
        "theorem 1",
        "Ω(W) ≥ Ω(0) = L · log L in random directions, from 0.001 to 10 away: the largest shortfall",
        max(0.0, *(least - omega(w, features) for w in _around_zero(rng))),
        1e-10,
    )
    yield Check(
        "a minimiser is found there",
        "theorem 1",
        "minimising Ω numerically from random W ends at Ω = L · log L",
        _distance_of_minimum(rng, features, float(least)),
        1e-6,
    )
    shift = rng.standard_normal((1, DIMENSIONS))
    yield Check(
        "the minimiser is one of many",
        "beyond the paper",
        "Ω(W + 1 vᵀ) = Ω(W): every W with equal rows is a minimiser, 0 the one of least norm",
        abs(omega(zero + shift, features) - float(least)),
        1e-10,
    )


def _gradient_error(rng: np.random.Generator, features: Array) -> float:
    weights, step = rng.standard_normal((CLASSES, DIMENSIONS)), 1e-5
    numeric = np.empty_like(weights)
    for place in np.ndindex(*weights.shape):
        change = np.zeros_like(weights)
        change[place] = step
        numeric[place] = (omega(weights + change, features) - omega(weights - change, features)) / (2 * step)
    return float(np.abs(numeric - omega_gradient(weights, features)).max())


def _convexity_excess(rng: np.random.Generator, features: Array) -> float:
    excess = [0.0]
    for _ in range(100):
        v, w = 3 * rng.standard_normal((2, CLASSES, DIMENSIONS))
        excess.append(omega((v + w) / 2, features) - (omega(v, features) + omega(w, features)) / 2)
    return max(excess)


def _around_zero(rng: np.random.Generator) -> Iterable[Array]:
    for distance in (0.001, 0.1, 1.0, 10.0):
        for _ in range(50):
            direction = rng.standard_normal((CLASSES, DIMENSIONS))
            yield distance * direction / np.linalg.norm(direction)


def _distance_of_minimum(rng: np.random.Generator, features: Array, least: float) -> float:
    shape = (CLASSES, DIMENSIONS)
    worst = 0.0
    for _ in range(5):
        found = minimize(
            lambda w: omega(w.reshape(shape), features),
            rng.standard_normal(CLASSES * DIMENSIONS),
            jac=lambda w: omega_gradient(w.reshape(shape), features).ravel(),
            method="L-BFGS-B",
            options={"ftol": 1e-15, "gtol": 1e-10},
        )
        worst = max(worst, abs(float(found.fun) - least))
    return worst
