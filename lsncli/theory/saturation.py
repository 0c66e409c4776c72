"""Figure 1: where the logistic loss goes for very positive and very negative scores, under each method (§3.4).

Two classes, a positive example, and one score z: f = (z, 0), so that ℓ(z) = log(1 + exp(−z)).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
from scipy.optimize import minimize_scalar

from lsncli.losses.matrices import symmetric_backward, symmetric_transition
from lsncli.theory.check import Check
from lsncli.theory.cross_entropy import Array, forward_corrected, losses, smeared

ALPHA = 0.2
#: Far enough that exp(−z) is nothing beside 1 in float64, and near enough that it is not 0.
FAR = 60.0


def positive_example(scores: Array, method: Callable[[Array], Array]) -> Array:
    """The loss of label 1 at the scores z ``[…]``; ``method`` takes scores ``[…, 2]`` to losses ``[…, 2]``."""
    result: Array = method(np.stack([scores, np.zeros_like(scores)], axis=-1))[..., 0]
    return result


def smoothed_loss(scores: Array, alpha: float) -> Array:
    """(1 − α/2) ℓ(z) + (α/2) ℓ(−z)."""
    return positive_example(scores, lambda f: smeared(symmetric_transition(2, alpha), f))


def backward_loss(scores: Array, alpha: float) -> Array:
    """((1 − α/2) ℓ(z) − (α/2) ℓ(−z)) / (1 − α)."""
    return positive_example(scores, lambda f: smeared(symmetric_backward(2, alpha), f))


def forward_loss(scores: Array, alpha: float) -> Array:
    """−log((1 − α) σ(z) + α/2)."""
    return positive_example(scores, lambda f: forward_corrected(symmetric_transition(2, alpha), f))


def saturation_checks() -> Iterable[Check]:
    """The checks of this module, at α = 0.2."""
    ends = np.array([-FAR, FAR])
    half = ALPHA / 2
    standard = positive_example(ends, losses)
    yield Check(
        "standard loss",
        "figure 1",
        "tends to 0 for z → ∞ and to −z, a line, for z → −∞",
        float(np.abs(standard - [FAR, 0.0]).max()),
        1e-12,
    )
    least = minimize_scalar(lambda z: float(smoothed_loss(np.array(z), ALPHA)), bracket=(0.0, 5.0), tol=1e-12)
    entropy = -(half * np.log(half) + (1 - half) * np.log(1 - half))
    yield Check(
        "smoothing: a finite positive minimum",
        "figure 1",
        "the least value is the entropy −(1 − α/2) log(1 − α/2) − (α/2) log(α/2)",
        abs(float(least.fun) - entropy),
        1e-12,
    )
    yield Check(
        "smoothing: where it is",
        "figure 1",
        "the minimum is at z = log((2 − α)/α): more confident predictions are penalised",
        abs(float(least.x) - float(np.log((2 - ALPHA) / ALPHA))),
        1e-5,
    )
    slope = half / (1 - ALPHA)
    yield Check(
        "backward: without a lower bound",
        "figure 1",
        "tends to −z · (α/2)/(1 − α) for z → ∞: a negative loss for a correct prediction",
        abs(float(backward_loss(ends, ALPHA)[1]) + slope * FAR),
        1e-12,
    )
    yield Check(
        "backward: steeper where it is wrong",
        "figure 1",
        "tends to −z · (1 − α/2)/(1 − α) for z → −∞",
        abs(float(backward_loss(ends, ALPHA)[0]) - (1 - half) / (1 - ALPHA) * FAR),
        1e-12,
    )
    forward = forward_loss(ends, ALPHA)
    yield Check(
        "forward: saturates",
        "figure 1",
        "tends to −log(α/2), that is −log(α/L), for z → −∞",
        abs(float(forward[0]) + float(np.log(half))),
        1e-12,
    )
    yield Check(
        "forward: a positive floor",
        "figure 1",
        "tends to −log(1 − α/2), that is −log(1 − α + α/L), for z → ∞",
        abs(float(forward[1]) + float(np.log1p(-half))),
        1e-12,
    )
