"""Registers the built-in losses; each builder imports torch only when it is called."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from lsncli.components import CheckContext, LossContext, LossInfo
from lsncli.errors import LsnError
from lsncli.hookspecs import hookimpl
from lsncli.losses.matrices import backward_matrix
from lsncli.losses.params import (
    BackwardParams,
    CorrectionParams,
    ForwardParams,
    LabelSmoothingParams,
    SmearingParams,
    StandardParams,
)
from lsncli.matrices import as_array, as_transition, check_size, check_transition

if TYPE_CHECKING:
    from lsncli.losses.interface import Loss

LUKASIK = "Lukasik, Bhojanapalli, Menon, Kumar: Does label smoothing mitigate label noise? ICML 2020"
PATRINI = "Patrini, Rozza, Menon, Nock, Qu: Making deep neural networks robust to label noise. CVPR 2017"
SZEGEDY = "Szegedy et al.: Rethinking the Inception architecture for computer vision. CVPR 2016"


@hookimpl
def lsn_losses(register: Callable[[LossInfo], None]) -> None:
    """Register the smearing family and forward correction."""
    register(
        LossInfo(
            name="standard",
            build=build_standard,
            params=StandardParams,
            label="CE",
            summary="softmax cross-entropy",
        )
    )
    register(
        LossInfo(
            name="label-smoothing",
            build=build_label_smoothing,
            params=LabelSmoothingParams,
            label="LS α={alpha:g}",
            summary="cross-entropy against targets mixed with the uniform distribution",
            reference=SZEGEDY,
        )
    )
    register(
        LossInfo(
            name="backward-correction",
            build=build_backward,
            params=BackwardParams,
            label="BC α={alpha:g}",
            summary="losses multiplied by the inverse of the noise's matrix; unbiased, but for the floor",
            reference=PATRINI,
            needs=frozenset({"transition"}),
            uses_estimate=uses_estimate,
            check=check_backward,
        )
    )
    register(
        LossInfo(
            name="forward-correction",
            build=build_forward,
            params=ForwardParams,
            label="FC α={alpha:g}",
            summary="cross-entropy of the predictions after the noise's transition matrix",
            reference=PATRINI,
            needs=frozenset({"transition"}),
            uses_estimate=uses_estimate,
            check=check_correction,
        )
    )
    register(
        LossInfo(
            name="smearing",
            build=build_smearing,
            params=SmearingParams,
            label="smearing",
            summary="losses of all labels mixed by any matrix M",
            reference=LUKASIK,
            check=check_smearing,
        )
    )


def uses_estimate(params: CorrectionParams) -> bool:
    """Whether T is the estimate, and neither given by the parameters nor the noise model's own."""
    return params.transition == "estimated"


def check_correction(params: CorrectionParams, context: CheckContext) -> None:
    """Raise ValueError if T has the wrong size, or is the noise model's and that has none."""
    if params.matrix is not None:
        check_size(params.matrix, context.num_classes)
    if params.transition == "true" and not context.true_labels:
        raise ValueError(
            f'transition = "true" needs the true labels, and those of data set {context.dataset!r} are unknown:'
            " it was prepared with --noisy-labels (give alpha or matrix, or estimate it)"
        )
    if params.transition == "true" and not context.has_transition:
        raise ValueError(
            f'transition = "true" needs a known transition matrix, and the noise {context.noise!r} has none'
            " (give alpha or matrix, or estimate it)"
        )
    if params.transition == "estimated" and not context.has_estimate:
        raise ValueError('transition = "estimated" needs an estimate, and this run makes none')


def check_backward(params: BackwardParams, context: CheckContext) -> None:
    """Raise ValueError as :func:`check_correction` does, or if the noise model's own T has no inverse."""
    check_correction(params, context)
    if params.transition == "true" and context.transition is not None:
        backward_matrix(context.transition)


def check_smearing(params: SmearingParams, context: CheckContext) -> None:
    """Raise ValueError if M has the wrong size."""
    check_size(params.matrix, context.num_classes)


def build_standard(params: StandardParams, context: LossContext) -> Loss:
    """Softmax cross-entropy."""
    from lsncli.losses.smearing import standard

    return standard(context.num_classes, params.floor)


def build_label_smoothing(params: LabelSmoothingParams, context: LossContext) -> Loss:
    """Label smoothing in closed form."""
    from lsncli.losses.smearing import label_smoothing

    return label_smoothing(context.num_classes, params.alpha, params.floor)


def build_smearing(params: SmearingParams, context: LossContext) -> Loss:
    """Smearing by the given M; raises LsnError if it has the wrong size."""
    from lsncli.losses.smearing import MatrixSmearing

    try:
        check_size(params.matrix, context.num_classes)
    except ValueError as error:
        raise LsnError(str(error), where="loss 'smearing'") from None
    return MatrixSmearing(as_array(params.matrix), params.floor)


def build_backward(params: BackwardParams, context: LossContext) -> Loss:
    """Backward correction; raises LsnError if T is missing, of the wrong size or singular."""
    from lsncli.losses.smearing import MatrixSmearing, symmetric_backward_correction

    if params.alpha is not None:
        return symmetric_backward_correction(context.num_classes, params.alpha, params.floor)
    where = "loss 'backward-correction'"
    transition = _transition(params, context, where)
    try:
        return MatrixSmearing(backward_matrix(transition), params.floor)
    except ValueError as error:
        raise LsnError(str(error), where=where, next="forward-correction needs no inverse") from None


def build_forward(params: ForwardParams, context: LossContext) -> Loss:
    """Forward correction; raises LsnError if T is missing or of the wrong size."""
    from lsncli.losses.forward import MatrixForward, SymmetricForward
    from lsncli.losses.smearing import standard

    if params.alpha == 0:
        return standard(context.num_classes, params.floor)  # log(α/L) does not exist
    if params.alpha is not None:
        return SymmetricForward(context.num_classes, params.alpha, params.floor)
    return MatrixForward(_transition(params, context, "loss 'forward-correction'"), params.floor)


def _transition(params: CorrectionParams, context: LossContext, where: str) -> npt.NDArray[np.float64]:
    """The explicit T, or the one that comes with the run."""
    try:
        if params.matrix is not None:
            check_size(params.matrix, context.num_classes)
            return as_transition(params.matrix)
        if context.transition is None:
            raise ValueError(f'transition = "{params.transition}" is asked for, but this run has no matrix')
        matrix = np.asarray(context.transition, dtype=np.float64)
        expected = (context.num_classes, context.num_classes)
        if matrix.shape != expected or not np.isfinite(matrix).all():
            raise ValueError(f"the run's transition matrix must be finite numbers of shape {expected}")
        check_transition(matrix, "the run's transition matrix")
        return matrix
    except ValueError as error:
        raise LsnError(str(error), where=where, next="give alpha or matrix instead") from None
