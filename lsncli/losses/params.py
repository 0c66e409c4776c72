"""Parameters of the built-in losses, validated while the plan is made."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import ConfigDict, Field, model_validator

from lsncli.losses.matrices import backward_matrix
from lsncli.matrices import TRANSITION_EXAMPLE, SquareMatrix, TransitionMatrix, as_transition
from lsncli.parameters import Params

#: Strict: "0.1" and true are mistakes in a recipe, not numbers.
Alpha = Annotated[float, Field(ge=0, lt=1, strict=True)]
Floor = Annotated[float, Field(ge=0, lt=0.5, strict=True)]

FLOOR = "probabilities are clipped to [floor, 1 - floor] before the logarithm; 0 for no clipping"


class StandardParams(Params):
    """Softmax cross-entropy."""

    floor: Floor = Field(0.0, examples=[1e-3], description=FLOOR)


class LabelSmoothingParams(Params):
    """Label smoothing; negative smoothing is another loss and is refused."""

    alpha: Alpha = Field(
        0.1, examples=[0.0], description="share of the target that is spread evenly over all L classes"
    )
    floor: Floor = Field(0.0, description=FLOOR)


class SmearingParams(Params):
    """Label smearing by any matrix."""

    matrix: SquareMatrix = Field(
        examples=[TRANSITION_EXAMPLE],
        description="M, L rows of L numbers, or the path of a .csv, .json or .npy file;"
        " the loss of label y is row y of M times the losses of all labels",
    )
    floor: Floor = Field(0.0, description=FLOOR)


class CorrectionParams(Params):
    """Where a loss correction takes the transition matrix T from: exactly one of three sources."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"alpha": 0.2}, {"matrix": TRANSITION_EXAMPLE}, {"transition": "true"}],  # type: ignore[dict-item]
        }
    )

    alpha: Alpha | None = Field(
        None,
        description="symmetric T = (1 - alpha) I + alpha/L J; its flip rate is (L-1)/L alpha; exactly one of alpha,"
        " matrix and transition is given",
    )
    matrix: TransitionMatrix | None = Field(
        None,
        description="T itself, T[i, j] = P(noisy j | true i): L rows of L numbers, or the path of a .csv,"
        " .json or .npy file",
    )
    transition: Literal["true", "estimated"] | None = Field(
        None, description='"true": the T of the noise model; "estimated": the T estimated from another run'
    )

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        given = [name for name in ("alpha", "matrix", "transition") if getattr(self, name) is not None]
        if len(given) != 1:
            found = f"{' and '.join(given)} are given" if given else "none is given"
            raise ValueError(f"say exactly one of alpha, matrix and transition ({found})")
        return self


class BackwardParams(CorrectionParams):
    """Backward correction; its loss is unbounded below without a floor."""

    floor: Floor = Field(1e-7, description=FLOOR + " (Patrini et al.'s code has 1e-7)")

    @model_validator(mode="after")
    def _invertible(self) -> Self:
        if self.matrix is not None:
            backward_matrix(as_transition(self.matrix))
        return self


class ForwardParams(CorrectionParams):
    """Forward correction."""

    floor: Floor = Field(0.0, description=FLOOR + "; clipped before they are mixed by T")
