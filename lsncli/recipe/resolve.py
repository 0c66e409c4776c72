"""Resolves variants into RunSpecs: every component found, every parameter validated, before anything trains."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from lsncli.errors import LsnError, UnknownNameError
from lsncli.plan import ComponentSpec, DistillationSpec, RunSpec, TransitionSpec
from lsncli.recipe.checking import Classes, ComponentChecker
from lsncli.recipe.derived import estimated_run_settings, teacher_settings
from lsncli.recipe.expansion import Variant, expand, value_at
from lsncli.recipe.loading import LoadedRecipe, Overrides
from lsncli.recipe.other_data import kept_for
from lsncli.recipe.runs import check_estimator, make_spec, read_sections
from lsncli.recipe.schema import DistillationSection, TeacherSection, TransitionSection
from lsncli.registry import Registry, registry
from lsncli.toml_text import toml_text

__all__ = [
    "Classes",
    "ResolvedRecipe",
    "ResolvedVariant",
    "believed",
    "refuse_unused_replacements",
    "resolve",
    "used_data",
]


def _nothing_known(name: str) -> Classes:
    return None, ()


def believed(name: str) -> bool:
    """Of every data set, that its true training labels are known: where nobody says otherwise."""
    return True


def _uncounted(name: str) -> int | None:
    return None


@dataclass(frozen=True, slots=True)
class ResolvedVariant:
    """A variant with its RunSpecs, one per seed, and the names that ``--data`` replaced."""

    coordinates: dict[str, Any]
    settings: dict[str, Any]
    specs: tuple[RunSpec, ...]
    replaced_data: str | None = None


@dataclass(frozen=True, slots=True)
class ResolvedRecipe:
    """A recipe, completely resolved: the runs behind every cell of its report."""

    loaded: LoadedRecipe
    variants: tuple[ResolvedVariant, ...]

    @property
    def title(self) -> str:
        """The recipe's title."""
        return self.loaded.recipe.title

    def specs(self) -> list[RunSpec]:
        """Every run, in the order of the file."""
        return [spec for variant in self.variants for spec in variant.specs]


def resolve(
    loaded: LoadedRecipe,
    *,
    classes: Callable[[str], Classes] = _nothing_known,
    true_labels: Callable[[str], bool] = believed,
    train_size: Callable[[str], int | None] = _uncounted,
    components: Registry | None = None,
) -> ResolvedRecipe:
    """Resolve all of a recipe; raises :class:`LsnError` for the first mistake, naming its place.

    ``classes`` tells the classes of a data set that no plugin registered (one prepared from files), ``true_labels``
    whether the true training labels of any are known, ``train_size`` how many training examples it has.
    """
    components = components or registry()
    resolver = _Resolver(loaded, ComponentChecker(loaded, classes, true_labels, train_size, components))
    expanded = expand(loaded, components)
    if not loaded.overrides.shared:
        refuse_unused_replacements(loaded.overrides, used_data(loaded))
    variants = tuple(resolver.variant(variant) for variant in expanded)
    return ResolvedRecipe(loaded, variants)


def used_data(loaded: LoadedRecipe) -> set[str]:
    """The data sets that a recipe names, before ``--data`` replaces them and ``--only`` leaves some of them out."""
    whole = replace(loaded, overrides=replace(loaded.overrides, only=()))
    return {str(value_at(variant.settings, "data.name")) for variant in expand(whole)}


def refuse_unused_replacements(overrides: Overrides, used: set[str]) -> None:
    """``--data`` of a name that no recipe uses would silently train on something else."""
    for name in overrides.data or {}:
        if name not in used:
            raise UnknownNameError.of("data set of the recipe", name, used, where=f"--data {name}=…")


