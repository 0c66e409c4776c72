"""Estimates the transition matrix of a run from the predictions of the run that it names."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch

from lsncli.components import EstimatorContext
from lsncli.engine.building import build_component
from lsncli.engine.finished_run import FinishedRunReader
from lsncli.engine.images import TrainingImages
from lsncli.errors import LsnError
from lsncli.matrices import check_transition
from lsncli.plan import RunSpec


def estimate_transition(
    spec: RunSpec,
    images: TrainingImages,
    labels: npt.NDArray[np.int64],
    transition: npt.NDArray[np.float64] | None,
    reader: FinishedRunReader,
) -> npt.NDArray[np.float64] | None:
    """T ``[L, L]``, or None for a run that estimates none.

    labels: the noisy labels ``[N]``. transition: the noise model's own matrix, for estimators that may see
    it. Raises :class:`LsnError` where the estimator fails or does not return a row-stochastic matrix.
    """
    if spec.transition is None:
        return None
    estimator = spec.transition.estimator
    estimate = build_component("estimator", estimator, EstimatorContext(reader.num_classes, transition))
    probabilities = None
    if spec.transition.run is not None:
        logits = reader.logits(reader.network(spec.transition.run), images)
        probabilities = torch.softmax(logits.double(), dim=1).cpu().numpy()
    try:
        matrix = np.asarray(estimate(probabilities, labels), dtype=np.float64)
        if matrix.shape != (reader.num_classes, reader.num_classes):
            raise ValueError(f"a matrix of shape {matrix.shape} for {reader.num_classes} classes")
        check_transition(matrix, "the estimate")
    except ValueError as error:
        raise LsnError(f"estimator {estimator.name!r}: {error}") from None
    return matrix
