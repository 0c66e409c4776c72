"""The confident joint (Northcutt, Jiang and Chuang 2021), by the authors' own library, as a transition matrix."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Matrix = npt.NDArray[np.float64]


def confident_estimate(probabilities: npt.ArrayLike, labels: npt.ArrayLike) -> Matrix:
    """T ``[L, L]`` from predicted probabilities ``[N, L]`` and noisy labels ``[N]``.

    An example counts as one of class j where p(j|x) is at least the mean of p(j|·) over the examples that are
    labelled j (of several such j the most probable one). The counts of (label, class), scaled so that the labels
    occur as often as they do, are the joint distribution; T[i, j] is its share of label j in class i.
    """
    from cleanlab.count import estimate_joint

    predicted = np.array(probabilities, dtype=np.float64)
    given = np.array(labels, dtype=np.int64)
    absent = sorted(set(range(predicted.shape[1])) - set(given.tolist()))
    if absent:
        raise ValueError(f"no example is labelled {absent[0]}: a class must occur for its threshold to be known")
    joint: Any = estimate_joint(given, predicted)
    by_class = np.asarray(joint, dtype=np.float64).T
    matrix: Matrix = by_class / by_class.sum(axis=1, keepdims=True)
    return matrix
