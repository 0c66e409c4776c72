"""The recipe format: one TOML file says what to compare and how to report it.

Sections that name a component (``[data]``, ``[noise]``, ``[model]``, ``[loss]``, ``train.optimizer``,
``train.schedule``, ``transition.estimator``) also hold the component's own parameters; those are checked against
the component when the recipe is resolved.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt, PositiveFloat, PositiveInt, field_validator

from lsncli.plan import Augmentation

PROFILE_ORDER = ("paper", "quick", "smoke")


class _Closed(BaseModel):
    # Strict: the text "200" is no number of steps.
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, strict=True)


class ComponentSection(BaseModel):
    """A component's name and its parameters."""

    model_config = ConfigDict(extra="allow", allow_inf_nan=False, strict=True)

    name: str = Field(description="Name of a registered component; lsn plugins list shows them.")

    def params(self) -> dict[str, Any]:
        """The component's own parameters."""
        return dict(self.model_extra or {})


class DataSection(ComponentSection):
    """What is learnt from."""

    train_size: PositiveInt | None = Field(None, description="Train on a class-balanced subset of this size.")
    test_size: PositiveInt | None = Field(None, description="Test on a class-balanced subset of this size.")
    subset_seed: NonNegativeInt = Field(
        0, description="Seed of the choice of the subset and of the validation set."
    )
    validation_size: PositiveInt | None = Field(
        None,
        description="Hold out this many of the training examples, with their noisy labels, and measure"
        " validation_accuracy on them.",
    )


class NoiseSection(ComponentSection):
    """How the training labels are corrupted; the test labels never are."""

    name: str = Field("none", description="Name of a registered noise model.")
    seed: NonNegativeInt | None = Field(None, description="Seed of the noise; the run's own seed if not given.")


class LossSection(ComponentSection):
    """The loss that is compared."""

    name: str = Field("standard", description="Name of a registered loss.")


class OptimizerSection(ComponentSection):
    """The optimiser."""

    name: str = Field("sgd", description="Name of a registered optimiser.")


class ScheduleSection(ComponentSection):
    """The learning rate over the steps."""

    name: str = Field("constant", description="Name of a registered schedule.")


class TrainSection(_Closed):
    """How the parameters are fitted."""

    steps: PositiveInt = Field(description="Optimiser steps.")
    batch_size: PositiveInt = Field(128, description="Examples per step.")
    optimizer: OptimizerSection = Field(default_factory=OptimizerSection)
    schedule: ScheduleSection = Field(default_factory=ScheduleSection)
    augment: Augmentation = Field("none", description="Random crops and left-right flips of training images.")
    crop_padding: PositiveInt = Field(4, description="Pixels of zero padding before a random crop.")
    evaluations: PositiveInt = Field(10, description="Evaluations, evenly spaced; the last is after the last step.")


class TeacherSection(_Closed):
    """The teacher's own settings; its presence makes the run a distillation. What is not said is the student's."""

    data: dict[str, Any] = Field(default_factory=dict, description="As [data].")
    noise: dict[str, Any] = Field(default_factory=dict, description="As [noise].")
    model: dict[str, Any] = Field(default_factory=dict, description="As [model].")
    loss: dict[str, Any] = Field(default_factory=dict, description="As [loss].")
    train: dict[str, Any] = Field(default_factory=dict, description="As [train].")
    seed: NonNegativeInt | None = Field(None, description="One teacher for all seeds; the student's if not given.")


class DistillationSection(_Closed):
    """How the student learns from the teacher's softened probabilities (paper, section 5 and appendix B.2)."""

    temperature: PositiveFloat = Field(2.0, description="Both logits are divided by it.")
    squared_temperature_factor: bool = Field(
        False, description="Multiply the loss by the squared temperature (Hinton et al.); the paper does not say."
    )
    teacher_view: Literal["augmented", "clean"] = Field(
        "augmented", description="Whether the teacher sees the student's augmented images or the plain ones."
    )


class EstimatorSection(ComponentSection):
    """The estimator of the transition matrix."""

    name: str = Field("anchor", description="Name of a registered estimator.")


