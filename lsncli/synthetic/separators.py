"""Figure 5: what smoothing and shrinkage do to a logistic separator that asymmetric noise has moved.

Two Gaussian classes at ±(1, 1) with variance 0.01; 5 % of the negatives are labelled positive (paper, section 4.2).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from pydantic import Field, field_validator

from lsncli.parameters import Params
from lsncli.synthetic.logistic import fit

#: Raised when the results change, so that stored ones are computed again.
REVISION = 1

#: The clean classes are separable, so that plain logistic regression has no minimiser on them; as the penalty goes
#: to zero its separator goes to that of maximum margin. This one is small enough to be there.
CLEAN_STRENGTH = 1e-6

Floats = npt.NDArray[np.float64]


class SeparatorsParams(Params):
    """The synthetic problem; the paper gives neither the size of the sample nor its α and penalties."""

    per_class: int = Field(500, ge=2, le=1_000_000, description="Examples of each class.")
    variance: float = Field(0.01, gt=0, description="σ² of both classes, in each direction.")
    noise_rate: float = Field(0.05, gt=0, lt=0.5, description="Share of the negatives that are labelled positive.")
    alphas: tuple[float, ...] = Field((0.1, 0.3, 0.6, 0.9), description="α of label smoothing, each in (0, 1).")
    strengths: tuple[float, ...] = Field(
        (0.001, 0.01, 0.1, 1.0), description="λ of the penalty (λ/2)·‖w‖² on the mean loss, each above 0."
    )
    seed: int = Field(0, ge=0, description="Seed of the sample and of the noise.")

    @field_validator("alphas")
    @classmethod
    def _in_range(cls, alphas: tuple[float, ...]) -> tuple[float, ...]:
        if not alphas or not all(0 < alpha < 1 for alpha in alphas):
            raise ValueError("one or more values in (0, 1) are expected; 0, no smoothing, is always shown")
        return alphas

    @field_validator("strengths")
    @classmethod
    def _positive(cls, strengths: tuple[float, ...]) -> tuple[float, ...]:
        if not strengths or not all(strength > 0 for strength in strengths):
            raise ValueError("one or more values above 0 are expected; 0, no penalty, is always shown")
        return strengths


@dataclass(frozen=True, slots=True)
class Sample:
    """points ``[N, 2]``; true, given ``[N]``: 1 for positive, 0 for negative, before and after the noise."""

    points: Floats
    true: Floats
    given: Floats


def sample(params: SeparatorsParams) -> Sample:
    """Draw the problem: positives first, and exactly the noise rate's count (at least one) of negatives flipped."""
    generator = np.random.default_rng(params.seed)
    true = np.repeat([1.0, 0.0], params.per_class)
    centres = np.where(true[:, None] == 1, 1.0, -1.0)
    points = centres + np.sqrt(params.variance) * generator.standard_normal((len(true), 2))
    count = max(1, round(params.noise_rate * params.per_class))
    flipped = params.per_class + generator.choice(params.per_class, size=count, replace=False)
    given = true.copy()
    given[flipped] = 1.0
    return Sample(points, true, given)


def separators(drawn: Sample, params: SeparatorsParams) -> Floats:
    """``[2 + A + S, 3]``: the separators (w₁, w₂, intercept) of the clean labels, of the noisy ones, of the noisy
    ones smoothed by each α, and of the noisy ones under each penalty."""
    smoothed = [(1 - alpha) * drawn.given + alpha / 2 for alpha in params.alphas]
    return np.stack(
        [
            fit(drawn.points, drawn.true, strength=CLEAN_STRENGTH),
            fit(drawn.points, drawn.given),
            *(fit(drawn.points, targets) for targets in smoothed),
            *(fit(drawn.points, drawn.given, strength=strength) for strength in params.strengths),
        ]
    )
