"""Builds the losses from their parameters; torch is imported here, when a run begins."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lsncli import LossContext, Params

from lsn_robust_losses import params as of

if TYPE_CHECKING:
    from torch import nn

    from lsn_robust_losses.labelwise import LabelwiseLoss


def gce(params: of.GceParams, context: LossContext) -> nn.Module:
    """Generalised cross-entropy."""
    from lsn_robust_losses.pointwise import GeneralisedCrossEntropy

    return GeneralisedCrossEntropy(params.q)


def mae(params: Params, context: LossContext) -> nn.Module:
    """Mean absolute error."""
    from lsn_robust_losses.pointwise import MeanAbsoluteError

    return MeanAbsoluteError()


def unhinged(params: Params, context: LossContext) -> nn.Module:
    """The unhinged loss."""
    from lsn_robust_losses.unhinged import Unhinged

    return Unhinged()


def rce(params: of.RceParams, context: LossContext) -> nn.Module:
    """Reverse cross-entropy."""
    from lsn_robust_losses.pointwise import ReverseCrossEntropy

    return ReverseCrossEntropy(params.log_zero)


def sce(params: of.SceParams, context: LossContext) -> nn.Module:
    """Symmetric cross-entropy."""
    from lsn_robust_losses.pointwise import SymmetricCrossEntropy

    return SymmetricCrossEntropy(params.alpha, params.beta, params.log_zero)


def focal(params: of.FocalParams, context: LossContext) -> nn.Module:
    """Focal loss."""
    from lsn_robust_losses.pointwise import Focal

    return Focal(params.gamma)


def phuber_ce(params: of.PhuberCeParams, context: LossContext) -> nn.Module:
    """Partially Huberised cross-entropy."""
    from lsn_robust_losses.pointwise import HuberisedCrossEntropy

    return HuberisedCrossEntropy(params.tau)


def phuber_gce(params: of.PhuberGceParams, context: LossContext) -> nn.Module:
    """Partially Huberised generalised cross-entropy."""
    from lsn_robust_losses.pointwise import HuberisedGeneralisedCrossEntropy

    return HuberisedGeneralisedCrossEntropy(params.q, params.tau)


def bi_tempered(params: of.BiTemperedParams, context: LossContext) -> nn.Module:
    """The bi-tempered logistic loss."""
    from lsn_robust_losses.bi_tempered import BiTempered

    return BiTempered(params.t1, params.t2)


def nce(params: Params, context: LossContext) -> nn.Module:
    """Normalised cross-entropy."""
    return _part("nce")


def nfl(params: of.FocalParams, context: LossContext) -> nn.Module:
    """Normalised focal loss."""
    return _part("nfl", gamma=params.gamma)


def ngce(params: of.GceParams, context: LossContext) -> nn.Module:
    """Normalised generalised cross-entropy."""
    return _part("ngce", q=params.q)


def nmae(params: Params, context: LossContext) -> nn.Module:
    """Normalised mean absolute error."""
    return _part("nmae")


def nrce(params: Params, context: LossContext) -> nn.Module:
    """Normalised reverse cross-entropy."""
    return _part("nrce")


def nce_rce(params: of.NceRceParams, context: LossContext) -> nn.Module:
    """Normalised cross-entropy and reverse cross-entropy."""
    return _sum(params, _part("nce"), _part("rce", log_zero=params.log_zero))


def nce_mae(params: of.ActivePassiveWeights, context: LossContext) -> nn.Module:
    """Normalised cross-entropy and mean absolute error."""
    return _sum(params, _part("nce"), _part("mae"))


def nfl_rce(params: of.NflRceParams, context: LossContext) -> nn.Module:
    """Normalised focal loss and reverse cross-entropy."""
    return _sum(params, _part("nfl", gamma=params.gamma), _part("rce", log_zero=params.log_zero))


def nfl_mae(params: of.NflMaeParams, context: LossContext) -> nn.Module:
    """Normalised focal loss and mean absolute error."""
    return _sum(params, _part("nfl", gamma=params.gamma), _part("mae"))


def active_passive(params: of.ActivePassiveParams, context: LossContext) -> nn.Module:
    """Any active loss with any passive one."""
    constants = {"gamma": params.gamma, "q": params.q, "log_zero": params.log_zero}
    return _sum(params, _part(params.active, **constants), _part(params.passive, **constants))


def soft_bootstrapping(params: of.SoftBootstrappingParams, context: LossContext) -> nn.Module:
    """Soft bootstrapping."""
    from lsn_robust_losses.bootstrapping import SoftBootstrapping

    return SoftBootstrapping(params.beta)


def hard_bootstrapping(params: of.HardBootstrappingParams, context: LossContext) -> nn.Module:
    """Hard bootstrapping."""
    from lsn_robust_losses.bootstrapping import HardBootstrapping

    return HardBootstrapping(params.beta)


def gls(params: of.GlsParams, context: LossContext) -> nn.Module:
    """Generalised label smoothing."""
    from lsn_robust_losses.smoothing import GeneralisedLabelSmoothing

    return GeneralisedLabelSmoothing(params.rate, params.warmup_epochs, context.num_examples)


def mixup(params: of.MixupParams, context: LossContext) -> nn.Module:
    """mixup."""
    from lsn_robust_losses.mixup import Mixup

    return Mixup(params.alpha, params.per_example, context.num_classes)


def truncated_gce(params: of.TruncatedGceParams, context: LossContext) -> nn.Module:
    """Truncated generalised cross-entropy."""
    from lsn_robust_losses.truncated import TruncatedGeneralisedCrossEntropy

    return TruncatedGeneralisedCrossEntropy(params.q, params.k, params.start, params.every, context.num_examples)


def elr(params: of.ElrParams, context: LossContext) -> nn.Module:
    """Early-learning regularisation."""
    from lsn_robust_losses.early_learning import EarlyLearningRegularisation

    return EarlyLearningRegularisation(params.beta, params.weight, context.num_examples, context.num_classes)


def _sum(params: of.ActivePassiveWeights, active: LabelwiseLoss, passive: LabelwiseLoss) -> nn.Module:
    from lsn_robust_losses.normalised import ActivePassive

    return ActivePassive(active, passive, params.alpha, params.beta)


def _part(name: str, *, gamma: float = 0.0, q: float = 1.0, log_zero: float = -1.0) -> LabelwiseLoss:
    """A part of an active-passive loss by its short name; ``n`` before it makes it normalised."""
    from lsn_robust_losses import pointwise
    from lsn_robust_losses.normalised import Normalised

    plain: dict[str, LabelwiseLoss] = {
        "ce": pointwise.CrossEntropy(),
        "focal": pointwise.Focal(gamma),
        "fl": pointwise.Focal(gamma),
        "gce": pointwise.GeneralisedCrossEntropy(q),
        "mae": pointwise.MeanAbsoluteError(),
        "rce": pointwise.ReverseCrossEntropy(log_zero),
    }
    return plain[name] if name in plain else Normalised(plain[name.removeprefix("n")])
