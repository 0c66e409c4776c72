"""Registers the built-in estimators of the transition matrix."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from lsncli.components import CheckContext, EstimatorContext, EstimatorInfo
from lsncli.hookspecs import hookimpl
from lsncli.parameters import Params

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

Estimate = Callable[[Any, Any], "npt.NDArray[np.float64]"]


class AnchorParams(Params):
    """Parameters of the anchor-point estimate."""

    percentile: Annotated[float, Field(gt=0, le=100)] | None = Field(
        99.9,
        description="The anchor of a class is the best example below this percentile: 99.9 as in Lukasik et al., "
        "97 as in Patrini et al.'s code for CIFAR-10.",
    )
    identity_weight: Annotated[float, Field(ge=0, lt=1)] = Field(
        0.0,
        description="Share of the identity that is mixed into the estimate, for one that is nearly singular; "
        "0 as in the papers.",
    )
    argmax: bool = Field(
        False, examples=[True], description="Take the best example of all (Patrini et al.'s code for CIFAR-100)."
    )


def _anchor(params: AnchorParams, context: EstimatorContext) -> Estimate:
    from lsncli.estimators.anchor import anchor_estimate, mixed_with_identity

    percentile = None if params.argmax else params.percentile

    def estimate(probabilities: Any, labels: Any) -> npt.NDArray[np.float64]:
        matrix = anchor_estimate(probabilities, percentile)
        return mixed_with_identity(matrix, params.identity_weight)

    return estimate


def _true(params: None, context: EstimatorContext) -> Estimate:
    from lsncli.errors import LsnError

    matrix = context.transition
    if matrix is None:
        raise LsnError('estimator "true": the noise model has no transition matrix')
    return lambda probabilities, labels: matrix.copy()


def check_true(params: None, context: CheckContext) -> None:
    """Raise ValueError where nobody knows the matrix."""
    if not context.true_labels:
        raise ValueError(
            f"the true labels of data set {context.dataset!r} are unknown: it was prepared with --noisy-labels"
        )
    if not context.has_transition:
        raise ValueError(f"the noise {context.noise!r} has no transition matrix")


@hookimpl
def lsn_estimators(register: Callable[[EstimatorInfo], None]) -> None:
    """Register anchor and true."""
    register(
        EstimatorInfo(
            name="anchor",
            build=_anchor,
            params=AnchorParams,
            summary="Predictions at one sure example per class",
            reference="Patrini et al., Making deep neural networks robust to label noise, CVPR 2017, section 4.2",
        )
    )
    register(
        EstimatorInfo(
            name="true",
            build=_true,
            needs=frozenset(),
            check=check_true,
            summary="The noise model's own matrix: what a perfect estimate would give",
        )
    )