class EstimatedRunSection(_Closed):
    """Changes to the run's own settings that give the run whose predictions are read."""

    data: dict[str, Any] = Field(default_factory=dict, description="As [data].")
    noise: dict[str, Any] = Field(default_factory=dict, description="As [noise].")
    model: dict[str, Any] = Field(default_factory=dict, description="As [model].")
    loss: dict[str, Any] = Field(
        default_factory=lambda: {"name": "standard"}, description="As [loss]; standard if not given."
    )
    train: dict[str, Any] = Field(default_factory=dict, description="As [train].")


class TransitionSection(_Closed):
    """An estimate of the transition matrix, for losses with transition = "estimated"."""

    estimator: EstimatorSection = Field(default_factory=EstimatorSection)
    run: EstimatedRunSection = Field(default_factory=EstimatedRunSection)


class SweepCase(BaseModel):
    """One of several alternatives; its other keys are sections, and dotted keys of them, with the case's values."""

    model_config = ConfigDict(extra="allow")

    label: str | float | None = Field(
        None, description="The case's name, by which a report can have rows or columns."
    )
    at: dict[str, str | float | bool] = Field(
        default_factory=dict,
        description="Swept keys with the values at which the case stands in the report; what is trained does not"
        " change.",
    )
    sweep: dict[str, Annotated[list[Any], Field(min_length=1)]] = Field(
        default_factory=dict, description="Axes of this case alone, as in [sweep]."
    )


class SweepSection(BaseModel):
    """What is varied: dotted keys with lists of values, whose product is run, times the cases."""

    # For the JSON Schema alone: lsncli.recipe.expansion reads the section, with messages of its own.
    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, Annotated[list[Any], Field(min_length=1)]]

    case: list[SweepCase] = Field(
        default_factory=list, description="Alternatives that differ in more than one key: [[sweep.case]] tables."
    )


class ReportSection(_Closed):
    """How the results are laid out."""

    rows: list[str] | None = Field(None, description="Swept keys (or 'label') that make the rows.")
    columns: list[str] | None = Field(None, description="Swept keys (or 'label', 'metric') that make the columns.")
    metrics: Annotated[list[str], Field(min_length=1)] = Field(
        ["test_accuracy"], description="Metrics to show; with more than one, 'metric' becomes a column key."
    )
    which: Literal["last", "best"] = Field(
        "last", description="The last evaluation (as the paper does) or the one of best test accuracy."
    )


class Recipe(_Closed):
    """A recipe file."""

    title: str = Field(description="What is compared.")
    description: str = Field("", description="More words on it.")
    table: PositiveInt | None = Field(None, description="The paper's table that this recipe reproduces.")
    figure: PositiveInt | list[PositiveInt] | None = Field(
        None, description="The paper's figure or figures that this recipe reproduces."
    )
    seeds: Annotated[list[NonNegativeInt], Field(min_length=1)] = Field([0], description="One run per seed.")
    data: DataSection
    noise: NoiseSection = Field(default_factory=NoiseSection)
    model: ComponentSection
    loss: LossSection = Field(default_factory=LossSection)
    train: TrainSection
    teacher: TeacherSection | None = None
    distillation: DistillationSection = Field(default_factory=DistillationSection)
    transition: TransitionSection | None = None
    sweep: dict[str, Any] = Field(
        default_factory=dict,
        description="Dotted keys with lists of values (their product is run), and [[sweep.case]] tables.",
    )
    report: ReportSection = Field(default_factory=ReportSection)
    profiles: dict[str, dict[str, Any]] = Field(
        default_factory=dict, description="Named sets of changes to all of the above."
    )

    def figures(self) -> list[int]:
        """The paper's figures that this recipe reproduces."""
        if self.figure is None:
            return []
        return self.figure if isinstance(self.figure, list) else [self.figure]

    @field_validator("seeds")
    @classmethod
    def _distinct(cls, seeds: list[int]) -> list[int]:
        if len(set(seeds)) != len(seeds):
            raise ValueError("a seed is given twice; each run would count twice")
        return seeds


#: Top-level sections whose keys a sweep or ``--set`` may change.
SETTING_SECTIONS = ("data", "noise", "model", "loss", "train", "teacher", "distillation", "transition")
