"""Parameters of the losses, validated while the plan is made.

What was published for which data is in :mod:`lsn_robust_losses.published`; a default is not always one of these.
"""

from __future__ import annotations

from typing import Annotated, Literal

from lsncli import Params
from pydantic import Field

#: Strict: "0.7" and true are mistakes in a recipe, not numbers.
Weight = Annotated[float, Field(ge=0, strict=True)]
Share = Annotated[float, Field(ge=0, le=1, strict=True)]
Exponent = Annotated[float, Field(gt=0, le=1, strict=True)]
LogZero = Annotated[float, Field(lt=0, strict=True)]

Q = "1 is half the mean absolute error; towards 0 it is cross-entropy"
GAMMA = "how much less an example counts the surer the network is of its label; 0 is cross-entropy"
LOG_ZERO = (
    "A, which stands for log 0 of the label's one-hot distribution; the papers write -4, the authors' code clips"
    " at 1e-4, which makes it -9.2103"
)


class GceParams(Params):
    """Generalised cross-entropy."""

    q: Exponent = Field(0.7, description=Q, examples=[1.0])


class TruncatedGceParams(Params):
    """Truncated generalised cross-entropy."""

    q: Exponent = Field(0.7, description=Q)
    k: Annotated[float, Field(gt=0, lt=1, strict=True)] = Field(
        0.5, description="an example counts only while the network gives its label more than this probability"
    )
    start: int = Field(
        40, ge=1, strict=True, description="the epoch, from 1, in which examples are first left out", examples=[1]
    )
    every: int = Field(
        10, ge=1, strict=True, description="which examples count is decided anew every so many epochs", examples=[1]
    )


class SceParams(Params):
    """Symmetric cross-entropy."""

    alpha: Weight = Field(0.1, description="weight of cross-entropy")
    beta: Weight = Field(1.0, description="weight of reverse cross-entropy")
    log_zero: LogZero = Field(-4.0, description=LOG_ZERO, examples=[-9.2103])


class RceParams(Params):
    """Reverse cross-entropy."""

    log_zero: LogZero = Field(-4.0, description=LOG_ZERO)


class FocalParams(Params):
    """Focal loss, normalised or not."""

    gamma: Weight = Field(0.5, description=GAMMA + "; 0.5 in Ma et al., 2 in Lin et al.", examples=[0.0])


class ActivePassiveWeights(Params):
    """The weights of an active and a passive loss."""

    alpha: Weight = Field(1.0, description="weight of the active loss, which raises the label's probability")
    beta: Weight = Field(
        1.0, description="weight of the passive loss, which lowers the other labels' probabilities"
    )


class NceRceParams(ActivePassiveWeights):
    """Normalised cross-entropy and reverse cross-entropy."""

    log_zero: LogZero = Field(-4.0, description=LOG_ZERO)


class NflMaeParams(ActivePassiveWeights):
    """Normalised focal loss and mean absolute error."""

    gamma: Weight = Field(0.5, description=GAMMA)


class NflRceParams(ActivePassiveWeights):
    """Normalised focal loss and reverse cross-entropy."""

    gamma: Weight = Field(0.5, description=GAMMA)
    log_zero: LogZero = Field(-4.0, description=LOG_ZERO)


class ActivePassiveParams(ActivePassiveWeights):
    """Any active loss with any passive one."""

    active: Literal["ce", "focal", "gce", "nce", "nfl", "ngce"] = Field(
        "nce",
        description="cross-entropy, focal loss or generalised cross-entropy, or with n before it, normalised",
        examples=["ngce"],
    )
    passive: Literal["mae", "rce", "nmae", "nrce"] = Field(
        "rce",
        description="mean absolute error or reverse cross-entropy, or with n before it, normalised",
        examples=["nmae"],
    )
    gamma: Weight = Field(0.5, description=f"of focal and nfl: {GAMMA}")
    q: Exponent = Field(0.7, description=f"of gce and ngce: {Q}")
    log_zero: LogZero = Field(-4.0, description=f"of rce: {LOG_ZERO}")


class BiTemperedParams(Params):
    """The bi-tempered logistic loss."""

    t1: Share = Field(
        0.8, description="temperature of the logarithm; below 1 the loss is bounded by 1/(1 - t1)", examples=[0.0]
    )
    t2: Annotated[float, Field(ge=1, le=10, strict=True)] = Field(
        1.2, description="temperature of the softmax; above 1 its tails are heavy", examples=[4.0]
    )


class PhuberCeParams(Params):
    """Partially Huberised cross-entropy."""

    tau: Annotated[float, Field(gt=1, strict=True)] = Field(
        2.0,
        description="the loss is linear where the label's probability is below 1/tau; a large tau is cross-entropy",
        examples=[10.0],
    )


class PhuberGceParams(Params):
    """Partially Huberised generalised cross-entropy."""

    q: Annotated[float, Field(gt=0, lt=1, strict=True)] = Field(0.7, description=Q)
    tau: Annotated[float, Field(gt=1, strict=True)] = Field(
        10.0, description="the loss is linear where the label's probability is below tau^(1/(q-1))", examples=[2.0]
    )


class SoftBootstrappingParams(Params):
    """Soft bootstrapping."""

    beta: Share = Field(
        0.95, description="share of the given label; the rest is the network's own prediction", examples=[0.0]
    )


class HardBootstrappingParams(Params):
    """Hard bootstrapping."""

    beta: Share = Field(0.8, description="share of the given label; the rest is the network's most probable class")


class GlsParams(Params):
    """Generalised label smoothing."""

    rate: Annotated[float, Field(le=1, strict=True)] = Field(
        -0.4,
        description="r: share of the target that is spread over all L classes; below 0, negative label smoothing,"
        " whose loss has no lower bound",
        examples=[-6.0],
    )
    warmup_epochs: int = Field(
        0, ge=0, strict=True, description="epochs of plain cross-entropy before it", examples=[1]
    )


class ElrParams(Params):
    """Early-learning regularisation."""

    beta: Annotated[float, Field(ge=0, lt=1, strict=True)] = Field(
        0.7, description="how much of its past predictions an example keeps at each epoch"
    )
    weight: Weight = Field(3.0, description="lambda, the regulariser's weight")


class MixupParams(Params):
    """mixup."""

    alpha: Annotated[float, Field(gt=0, strict=True)] = Field(
        1.0, description="of the Beta(alpha, alpha) that images are mixed by; towards 0 nothing is mixed"
    )
    per_example: bool = Field(
        False,
        strict=True,
        description="draw a share for each example instead of one for the batch",
        examples=[True],
    )
