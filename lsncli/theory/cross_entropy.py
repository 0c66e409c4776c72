"""The softmax cross-entropy and its smeared and corrected forms, in numpy, as the paper writes them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.special import log_softmax

Array = npt.NDArray[np.float64]


def losses(scores: Array) -> Array:
    """ℓ(f), the loss of every label: ``[…, L]`` scores → ``[…, L]``; ℓ(y, f) = −f_y + log Σ_y' exp f_y' (§2.1)."""
    result: Array = -log_softmax(scores, axis=-1)
    return result


def smeared(matrix: Array, scores: Array) -> Array:
    """ℓ^SM(f) = M ℓ(f) for every label (§3.1): matrix ``[L, L]``, scores ``[…, L]`` → ``[…, L]``."""
    result: Array = losses(scores) @ matrix.T
    return result


def forward_corrected(transition: Array, scores: Array) -> Array:
    """ℓ→(y, f) = −log (Tᵀ softmax(f))_y for every label (equation 5, in its reading with probabilities)."""
    result: Array = -np.log(np.exp(log_softmax(scores, axis=-1)) @ transition)
    return result
