"""Estimates the transition matrix of a run from what the network of the run that it names says of the images."""

from __future__ import annotations

from typing import Any

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
from lsncli.registry import registry


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
    context = EstimatorContext(reader.num_classes, transition, seed=spec.seed)
    estimate = build_component("estimator", estimator, context)
    probabilities: npt.NDArray[np.float64] | None = None
    more: dict[str, Any] = {}
    if spec.transition.run is not None:
        reads_prelogits = "prelogits" in registry().get("estimator", estimator.name).needs
        probabilities, more = _said_by(spec.transition.run, images, reader, reads_prelogits)
    try:
        matrix = np.asarray(estimate(probabilities, labels, **more), dtype=np.float64)
        if matrix.shape != (reader.num_classes, reader.num_classes):
            raise ValueError(f"a matrix of shape {matrix.shape} for {reader.num_classes} classes")
        check_transition(matrix, "the estimate")
    except ValueError as error:
        raise LsnError(f"estimator {estimator.name!r}: {error}") from None
    return matrix


def _said_by(
    run: RunSpec, images: TrainingImages, reader: FinishedRunReader, reads_prelogits: bool
) -> tuple[npt.NDArray[np.float64], dict[str, Any]]:
    """Probabilities ``[N, L]`` of the training images by the network of ``run``; its pre-logits if asked for."""
    network = reader.network(run)
    more: dict[str, Any] = {}
    if reads_prelogits:
        logits, prelogits = reader.logits_and_prelogits(network, images)
        more["prelogits"] = prelogits.numpy()
    else:
        logits = reader.logits(network, images).cpu()
    return torch.softmax(logits.double(), dim=1).numpy(), more
