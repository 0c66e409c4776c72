"""Gathers the runs that claims are tested on: those of recipes under one profile, stand-ins in place."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from lsncli.errors import LsnError, NoRunLeftError
from lsncli.plan import Plan, RunSpec
from lsncli.recipe.loading import DEFAULT_PROFILE, LoadedRecipe, Overrides, load, profile_names, shipped_recipes
from lsncli.recipe.resolve import believed, resolve, used_data
from lsncli.registry import Registry, registry
from lsncli.report.claims.pairing import Arm, arms
from lsncli.report.claims.terms import Terms
from lsncli.report.filling import fill_command
from lsncli.report.results import Found, Results, find_profile, find_results


@dataclass(frozen=True)
class Evidence:
    """Runs, each once, and the terms to read them in. Runs that they depend on, as teachers, are among them."""

    specs: tuple[RunSpec, ...]
    terms: Terms

    @cached_property
    def arms(self) -> list[Arm]:
        """The runs, those that differ only by seed together."""
        return arms(self.specs)

    def of_known_labels(self) -> Evidence:
        """Without the runs whose true training labels nobody knows."""
        return replace(self, specs=tuple(spec for spec in self.specs if self.terms.true_labels(spec.data.name)))

    def unknown_labels(self) -> list[str]:
        """The data sets whose true training labels nobody knows."""
        names = dict.fromkeys(spec.data.name for spec in self.specs)
        return [name for name in names if not self.terms.true_labels(name)]


@dataclass(frozen=True)
class Gathered:
    """Recipes under one profile. recipes: name → what was found of it; notes: for the reader of the report.

    true_labels: whether those of a data set's training examples are known.
    """

    profile: str
    recipes: Mapping[str, Found]
    components: Registry
    notes: tuple[str, ...] = ()
    true_labels: Callable[[str], bool] = believed

    def evidence(self, names: Iterable[str] | None = None) -> Evidence:
        """The runs of the recipes ``names``, those that could be read; None: of all."""
        chosen = self.recipes if names is None else [name for name in names if name in self.recipes]
        found = [self.recipes[name] for name in chosen]
        specs = tuple(run.spec for run in Plan.of(spec for f in found for spec in f.resolved.specs()))
        replaced = {
            variant.specs[0].data.name: variant.replaced_data
            for f in found
            for variant in f.resolved.variants
            if variant.replaced_data is not None
        }
        return Evidence(specs, Terms(self.components, replaced, self.true_labels))

    def keys(self) -> list[str]:
        """The keys of all runs."""
        return [spec.key for spec in self.evidence().specs]

    def commands(self, names: Iterable[str], statuses: Mapping[str, str], options: Sequence[str]) -> list[str]:
        """The commands that train what those recipes lack; ``options`` are words to add to each."""
        commands = []
        for found in [self.recipes[name].resolved for name in names if name in self.recipes]:
            command = fill_command(found.loaded, [statuses.get(spec.key) for spec in found.specs()], options)
            commands += [command] if command else []
        return commands


def gather_recipe(
    loaded: LoadedRecipe,
    results: Results | None,
    *,
    components: Registry | None = None,
    true_labels: Callable[[str], bool] = believed,
) -> Gathered:
    """The runs of one recipe, under the profile asked for or else the first one that has results."""
    components = components or registry()
    found = find_profile(loaded, results, components=components)
    name = loaded.source.name
    notes = tuple(stand_in_notes([found]))
    return Gathered(found.resolved.loaded.profile, {name: found}, components, notes, true_labels)


def gather_shipped(
    names: Iterable[str],
    overrides: Overrides,
    results: Results | None,
    *,
    components: Registry | None = None,
    true_labels: Callable[[str], bool] = believed,
) -> Gathered:
    """The runs of the shipped recipes ``names`` under one profile for all: asked for, or the first with results.

    A recipe that cannot be read (it needs a plugin that is not installed, or an option does not fit it) is
    passed over with a note. Raises :class:`LsnError` where none can be read, or none uses a data set of
    ``--data``.
    """
    components = components or registry()
    wanted = [name for name in dict.fromkeys(names) if name in shipped_recipes()]
    profiles = [overrides.profile] if overrides.profile else _profiles(wanted)
    first: Gathered | None = None
    for profile in profiles:
        gathered = _under(wanted, replace(overrides, profile=profile), results, components, true_labels)
        if any(found.any_done for found in gathered.recipes.values()):
            return gathered
        first = first or gathered
    assert first is not None  # paper is always among the profiles
    return first


def _profiles(names: Iterable[str]) -> list[str]:
    known: dict[str, None] = {DEFAULT_PROFILE: None}
    for name in names:
        known.update(dict.fromkeys(load(name).available_profiles()))
    return profile_names(known)


@dataclass(slots=True)
class _Reading:
    used: set[str] = field(default_factory=set)
    found: dict[str, Found] = field(default_factory=dict)
    errors: dict[str, LsnError] = field(default_factory=dict)


def _under(
    names: Sequence[str],
    overrides: Overrides,
    results: Results | None,
    components: Registry,
    true_labels: Callable[[str], bool],
) -> Gathered:
    reading = _Reading()
    for name in names:
        try:
            loaded = load(name, replace(overrides, shared=True))
            reading.used |= used_data(loaded)
            resolved = resolve(loaded, components=components)
            reading.found[name] = find_results(resolved, results, components=components)
        except LsnError as error:
            reading.errors[name] = error
    if reading.errors and not reading.found:
        raise next(iter(reading.errors.values()))
    unused = set(overrides.data or {}) - reading.used
    if unused:
        raise LsnError(
            f"--data: no recipe of the claims uses the data set {sorted(unused)[0]!r}", valid=sorted(reading.used)
        )
    notes = [
        f"Recipe {name} was {'left out' if isinstance(error, NoRunLeftError) else 'not read'}: {error.what}."
        for name, error in reading.errors.items()
    ]
    notes += stand_in_notes(reading.found.values())
    return Gathered(overrides.profile or DEFAULT_PROFILE, reading.found, components, tuple(notes), true_labels)


def stand_in_notes(found: Iterable[Found]) -> list[str]:
    """A note on each data set that stands in for another."""
    said = (each.stand_in(variant) for each in found for variant in each.resolved.variants)
    return list(dict.fromkeys(note for note in said if note))
