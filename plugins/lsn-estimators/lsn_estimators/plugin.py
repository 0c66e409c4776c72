"""Registers the estimators and the losses; imports neither torch nor cleanlab."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from lsncli import (
    CheckContext,
    EstimatorContext,
    EstimatorInfo,
    LossContext,
    LossInfo,
    Params,
    hookimpl,
)

from lsn_estimators.params import (
    DualParams,
    HocParams,
    RevisionLossParams,
    RevisionParams,
    VolumeLossParams,
    VolumeParams,
)

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from lsncli.losses.interface import Loss

    Estimate = Callable[..., npt.NDArray[np.float64]]

PRELOGITS = frozenset({"predictions", "prelogits"})
NORTHCUTT = "Northcutt, Jiang and Chuang, Confident learning, JAIR 70, 2021"
YAO = "Yao et al., Dual T: reducing estimation error for transition matrix in label-noise learning, NeurIPS 2020"
ZHU = "Zhu, Song and Liu, Clusterability as an alternative to anchor points, ICML 2021"
LI = "Li et al., Provably end-to-end label-noise learning without anchor points, ICML 2021"
XIA = "Xia et al., Are anchor points really indispensable in label-noise learning? NeurIPS 2019"


def _confident(params: Params, context: EstimatorContext) -> Estimate:
    from lsn_estimators.confident import confident_estimate

    return confident_estimate


def _dual(params: DualParams, context: EstimatorContext) -> Estimate:
    from lsn_estimators.dual import dual_estimate

    return lambda probabilities, labels: dual_estimate(probabilities, labels, params.percentile)


def _hoc(params: HocParams, context: EstimatorContext) -> Estimate:
    from lsn_estimators.hoc import hoc_estimate

    def estimate(probabilities: Any, labels: Any, *, prelogits: Any) -> npt.NDArray[np.float64]:
        return hoc_estimate(prelogits, labels, context.num_classes, **params.model_dump(), seed=context.seed)

    return estimate


def _volume(params: VolumeParams, context: EstimatorContext) -> Estimate:
    from lsn_estimators.head import volume_estimate

    def estimate(probabilities: Any, labels: Any, *, prelogits: Any) -> npt.NDArray[np.float64]:
        return volume_estimate(prelogits, labels, context.num_classes, params, context.seed)

    return estimate


def _revision(params: RevisionParams, context: EstimatorContext) -> Estimate:
    from lsn_estimators.head import revision_estimate

    def estimate(probabilities: Any, labels: Any, *, prelogits: Any) -> npt.NDArray[np.float64]:
        return revision_estimate(probabilities, prelogits, labels, context.num_classes, params, context.seed)

    return estimate


def _volmin_loss(params: VolumeLossParams, context: LossContext) -> Loss:
    from lsn_estimators.losses import VolMinNet

    return VolMinNet(params, context)


def _revision_loss(params: RevisionLossParams, context: LossContext) -> Loss:
    from lsn_estimators.losses import TRevision

    return TRevision(params, context)


def _check_revision(params: RevisionLossParams, context: CheckContext) -> None:
    """Raise ValueError where the run has no matrix to begin with."""
    if not context.has_estimate and not context.has_transition:
        raise ValueError(
            "it revises an estimate, and this run makes none (say which: [transition]);"
            f" the noise {context.noise!r} has no matrix either"
        )


@hookimpl
def lsn_estimators(register: Callable[[EstimatorInfo], None]) -> None:
    """Register confident-joint, dual-t, hoc, volume-minimisation and t-revision."""
    register(
        EstimatorInfo(
            name="confident-joint",
            build=_confident,
            summary="Counts of labels and confidently predicted classes, by cleanlab",
            reference=NORTHCUTT,
            suite="lsn_estimators.conformance:ConfidentSuite",
        )
    )
    register(
        EstimatorInfo(
            name="dual-t",
            build=_dual,
            params=DualParams,
            summary="Predictions at anchors, times the counted labels of each predicted class",
            reference=YAO,
            suite="lsn_estimators.conformance:DualSuite",
        )
    )
    register(
        EstimatorInfo(
            name="hoc",
            build=_hoc,
            params=HocParams,
            summary="How the noisy labels of nearest neighbours in the pre-logits agree",
            reference=ZHU,
            needs=PRELOGITS,
            suite="lsn_estimators.conformance:HocSuite",
        )
    )
    register(
        EstimatorInfo(
            name="volume-minimisation",
            build=_volume,
            revision=2,
            params=VolumeParams,
            summary="Least volume, learnt with a classifier of the pre-logits",
            reference=LI,
            needs=PRELOGITS,
            suite="lsn_estimators.conformance:VolumeSuite",
        )
    )
    register(
        EstimatorInfo(
            name="t-revision",
            build=_revision,
            revision=2,
            params=RevisionParams,
            summary="Predictions at anchors and a slack, learnt with a classifier of the pre-logits",
            reference=XIA,
            needs=PRELOGITS,
            suite="lsn_estimators.conformance:RevisionSuite",
        )
    )


@hookimpl
def lsn_losses(register: Callable[[LossInfo], None]) -> None:
    """Register volminnet and t-revision."""
    register(
        LossInfo(
            name="volminnet",
            build=_volmin_loss,
            params=VolumeLossParams,
            label="VolMinNet λ={volume:g}",
            summary="forward correction by a matrix of least volume, which is learnt with the network",
            reference=LI,
        )
    )
    register(
        LossInfo(
            name="t-revision",
            build=_revision_loss,
            params=RevisionLossParams,
            label="T-revision",
            summary="cross-entropy reweighted by an estimate of T and a slack, which is learnt with the network",
            reference=XIA,
            needs=frozenset({"transition"}),
            check=_check_revision,
            suite="lsn_estimators.conformance:TRevisionSuite",
        )
    )
