"""Loss vectors ℓ(f) in numpy, for curves and tables that need no training (Figure 1).

The losses that train are in :mod:`lsncli.losses.smearing` and :mod:`lsncli.losses.forward`.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]


def cross_entropy_vector(logits: Array) -> Array:
    """ℓ(f) = [−log softmax(f)_y] for every label y; logits and result are ``[..., L]``."""
    shifted = logits - logits.max(axis=-1, keepdims=True)
    losses: Array = np.log(np.exp(shifted).sum(axis=-1, keepdims=True)) - shifted
    return losses


def smeared_vector(logits: Array, matrix: Array) -> Array:
    """M ℓ(f) for every label, ``[..., L]``: label smearing with the ``[L, L]`` matrix M (§3.1)."""
    losses: Array = cross_entropy_vector(logits) @ matrix.T
    return losses


def forward_vector(logits: Array, transition: Array) -> Array:
    """−log(Tᵀ softmax(f)) for every label, ``[..., L]``: forward correction (equation 5).

    The sum is taken over log-probabilities in ``[..., L, L]``, meant for the few points of a curve.
    """
    with np.errstate(divide="ignore"):  # log 0 = −∞ drops out of the sum
        terms = np.log(transition.T) - cross_entropy_vector(logits)[..., None, :]
    losses: Array = -np.logaddexp.reduce(terms, axis=-1)
    return losses
