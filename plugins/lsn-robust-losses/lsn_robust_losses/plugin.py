"""Registers the losses; each builder imports torch only when it is called."""

from __future__ import annotations

from collections.abc import Callable

from lsncli import LossInfo, hookimpl

from lsn_robust_losses import build, papers, params


@hookimpl
def lsn_losses(register: Callable[[LossInfo], None]) -> None:
    """Register every loss of this package."""
    for family in (_of_the_probability, _normalised, _corrected_targets, _with_memory):
        for info in family():
            register(info)


def _of_the_probability() -> list[LossInfo]:
    return [
        LossInfo(
            name="gce",
            build=build.gce,
            params=params.GceParams,
            label="GCE q={q:g}",
            summary="generalised cross-entropy, (1 - p^q)/q; between cross-entropy and mean absolute error",
            reference=f"{papers.ZHANG_SABUNCU} (equation 6)",
        ),
        LossInfo(
            name="mae",
            build=build.mae,
            label="MAE",
            summary="mean absolute error, 2 (1 - p); robust to symmetric noise, slow to train",
            reference=papers.GHOSH,
        ),
        LossInfo(
            name="unhinged",
            build=build.unhinged,
            label="unhinged",
            summary="unhinged loss, 1 - f_y + mean of f; unbounded below, needs weight decay",
            reference=papers.VAN_ROOYEN,
        ),
        LossInfo(
            name="rce",
            build=build.rce,
            params=params.RceParams,
            label="RCE A={log_zero:g}",
            summary="reverse cross-entropy, -A (1 - p)",
            reference=papers.WANG,
        ),
        LossInfo(
            name="sce",
            build=build.sce,
            params=params.SceParams,
            label="SCE α={alpha:g} β={beta:g}",
            summary="symmetric cross-entropy: cross-entropy and reverse cross-entropy, weighted",
            reference=papers.WANG,
        ),
        LossInfo(
            name="focal",
            build=build.focal,
            params=params.FocalParams,
            label="focal γ={gamma:g}",
            summary="focal loss, -(1 - p)^gamma log p",
            reference=f"{papers.LIN} (equation 4)",
        ),
        LossInfo(
            name="phuber-ce",
            build=build.phuber_ce,
            params=params.PhuberCeParams,
            label="PHuber-CE τ={tau:g}",
            summary="partially Huberised cross-entropy: linear where p is below 1/tau",
            reference=papers.MENON,
        ),
        LossInfo(
            name="phuber-gce",
            build=build.phuber_gce,
            params=params.PhuberGceParams,
            label="PHuber-GCE τ={tau:g}",
            summary="partially Huberised generalised cross-entropy",
            reference=papers.MENON,
        ),
        LossInfo(
            name="bi-tempered",
            build=build.bi_tempered,
            params=params.BiTemperedParams,
            label="bi-tempered {t1:g}, {t2:g}",
            summary="bi-tempered logistic loss: a bounded logarithm of a heavy-tailed softmax",
            reference=papers.AMID,
        ),
    ]


def _normalised() -> list[LossInfo]:
    ap = "α={alpha:g} β={beta:g}"
    return [
        LossInfo(
            name="nce",
            build=build.nce,
            label="NCE",
            summary="normalised cross-entropy: the label's cross-entropy as a share of all labels'",
            reference=papers.MA,
        ),
        LossInfo(
            name="nfl",
            build=build.nfl,
            params=params.FocalParams,
            label="NFL γ={gamma:g}",
            summary="normalised focal loss",
            reference=papers.MA,
        ),
        LossInfo(
            name="ngce",
            build=build.ngce,
            params=params.GceParams,
            label="NGCE q={q:g}",
            summary="normalised generalised cross-entropy",
            reference=papers.MA,
        ),
        LossInfo(
            name="nmae",
            build=build.nmae,
            label="NMAE",
            summary="normalised mean absolute error, (1 - p)/(L - 1)",
            reference=papers.MA,
        ),
        LossInfo(
            name="nrce",
            build=build.nrce,
            label="NRCE",
            summary="normalised reverse cross-entropy, (1 - p)/(L - 1) whatever A is",
            reference=papers.MA,
        ),
        LossInfo(
            name="nce-rce",
            build=build.nce_rce,
            params=params.NceRceParams,
            label=f"NCE+RCE {ap}",
            summary="active-passive: normalised cross-entropy and reverse cross-entropy",
            reference=papers.MA,
        ),
        LossInfo(
            name="nce-mae",
            build=build.nce_mae,
            params=params.ActivePassiveWeights,
            label=f"NCE+MAE {ap}",
            summary="active-passive: normalised cross-entropy and mean absolute error",
            reference=papers.MA,
        ),
        LossInfo(
            name="nfl-rce",
            build=build.nfl_rce,
            params=params.NflRceParams,
            label=f"NFL+RCE {ap}",
            summary="active-passive: normalised focal loss and reverse cross-entropy",
            reference=papers.MA,
        ),
        LossInfo(
            name="nfl-mae",
            build=build.nfl_mae,
            params=params.NflMaeParams,
            label=f"NFL+MAE {ap}",
            summary="active-passive: normalised focal loss and mean absolute error",
            reference=papers.MA,
        ),
        LossInfo(
            name="active-passive",
            build=build.active_passive,
            params=params.ActivePassiveParams,
            label=f"{{active}}+{{passive}} {ap}",
            summary="any active loss with any passive one, weighted",
            reference=papers.MA,
        ),
    ]


def _corrected_targets() -> list[LossInfo]:
    return [
        LossInfo(
            name="soft-bootstrapping",
            build=build.soft_bootstrapping,
            params=params.SoftBootstrappingParams,
            label="soft bootstrapping β={beta:g}",
            summary="cross-entropy against the label mixed with the network's prediction",
            reference=papers.REED,
        ),
        LossInfo(
            name="hard-bootstrapping",
            build=build.hard_bootstrapping,
            params=params.HardBootstrappingParams,
            label="hard bootstrapping β={beta:g}",
            summary="cross-entropy against the label mixed with the network's most probable class",
            reference=papers.REED,
        ),
        LossInfo(
            name="gls",
            build=build.gls,
            params=params.GlsParams,
            label="GLS r={rate:g}",
            summary="generalised label smoothing, negative rates included, after a warm-up of cross-entropy",
            reference=papers.WEI,
        ),
        LossInfo(
            name="mixup",
            build=build.mixup,
            params=params.MixupParams,
            label="mixup α={alpha:g}",
            summary="cross-entropy on means of two images and of their targets",
            reference=papers.ZHANG_MIXUP,
        ),
    ]


def _with_memory() -> list[LossInfo]:
    return [
        LossInfo(
            name="truncated-gce",
            build=build.truncated_gce,
            params=params.TruncatedGceParams,
            label="truncated GCE q={q:g} k={k:g}",
            summary="generalised cross-entropy that leaves out examples whose label is too improbable",
            reference=papers.ZHANG_SABUNCU,
            needs=frozenset({"indices"}),
        ),
        LossInfo(
            name="elr",
            build=build.elr,
            params=params.ElrParams,
            label="ELR β={beta:g} λ={weight:g}",
            summary="cross-entropy, and a regulariser that keeps each example to its own earlier predictions",
            reference=papers.LIU,
            needs=frozenset({"indices"}),
            suite="lsn_robust_losses.conformance:ElrSuite",
        ),
    ]
