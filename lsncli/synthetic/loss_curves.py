"""The logistic loss against the margin, plain, smoothed and corrected (paper, section 3.4 and Figure 1).

For L = 2 classes the loss of a label depends on the margin z = f_y − f_y' alone: ℓ(z) = log(1 + exp(−z)), and the
other label's loss is ℓ(−z). Every loss here equals log 2 at z = 0.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from pydantic import Field, model_validator

from lsncli.parameters import Params

#: Raised when the results change, so that stored ones are computed again.
REVISION = 1

Floats = npt.NDArray[np.float64]


class LossCurvesParams(Params):
    """What Figure 1 is drawn for; the paper does not say its α."""

    alpha: float = Field(0.2, gt=0, lt=1, description="α of label smoothing and of the symmetric T (equation 3).")
    lowest: float = Field(-6.0, ge=-1000, le=1000, description="Smallest margin.")
    highest: float = Field(6.0, ge=-1000, le=1000, description="Largest margin.")
    points: int = Field(481, ge=2, le=100_000, description="Margins, evenly spaced.")

    @model_validator(mode="after")
    def _in_order(self) -> LossCurvesParams:
        if self.lowest >= self.highest:
            raise ValueError("lowest must be below highest")
        return self


def standard(z: Floats, alpha: float) -> Floats:
    """ℓ(z) = log(1 + exp(−z)); ``alpha`` does not matter."""
    loss: Floats = np.logaddexp(0.0, -z)
    return loss


def smoothed(z: Floats, alpha: float) -> Floats:
    """(1 − α/2) ℓ(z) + (α/2) ℓ(−z), the row y of M ℓ for label smoothing (Table 1)."""
    return (1 - alpha / 2) * np.logaddexp(0.0, -z) + alpha / 2 * np.logaddexp(0.0, z)


def backward(z: Floats, alpha: float) -> Floats:
    """[(1 − α/2) ℓ(z) − (α/2) ℓ(−z)] / (1 − α), the row y of T⁻¹ ℓ (equation 4, Table 1)."""
    mixed: Floats = (1 - alpha / 2) * np.logaddexp(0.0, -z) - alpha / 2 * np.logaddexp(0.0, z)
    return mixed / (1 - alpha)


def forward(z: Floats, alpha: float) -> Floats:
    """−log((1 − α) σ(z) + α/2): the loss of the corrected probability (equation 5, softmax reading).

    Between −log(1 − α/2), for large margins, and −log(α/2), where it saturates.
    """
    # log((1 − α) σ(z) + α/2) with σ(z) = exp(−ℓ(z)), which does not underflow.
    corrected: Floats = np.logaddexp(np.log1p(-alpha) - np.logaddexp(0.0, -z), np.log(alpha / 2))
    return -corrected


#: The curves of Figure 1, in the order of its legend.
CURVES: dict[str, Callable[[Floats, float], Floats]] = {
    "Standard": standard,
    "Smoothed": smoothed,
    "Backward corrected": backward,
    "Forward corrected": forward,
}


def minimum_of_smoothed(alpha: float) -> tuple[float, float]:
    """The margin and the value of the smoothed loss's minimum.

    Its derivative −(1 − α/2) σ(−z) + (α/2) σ(z) vanishes where σ(z) = 1 − α/2, that is at z = log((2 − α)/α); the
    value there is the entropy of (1 − α/2, α/2).
    """
    p = 1 - alpha / 2
    return float(np.log(p / (1 - p))), float(-p * np.log(p) - (1 - p) * np.log(1 - p))


def loss_curves(params: LossCurvesParams) -> Floats:
    """``[1 + len(CURVES), points]``: the margins, then the losses in nats, in the order of :data:`CURVES`."""
    z = np.linspace(params.lowest, params.highest, params.points)
    return np.stack([z, *(curve(z, params.alpha) for curve in CURVES.values())])