class _Resolver:
    def __init__(self, loaded: LoadedRecipe, checker: ComponentChecker) -> None:
        self.loaded = loaded
        self.checker = checker

    def variant(self, variant: Variant) -> ResolvedVariant:
        settings, coordinates, replaced = self._replace_data(variant)
        try:
            specs = [self._run(settings, seed) for seed in self.loaded.recipe.seeds]
        except LsnError as error:
            combination = ", ".join(f"{k} = {toml_text(v)}" for k, v in coordinates.items() if v is not None)
            if combination:
                error.where = f"{error.where or self.loaded.source.name}; in the sweep: {combination}"
            raise
        return ResolvedVariant(coordinates, settings, tuple(specs), replaced)

    def _run(self, settings: Mapping[str, Any], seed: int) -> RunSpec:
        """A run together with the runs that it depends on."""
        own = self._spec(settings, seed, estimates="transition" in settings)
        if "teacher" in settings:
            # That it is a table at all: an axis, or --set where only cases have one, may have put anything there.
            self.checker.section(TeacherSection, settings["teacher"], "teacher")
        taught = teacher_settings(settings)
        if taught is not None:
            self._check_student(own.loss)
        return own.model_copy(
            update={
                "teacher": None if taught is None else self._teacher(taught, settings, seed),
                "distillation": None if taught is None else self._distillation(settings),
                "transition": self._transition(settings, own, seed),
            }
        )

    def _spec(self, settings: Mapping[str, Any], seed: int, *, at: str = "", estimates: bool = False) -> RunSpec:
        return make_spec(self.checker, read_sections(self.checker, settings, at), seed, estimates=estimates)

    def _teacher(self, taught: Mapping[str, Any], settings: Mapping[str, Any], seed: int) -> RunSpec:
        section = self.checker.section(TeacherSection, settings["teacher"], "teacher")
        seed = seed if section.seed is None else section.seed
        if "transition" not in settings:
            return self._spec(taught, seed, at="teacher.")
        # A teacher estimates its matrix as it would without a student, and is the same run.
        own = self._spec(taught, seed, at="teacher.", estimates=True)
        estimate = self._transition({**taught, "transition": settings["transition"]}, own, seed)
        return own.model_copy(update={"transition": estimate})

    def _check_student(self, loss: ComponentSpec) -> None:
        """A student's targets are its teacher's probabilities, which not every loss takes."""
        if not self.checker.components.get("loss", loss.name).soft_targets:
            raise LsnError(
                f"loss {loss.name!r} takes labels only, and a student learns from its teacher's probabilities",
                where=self.loaded.source.place("loss.name"),
                next="choose another loss for the student, or give this one to the teacher: [teacher.loss]",
            )

    def _distillation(self, settings: Mapping[str, Any]) -> DistillationSpec:
        section = self.checker.section(DistillationSection, settings.get("distillation", {}), "distillation")
        return DistillationSpec(**section.model_dump())

    def _transition(self, settings: Mapping[str, Any], own: RunSpec, seed: int) -> TransitionSpec | None:
        """The estimate that the run's loss asks for; a loss that asks for none shares its runs' keys."""
        if "transition" not in settings:
            return None
        section = self.checker.section(TransitionSection, settings["transition"], "transition")
        estimator, params = self.checker.component("estimator", section.estimator, "transition.estimator")
        sections = read_sections(self.checker, settings)
        _, loss_params = self.checker.component("loss", sections.loss, "loss")
        if not self.checker.uses_estimate(own.loss, loss_params, "loss"):
            return None
        check_estimator(self.checker, sections, estimator, params)
        reads = self.checker.components.get("estimator", estimator.name).reads_run
        run = self._spec(estimated_run_settings(settings), seed, at="transition.run.") if reads else None
        return TransitionSpec(estimator=estimator, run=run)

    def _replace_data(self, variant: Variant) -> tuple[dict[str, Any], dict[str, Any], str | None]:
        name = value_at(variant.settings, "data.name")
        other = (self.loaded.overrides.data or {}).get(name) if isinstance(name, str) else None
        if other is None:
            return variant.settings, variant.coordinates, None
        components = self.checker.components
        kept = kept_for(other, variant.settings["data"], name, components)
        settings = {**variant.settings, "data": {**kept, "name": other}}
        for section in ("teacher", "transition"):
            if section in settings:
                settings[section] = _replaced(settings[section], name, other, components)
        for key in variant.coordinates:
            # The same runs would stand under each value of the axis.
            if value_at(variant.settings, key) is not None and value_at(settings, key) is None:
                raise LsnError(
                    f"the recipe sweeps {key!r}, a parameter that {other!r} does not have",
                    where=f"--data {name}={other}",
                    next="copy the recipe (lsn recipe copy) and take the axis out",
                )
        coordinates = dict(variant.coordinates)
        if "data.name" in coordinates:
            coordinates["data.name"] = other
        return settings, coordinates, name


def _replaced(section: Any, name: str, other: str, components: Registry) -> Any:
    """A section of a dependency with data set ``name`` replaced by ``other``, wherever it speaks of it."""
    if not isinstance(section, Mapping):
        return section
    changed = {key: _replaced(value, name, other, components) for key, value in section.items()}
    data = changed.get("data")
    # What does not name its data set is about the run's own.
    if isinstance(data, dict) and data.get("name", name) == name:
        named = {"name": other} if "name" in data else {}
        changed["data"] = {**kept_for(other, data, name, components), **named}
    return changed
