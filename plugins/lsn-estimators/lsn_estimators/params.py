"""Parameters of the estimators and of the losses."""

from __future__ import annotations

from typing import Annotated

from lsncli import Params
from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt

Percentile = Annotated[float, Field(gt=0, le=100)]


class DualParams(Params):
    """Parameters of dual T."""

    percentile: Percentile | None = Field(
        97.0,
        description="The anchor of a class is the best example below this percentile of its probability (97 in the "
        "paper's code); null for the best of all.",
    )


class HocParams(Params):
    """Parameters of HOC; the defaults are those of the paper's experiments."""

    rounds: PositiveInt = Field(50, description="G: rounds in which consensuses are counted among another sample.")
    sample: PositiveInt = Field(15_000, description="E: examples of a round; at most 90 % of all are taken.")
    steps: PositiveInt = Field(1500, description="Steps of Adam that solve the consensus equations.")
    lr: PositiveFloat = Field(0.1, description="Learning rate of Adam.")


class HeadParams(Params):
    """How a classifier is trained on the pre-logits of the run that is read."""

    hidden: NonNegativeInt = Field(0, description="Hidden units of the classifier; 0 makes it linear.")
    epochs: PositiveInt = Field(60, description="Passes over the training set.")
    batch_size: PositiveInt = Field(128, description="Examples of a step.")
    lr: PositiveFloat = Field(0.01, description="Learning rate of SGD with momentum 0.9.")
    weight_decay: NonNegativeFloat = Field(1e-4, description="L2 penalty on the classifier.")


class VolumeParams(HeadParams):
    """Parameters of volume minimisation on pre-logits."""

    # The code's rate, 0.01, is for 30,000 steps and more: in the few hundred that a small data set makes of these
    # epochs T stays where it began.
    lr: PositiveFloat = Field(0.1, description="Learning rate of SGD with momentum 0.9, for classifier and T.")
    volume: NonNegativeFloat = Field(1e-4, description="λ: weight of log |det T| in the loss.")
    initial: float = Field(
        2.0, description="T begins with σ(−initial) off the diagonal, before its rows are normalised (code: 2)."
    )


class RevisionParams(HeadParams):
    """Parameters of T-revision on pre-logits."""

    percentile: Percentile | None = Field(
        97.0, description="Of the anchors of the initial estimate; null for the best example of all."
    )
    revision_epochs: NonNegativeInt = Field(60, description="Further passes in which the slack is learnt as well.")
    revision_lr: PositiveFloat | None = Field(
        None,
        description="Learning rate of Adam in these passes. If not given, 0.0352 divided by their steps: so far "
        "can the code's 5e-7 move an entry in its 70,400 steps.",
    )


class VolumeLossParams(Params):
    """Parameters of VolMinNet."""

    volume: NonNegativeFloat = Field(1e-4, description="λ: weight of log |det T| in the loss.")
    initial: float = Field(
        2.0, description="T begins with σ(−initial) off the diagonal, before its rows are normalised (code: 2)."
    )
    transition_lr: PositiveFloat | None = Field(
        None,
        description="Learning rate of T, under the run's schedule; the network's if not given, as in the code.",
    )


class RevisionLossParams(Params):
    """Parameters of T-revision."""

    revise_from: NonNegativeInt = Field(
        0, description="The step from which the slack is learnt; before, the initial T reweights the losses."
    )
    through_weights: bool = Field(
        False,
        description="Once the slack is learnt, take the network's gradient through the weights as well, as the "
        "paper's code does at a rate of 5e-7; at a usual rate the network learns to give labels no chance then.",
    )
    slack_lr: PositiveFloat = Field(
        1e-5, description="Learning rate of the slack, under the run's schedule and optimiser."
    )
