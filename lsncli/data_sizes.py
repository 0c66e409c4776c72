"""Whether the data sets of a plan are large enough for its runs, told before anything is trained."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from lsncli.data.catalogue import DataDescription, describe
from lsncli.errors import LsnError
from lsncli.plan import Plan, RunSpec
from lsncli.recipe.expansion import value_at
from lsncli.recipe.resolve import ResolvedRecipe, ResolvedVariant
from lsncli.toml_text import toml_text


def check_data(plan: Plan, data_dir: Path, recipes: Sequence[ResolvedRecipe] = ()) -> dict[str, str]:
    """Check that every data set is known and its subsets possible; returns the stand-ins among them.

    Raises :class:`LsnError` before anything is trained, with the place in that of the ``recipes`` which wants the
    run. A registered data set that can be downloaded may still be absent: its runs then fail with a message of
    their own.
    """
    stand_ins: dict[str, str] = {}
    for run in plan:
        name = run.spec.data.name
        description = describe(name, data_dir)
        if description.stands_in_for:
            stand_ins[name] = description.stands_in_for
        for key, problem, most in _misfits(run.spec, description):
            raise LsnError(problem, where=_place(run.key, key, recipes), valid=f"at most {most}")
    return stand_ins


def _misfits(spec: RunSpec, description: DataDescription) -> Iterator[tuple[str, str, int]]:
    """The settings that the data set is too small for: key, what is wrong, and the most that is possible."""
    data, named = spec.data, f"data set {spec.data.name!r}"
    sizes = (
        ("data.train_size", data.train_size, description.train_size),
        ("data.test_size", data.test_size, description.test_size),
    )
    for key, wanted, there in sizes:
        if wanted is not None and there is not None and wanted > there:
            yield key, f"{key} = {wanted} is more than {named} has", there
    train, held_out, batch = data.train_size or description.train_size, data.validation_size, spec.train.batch_size
    if train is not None and held_out is not None:
        if held_out >= train:
            key, rest = "data.validation_size", f"{train} training examples of {named}"
            yield key, f"{key} = {held_out} leaves nothing of the {rest}", train - 1
        train -= held_out
    if train is not None and batch > train:
        key, rest = "train.batch_size", f"{train} training examples of {named}"
        yield key, f"{key} = {batch} is more than the {rest}", train


def _place(run: str, key: str, recipes: Sequence[ResolvedRecipe]) -> str | None:
    """Where the first recipe that wants the run says ``key``, of the run itself or of one that it depends on."""
    for recipe in recipes:
        for variant in recipe.variants:
            for spec in variant.specs:
                if spec.key == run:
                    return _told(recipe, variant, key)
                if spec.teacher is not None and run in Plan.of([spec.teacher]):
                    return _told(recipe, variant, key, "teacher.")
                if spec.transition is not None and run in Plan.of([spec]):
                    return _told(recipe, variant, key, "transition.run.")
    return None


def _told(recipe: ResolvedRecipe, variant: ResolvedVariant, key: str, dependency: str = "") -> str:
    """The place of ``key``; the combination, too, where it is said by one, whose line is not known."""
    # What a dependency's section does not say is the run's own.
    said = next(k for k in (f"{dependency}{key}", key) if k == key or value_at(variant.settings, k) is not None)
    source = recipe.loaded.source
    if value_at(recipe.loaded.recipe.model_dump(), said) == value_at(variant.settings, said):
        return source.place(said)
    swept = {name: value for name, value in variant.coordinates.items() if value is not None}
    where = source.place(said) if said in swept else f"{source.name}, key {said!r}"
    combination = ", ".join(f"{name} = {toml_text(value)}" for name, value in swept.items())
    return f"{where}; in the sweep: {combination}" if combination else where
