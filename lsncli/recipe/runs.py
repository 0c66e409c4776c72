"""Makes the RunSpec of one seed from the sections of a recipe."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from pydantic import BaseModel

from lsncli.components import CheckContext
from lsncli.plan import ComponentSpec, DataSpec, NoiseSpec, RunSpec, TrainSpec
from lsncli.recipe.checking import ComponentChecker
from lsncli.recipe.schema import ComponentSection, DataSection, LossSection, NoiseSection, TrainSection


@dataclass(frozen=True, slots=True)
class Sections:
    """The sections of one run; ``prefix`` leads to them in the recipe (``teacher.``)."""

    data: DataSection
    noise: NoiseSection
    model: ComponentSection
    loss: LossSection
    train: TrainSection
    prefix: str = ""


def read_sections(checker: ComponentChecker, settings: Mapping[str, Any], prefix: str = "") -> Sections:
    """The sections of a run; ``prefix`` is where a dependency's stand in the recipe."""
    return Sections(
        data=checker.section(DataSection, settings.get("data", {}), f"{prefix}data"),
        noise=checker.section(NoiseSection, settings.get("noise", {}), f"{prefix}noise"),
        model=checker.section(ComponentSection, settings.get("model", {}), f"{prefix}model"),
        loss=checker.section(LossSection, settings.get("loss", {}), f"{prefix}loss"),
        train=checker.section(TrainSection, settings.get("train", {}), f"{prefix}train"),
        prefix=prefix,
    )


def make_spec(checker: ComponentChecker, sections: Sections, seed: int, *, estimates: bool = False) -> RunSpec:
    """The run of ``sections`` and ``seed``, without its dependencies.

    ``estimates``: whether the recipe says how T is estimated, for a loss that takes an estimate.
    """
    data, noise, train, at = sections.data, sections.noise, sections.train, sections.prefix
    if data.name in checker.components.names("data set"):
        data_spec, data_params = checker.component("data set", data, f"{at}data")
    else:
        data_spec, data_params = checker.prepared(data), None
    noise_spec, noise_params = checker.component("noise model", noise, f"{at}noise")
    model_spec, model_params = checker.component("architecture", sections.model, f"{at}model")
    loss_spec, loss_params = checker.component("loss", sections.loss, f"{at}loss")
    optimizer, optimizer_params = checker.component("optimizer", train.optimizer, f"{at}train.optimizer")
    schedule, schedule_params = checker.component("schedule", train.schedule, f"{at}train.schedule")
    estimates = estimates and checker.uses_estimate(loss_spec, loss_params, f"{at}loss")
    context = _without_matrix(checker, sections, estimates)
    if data_params is not None:
        checker.check("data set", data_spec, data_params, f"{at}data", context)
    checker.check("noise model", noise_spec, noise_params, f"{at}noise", context)
    context = replace(context, transition=checker.true_transition(noise_spec, noise_params, context))
    checker.check("architecture", model_spec, model_params, f"{at}model", context)
    checker.check("loss", loss_spec, loss_params, f"{at}loss", context)
    checker.check("optimizer", optimizer, optimizer_params, f"{at}train.optimizer", context)
    checker.check("schedule", schedule, schedule_params, f"{at}train.schedule", context)
    return RunSpec(
        data=DataSpec(
            **data_spec.model_dump(),
            train_size=data.train_size,
            test_size=data.test_size,
            # Without a choice its seed is never used, and must not tell equal runs apart.
            subset_seed=data.subset_seed if data.train_size or data.test_size or data.validation_size else 0,
            validation_size=data.validation_size,
        ),
        noise=NoiseSpec(**noise_spec.model_dump(), seed=_noise_seed(noise, seed)),
        model=model_spec,
        loss=loss_spec,
        train=TrainSpec(
            steps=train.steps,
            batch_size=train.batch_size,
            optimizer=optimizer,
            schedule=schedule,
            augment=train.augment,
            crop_padding=train.crop_padding if "crop" in train.augment else 4,
            evaluations=train.evaluations,
        ),
        seed=seed,
    )


def check_estimator(
    checker: ComponentChecker, sections: Sections, estimator: ComponentSpec, params: BaseModel
) -> None:
    """Let the estimator of the run of ``sections``, which has been made, say whether it can work there."""
    noise, noise_params = checker.component("noise model", sections.noise, f"{sections.prefix}noise")
    context = _without_matrix(checker, sections, estimates=True)
    context = replace(context, transition=checker.true_transition(noise, noise_params, context))
    checker.check("estimator", estimator, params, "transition.estimator", context)


def _without_matrix(checker: ComponentChecker, sections: Sections, estimates: bool) -> CheckContext:
    """What components may know before the noise model has agreed, of which only then the matrix is asked."""
    num_classes, class_names = checker.classes(sections.data.name)
    true_labels = checker.true_labels(sections.data.name)
    info = checker.components.get("noise model", sections.noise.name)
    return CheckContext(
        dataset=sections.data.name,
        num_classes=num_classes,
        noise=sections.noise.name,
        has_transition=info.has_transition and true_labels,
        class_names=class_names,
        has_estimate=estimates,
        true_labels=true_labels,
        train_size=checker.train_size(sections.data.name),
    )


def _noise_seed(noise: NoiseSection, seed: int) -> int:
    """Noise ``none`` draws nothing: its seed stays at the default, so that such runs share a key."""
    if noise.name == "none":
        return 0
    return seed if noise.seed is None else noise.seed
