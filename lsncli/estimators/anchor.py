"""The anchor-point estimate of the transition matrix (Patrini et al. 2017, section 4.2; their public code)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Matrix = npt.NDArray[np.float64]


def anchor_estimate(probabilities: npt.ArrayLike, percentile: float | None) -> Matrix:
    """T ``[L, L]`` from predicted probabilities ``[N, L]`` of a network trained on the noisy labels.

    For every class i an anchor is chosen, an example that surely belongs to it, and T[i] is what the network
    predicts there. The anchor is the example of largest p(i|x), or with ``percentile`` q the largest one
    below the q-th percentile of p(i|x) (taken as an existing value, the higher one), which leaves out
    outliers. Rows are normalised to sum to one. Raises ValueError if the predictions are not a matrix of
    finite numbers.
    """
    predicted = np.asarray(probabilities, dtype=np.float64)
    if predicted.ndim != 2 or not len(predicted) or not np.isfinite(predicted).all():
        raise ValueError("an anchor needs finite predictions of shape [N, L]")
    rows = []
    for column in predicted.T:
        # A copy: the column is overwritten, and later classes must see the predictions as they are.
        scores = column.copy()
        if percentile is not None:
            threshold = np.percentile(scores, percentile, method="higher")
            below = scores < threshold
            # Where all examples are equal nothing is below the threshold; any of them is the anchor then.
            if below.any():
                scores[~below] = -np.inf
        rows.append(predicted[int(np.argmax(scores))])
    estimate = np.stack(rows)
    normalised: Matrix = estimate / estimate.sum(axis=1, keepdims=True)
    return normalised


def mixed_with_identity(matrix: Matrix, weight: float) -> Matrix:
    """(1 − w)·T + w·I: still row-stochastic, and further from singular. Not part of Patrini et al.'s method."""
    mixed: Matrix = (1 - weight) * matrix + weight * np.eye(len(matrix))
    return mixed
