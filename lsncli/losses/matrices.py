"""The matrices of the smearing family, in numpy: what Table 1 of Lukasik et al. (2020) lists."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

#: Beyond this condition number the inverse has lost half of float64's digits, and a loss that is
#: multiplied by it could not be trained with.
LARGEST_CONDITION = 1e8


def symmetric_transition(num_classes: int, alpha: float) -> Array:
    """T = (1 − α) I + (α/L) J, ``[L, L]``: the symmetric noise of equation 3, and label smoothing's M."""
    eye, ones = np.eye(num_classes), np.ones((num_classes, num_classes))
    return (1 - alpha) * eye + alpha / num_classes * ones


def symmetric_backward(num_classes: int, alpha: float) -> Array:
    """M = (I − (α/L) J) / (1 − α), ``[L, L]``: the inverse of :func:`symmetric_transition` (§3.2)."""
    eye, ones = np.eye(num_classes), np.ones((num_classes, num_classes))
    return (eye - alpha / num_classes * ones) / (1 - alpha)


def alpha_of_rate(rate: float, num_classes: int) -> float:
    """α = L/(L−1) · ρ: the α of symmetric noise that flips a label with probability ρ (equation 3)."""
    return num_classes / (num_classes - 1) * rate


def rate_of_alpha(alpha: float, num_classes: int) -> float:
    """ρ = (L−1)/L · α: the flip rate that makes ``alpha`` the right choice."""
    return (num_classes - 1) / num_classes * alpha


def backward_matrix(transition: Array) -> Array:
    """M = T⁻¹, ``[L, L]`` (Patrini et al. 2017); entries may be negative.

    Raises ValueError where T has no inverse that could be computed with.
    """
    condition = np.linalg.cond(transition)
    if not condition <= LARGEST_CONDITION:
        raise ValueError(
            f"the transition matrix is singular, or too close to it (condition number {condition:.2g}):"
            " backward correction needs its inverse"
        )
    inverse: Array = np.linalg.inv(transition).astype(np.float64)
    return inverse
