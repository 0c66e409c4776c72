"""Equation 7: what smoothing the labels does to a least-squares solution, and when it is shrinkage alone (§4.2)."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from lsncli.theory.check import Check
from lsncli.theory.cross_entropy import Array

CLASSES, DIMENSIONS, EXAMPLES = 4, 3, 60
ALPHA = 0.3
SEED = 70


def solution(features: Array, targets: Array) -> Array:
    """W* = argmin ‖X W − Y‖² for X ``[N, D]`` of full column rank and Y ``[N, L]``: ``[D, L]``."""
    found = np.linalg.lstsq(features, targets, rcond=None)[0]
    return found.astype(np.float64)


def second_term(features: Array, num_classes: int, alpha: float) -> Array:
    """(α/L) · (XᵀX)⁻¹ XᵀJ of equation 7, ``[D, L]``; J is ``[N, L]``, all ones.

    It vanishes exactly where Xᵀ1 = 0: every column of X sums to zero. Centred features have that; with a column of
    ones for the intercept they do not, and the term is α/L in the intercept's row and 0 in all others, whether the
    features are centred or not.
    """
    ones = np.ones((len(features), num_classes))
    projected = np.linalg.solve(features.T @ features, features.T @ ones)
    return (alpha / num_classes * projected).astype(np.float64)


def least_squares_checks() -> Iterable[Check]:
    """The checks of this module."""
    rng = np.random.default_rng(SEED)
    raw = rng.standard_normal((EXAMPLES, DIMENSIONS)) @ rng.standard_normal((DIMENSIONS, DIMENSIONS)) + [
        1.0,
        -2.0,
        3.0,
    ]
    labels = np.eye(CLASSES)[rng.integers(CLASSES, size=EXAMPLES)]
    smoothed = (1 - ALPHA) * labels + ALPHA / CLASSES
    centred = raw - raw.mean(axis=0)
    intercepts = [np.hstack([np.ones((EXAMPLES, 1)), x]) for x in (raw, centred)]
    errors = [
        solution(x, smoothed) - (1 - ALPHA) * solution(x, labels) - second_term(x, CLASSES, ALPHA)
        for x in (raw, centred, *intercepts)
    ]
    yield Check(
        "smoothed least squares",
        "equation 7",
        "the solution for smoothed labels is (1 − α) W* + (α/L) (XᵀX)⁻¹ XᵀJ",
        float(max(np.abs(error).max() for error in errors)),
        1e-12,
    )
    yield Check(
        "centred: shrinkage alone",
        "equation 7",
        "where Xᵀ1 = 0 (columns centred, no intercept column) the second term is 0: smoothing is W* · (1 − α)",
        float(np.abs(second_term(centred, CLASSES, ALPHA)).max()),
        1e-12,
    )
    yield Check(
        "not centred: more than shrinkage",
        "equation 7",
        "where Xᵀ1 ≠ 0 the second term is not 0: its largest entry",
        float(np.abs(second_term(raw, CLASSES, ALPHA)).max()),
        1e-3,
        ">=",
    )
    expected = np.zeros((1 + DIMENSIONS, CLASSES))
    expected[0] = ALPHA / CLASSES
    yield Check(
        "with an intercept column",
        "beyond the paper",
        "the second term is α/L in the intercept's row and 0 elsewhere, centred or not: weights shrink by 1 − α",
        max(float(np.abs(second_term(x, CLASSES, ALPHA) - expected).max()) for x in intercepts),
        1e-12,
    )
