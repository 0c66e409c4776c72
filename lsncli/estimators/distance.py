"""How far an estimated transition matrix is from the true one, and how well it can be inverted."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Matrix = npt.NDArray[np.float64]


def mean_absolute_error(estimate: Matrix, true: Matrix) -> float:
    """Mean over the ``[L, L]`` entries of |estimate − true|."""
    return float(np.abs(estimate - true).mean())


def total_variation(estimate: Matrix, true: Matrix) -> npt.NDArray[np.float64]:
    """Total variation distance ½ Σ_j |estimate_ij − true_ij| of each row: ``[L]``, in [0, 1]."""
    distance: npt.NDArray[np.float64] = 0.5 * np.abs(estimate - true).sum(axis=1)
    return distance


def condition_number(matrix: Matrix) -> float:
    """Ratio of the largest to the smallest singular value; infinite for a singular matrix."""
    return float(np.linalg.cond(matrix))


def distances(estimate: Matrix, true: Matrix | None) -> dict[str, float]:
    """The metrics that a run with an estimate stores."""
    metrics = {"transition_condition_number": condition_number(estimate)}
    if true is not None:
        rows = total_variation(estimate, true)
        metrics["transition_mean_absolute_error"] = mean_absolute_error(estimate, true)
        metrics["transition_total_variation_mean"] = float(rows.mean())
        metrics["transition_total_variation_max"] = float(rows.max())
    return metrics
