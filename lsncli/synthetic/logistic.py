"""Binary logistic regression on soft labels, solved to convergence by Newton's method."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.special import expit

Floats = npt.NDArray[np.float64]

_STEPS = 200


def fit(points: Floats, targets: Floats, *, strength: float = 0.0, tolerance: float = 1e-10) -> Floats:
    """The minimiser ``[D + 1]`` (weights, then the intercept) of the mean cross-entropy plus (strength/2)·‖w‖².

    points ``[N, D]``; targets ``[N]``: probabilities of the positive class. The penalty is on all of ``w``, the
    intercept included: with an intercept of its own, a strong penalty would leave the separator to the class
    frequencies alone, and it would leave the data. Raises ValueError where there is no minimiser (hard labels that
    a separator gets all right, without a penalty), or none was found.
    """
    features = np.column_stack([points, np.ones(len(points))])
    w = np.zeros(features.shape[1])
    value = _objective(features, targets, strength, w)
    for _ in range(_STEPS):
        p = expit(features @ w)
        gradient = features.T @ (p - targets) / len(points) + strength * w
        if np.abs(gradient).max() <= tolerance:
            _refuse_separated(features @ w, targets, strength)
            return w
        curvature = features.T @ (features * (p * (1 - p))[:, None]) / len(points)
        # The tiny ridge only keeps a nearly singular system solvable; the gradient says where we stop.
        direction = np.linalg.solve(curvature + (strength + 1e-12) * np.eye(len(w)), gradient)
        size = 1.0
        while (new := _objective(features, targets, strength, w - size * direction)) > value and size > 1e-10:
            size /= 2
        w, value = w - size * direction, new
    raise ValueError("logistic regression did not converge: the classes may be separable; use a penalty")


def crossing(w: Floats) -> float:
    """c of the point (c, c) at which the separator w₁x₁ + w₂x₂ + w₃ = 0 crosses the diagonal."""
    return float(-w[2] / (w[0] + w[1]))


def _objective(features: Floats, targets: Floats, strength: float, w: Floats) -> float:
    z = features @ w
    # −t log σ(z) − (1 − t) log σ(−z) = log(1 + e^z) − t z.
    return float(np.mean(np.logaddexp(0.0, z) - targets * z) + strength / 2 * w @ w)


def _refuse_separated(z: Floats, targets: Floats, strength: float) -> None:
    hard = bool(np.all((targets == 0) | (targets == 1)))
    if strength == 0 and hard and bool(np.all((z > 0) == (targets == 1))):
        raise ValueError("the classes are separable: without a penalty the weights grow for ever")
