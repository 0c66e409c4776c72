"""Dual T (Yao et al. 2020): the transition by way of the class that the network predicts."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from lsncli.estimators.anchor import anchor_estimate

Matrix = npt.NDArray[np.float64]


def dual_estimate(probabilities: npt.ArrayLike, labels: npt.ArrayLike, percentile: float | None = None) -> Matrix:
    """T ``[L, L]`` = T♣ T♠ from predicted probabilities ``[N, L]`` and noisy labels ``[N]`` (algorithm 1).

    The intermediate class Y′ has the distribution that the network predicts: T♣, of Y′ given the true class, are
    the predictions at anchors; T♠, of the noisy label given Y′, is counted over the examples, each of which has
    the intermediate class that is predicted for it. Where a class is predicted for no example, nothing can be
    counted; its labels are taken to be right, which leaves that part of T♣ as it is.
    """
    predicted = np.asarray(probabilities, dtype=np.float64)
    given = np.asarray(labels, dtype=np.int64)
    classes = predicted.shape[1]
    first = anchor_estimate(predicted, percentile)
    counts = np.zeros((classes, classes))
    np.add.at(counts, (predicted.argmax(axis=1), given), 1)
    unseen = counts.sum(axis=1) == 0
    counts[unseen] = np.eye(classes)[unseen]
    matrix: Matrix = first @ (counts / counts.sum(axis=1, keepdims=True))
    return matrix
