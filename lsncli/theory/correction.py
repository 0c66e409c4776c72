"""What smearing and correction do to the risk: consistency, no bias, the Bayes-optimal minimiser (§2.2, §3.3)."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from scipy.optimize import minimize
from scipy.special import softmax

from lsncli.losses.matrices import backward_matrix, symmetric_transition
from lsncli.theory.check import Check
from lsncli.theory.cross_entropy import Array, forward_corrected, losses, smeared

CLASSES, TRIALS = 6, 500
ALPHAS = (0.0, 0.1, 0.5, 0.9, 0.99)
SEED = 30


def random_transitions(rng: np.random.Generator, count: int) -> list[Array]:
    """Row-stochastic ``[L, L]``, at least half of every row on the diagonal: inverses that one can compute with."""
    return [0.5 * np.eye(CLASSES) + 0.5 * rng.dirichlet(np.ones(CLASSES), CLASSES) for _ in range(count)]


def correction_checks() -> Iterable[Check]:
    """The checks of this module."""
    yield from _consistency()
    yield from _backward()
    yield from _forward()


def _consistency() -> Iterable[Check]:
    rng = np.random.default_rng(SEED)
    clean = rng.dirichlet(np.full(CLASSES, 0.7), TRIALS)
    deviation, changed = [0.0], 0
    for alpha in ALPHAS:
        fitted = clean @ symmetric_transition(CLASSES, alpha)
        deviation.append(np.abs(fitted - (1 - alpha) * clean - alpha / CLASSES).max())
        changed += int((fitted.argmax(axis=1) != clean.argmax(axis=1)).sum())
    yield Check(
        "what smoothing fits to",
        "section 3.3",
        "Mᵀp* = (1 − α) p* + α/L",
        float(max(deviation)),
        1e-12,
    )
    yield Check(
        "smoothing is consistent for α < 1",
        "section 3.3",
        f"the most probable label stays the most probable: changed, of {TRIALS} random p* and each α up to 0.99",
        float(changed),
        0.0,
    )
    uniform = clean @ symmetric_transition(CLASSES, 1.0)
    yield Check(
        "and not for α = 1",
        "section 3.3",
        "at α = 1 what is fitted is uniform, whatever p* is, and no label is the most probable",
        float(np.abs(uniform - 1 / CLASSES).max()),
        1e-12,
    )


def _backward() -> Iterable[Check]:
    rng = np.random.default_rng(SEED + 1)
    scores = 3 * rng.standard_normal((TRIALS, CLASSES))
    plain = losses(scores)
    clean = rng.dirichlet(np.ones(CLASSES), TRIALS)
    bias, fitted = [0.0], [0.0]
    for transition in [*random_transitions(rng, 10), symmetric_transition(CLASSES, 0.24)]:
        inverse = backward_matrix(transition)
        # The mean over the noisy label, for each true label y: row y of T times the corrected losses.
        bias.append(np.abs(smeared(inverse, scores) @ transition.T - plain).max())
        fitted.append(np.abs((clean @ transition) @ inverse - clean).max())
    yield Check(
        "backward correction is unbiased",
        "section 2.2",
        "E[ℓ←(ȳ, f)] = ℓ(y, f), the mean over the noisy label ȳ ~ T[y, ·], for every true label y",
        float(max(bias)),
        1e-10,
    )
    yield Check(
        "backward correction denoises",
        "section 3.3",
        "with M = T⁻¹, Mᵀ times the noisy probabilities Tᵀp* gives p* back",
        float(max(fitted)),
        1e-10,
    )


def _forward() -> Iterable[Check]:
    rng = np.random.default_rng(SEED + 2)
    distances, biases = [0.0], []
    for transition in random_transitions(rng, 8):
        clean = rng.dirichlet(np.ones(CLASSES))
        distances.append(float(np.abs(_forward_minimiser(transition, clean) - clean).max()))
        scores = rng.standard_normal(CLASSES)
        biases.append(np.abs(transition @ forward_corrected(transition, scores) - losses(scores)).max())
    yield Check(
        "forward correction keeps the optimum",
        "section 2.2",
        "the softmax scores that minimise E[ℓ→] under the noisy probabilities Tᵀp* are p*",
        max(distances),
        1e-5,
    )
    yield Check(
        "forward correction is biased",
        "section 2.2",
        "E[ℓ→(ȳ, f)] is not ℓ(y, f): the least difference over random T",
        float(min(biases)),
        1e-3,
        ">=",
    )


def _forward_minimiser(transition: Array, clean: Array) -> Array:
    """The probabilities that minimise the forward-corrected risk, found numerically from uniform scores."""
    noisy = transition.T @ clean

    def risk(scores: Array) -> tuple[float, Array]:
        p = softmax(scores)
        mixed = transition.T @ p
        # d/dp of −Σ noisy · log(Tᵀp) is −T (noisy / Tᵀp); through the softmax: p · (g − p·g).
        gradient = -transition @ (noisy / mixed)
        return float(-noisy @ np.log(mixed)), p * (gradient - p @ gradient)

    found = minimize(risk, np.zeros(len(clean)), jac=True, method="BFGS", options={"gtol": 1e-10, "maxiter": 2000})
    result: Array = softmax(found.x)
    return result
