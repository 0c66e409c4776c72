"""Finds the results that a report shows: which profile, which runs are done, which data set stands in.

Nothing here knows the database; it is told by an object with the methods of :class:`Results`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, Protocol

from lsncli.errors import LsnError
from lsncli.recipe.loading import LoadedRecipe, parse
from lsncli.recipe.resolve import ResolvedRecipe, ResolvedVariant, resolve
from lsncli.registry import Registry

DONE, DIVERGED = "done", "diverged"
#: A run that ended so has no result, and training it again would not change that by itself.
ENDED_BADLY = frozenset({DIVERGED, "failed"})


class State(Protocol):
    """What is known of a run."""

    @property
    def status(self) -> str:
        """``done``, ``diverged``, ``failed``, ``interrupted``, …"""
        ...


class Results(Protocol):
    """Where runs and their metrics are read from; :class:`lsncli.store.Store` is one."""

    def statuses(self, keys: Sequence[str]) -> Mapping[str, State]:
        """The states of those runs that are known."""
        ...

    def values(
        self, keys: Sequence[str], names: Sequence[str], which: Literal["last", "best"] = "last"
    ) -> Mapping[str, Mapping[str, float]]:
        """The metrics of those runs that have any, by run key and name."""
        ...

    def data_digests(self, keys: Sequence[str]) -> Mapping[str, str]:
        """The digest of the data that each of those runs was trained on, of those that say."""
        ...

    def stand_ins(self) -> Mapping[str, str]:
        """Data set → the data set that it stands in for."""
        ...


@dataclass(frozen=True, slots=True)
class Found:
    """A recipe under the profile that is shown, with its stand-ins in place.

    statuses: run key → status, for the runs that are known. automatic: the replaced data sets that no
    ``--data`` named.
    """

    resolved: ResolvedRecipe
    statuses: Mapping[str, str] = field(default_factory=dict)
    automatic: frozenset[str] = frozenset()

    @property
    def any_done(self) -> bool:
        """Whether any run has finished."""
        return DONE in self.statuses.values()

    def stand_in(self, variant: ResolvedVariant) -> str | None:
        """The note on the data set that stands in for the variant's own; None where none does."""
        if variant.replaced_data is None:
            return None
        how = "no results of its own" if variant.replaced_data in self.automatic else "--data"
        return f"{variant.specs[0].data.name} stands in for {variant.replaced_data} ({how})."


def find_profile(loaded: LoadedRecipe, results: Results | None, *, components: Registry | None = None) -> Found:
    """The recipe under the profile that was asked for, or else the first one that has results.

    Profiles are tried in the order paper, quick, smoke, then the recipe's others; without any result it is
    paper's. Two profiles are never mixed.
    """
    if loaded.overrides.profile is not None or results is None:
        return find_results(resolve(loaded, components=components), results, components=components)
    first: Found | None = None
    for profile in loaded.available_profiles():
        try:
            found = _under(loaded, profile, results, components)
        except LsnError:
            if first is None:
                raise
            continue  # the options do not fit a profile that nobody asked for
        if found.any_done:
            return found
        first = first or found
    assert first is not None  # paper is always available
    return first


def _under(loaded: LoadedRecipe, profile: str, results: Results, components: Registry | None) -> Found:
    if profile != loaded.profile:
        # The profile is found, not asked for: the overrides keep saying so.
        loaded = replace(
            parse(loaded.source, replace(loaded.overrides, profile=profile)), overrides=loaded.overrides
        )
    return find_results(resolve(loaded, components=components), results, components=components)


def find_results(resolved: ResolvedRecipe, results: Results | None, *, components: Registry | None = None) -> Found:
    """The results of a resolved recipe, stand-ins taken where a data set of its own has none."""
    if results is None:
        return Found(resolved)
    found = Found(resolved, _statuses(resolved.variants, results))
    without = _data_without_results(found)
    if not without:
        return found
    chosen = {
        name: stand_in
        for name in without
        if (stand_in := _best_stand_in(name, resolved, results, components)) is not None
    }
    if not chosen:
        return found
    changed = _with_data(resolved.loaded, chosen, components)
    return Found(changed, _statuses(changed.variants, results), frozenset(chosen))


def _statuses(variants: Iterable[ResolvedVariant], results: Results) -> dict[str, str]:
    keys = list(dict.fromkeys(spec.key for variant in variants for spec in variant.specs))
    return {key: str(state.status) for key, state in results.statuses(keys).items()}


def _data_without_results(found: Found) -> list[str]:
    """The recipe's own data sets without a finished run; those that ``--data`` replaced are settled."""
    done: Counter[str] = Counter()
    for variant in found.resolved.variants:
        if variant.replaced_data is None:
            for spec in variant.specs:
                done[spec.data.name] += found.statuses.get(spec.key) == DONE
    return [name for name, count in done.items() if count == 0]


def _best_stand_in(
    name: str, resolved: ResolvedRecipe, results: Results, components: Registry | None
) -> str | None:
    """The declared stand-in for ``name`` with the most finished runs, if any has one."""
    counts: Counter[str] = Counter()
    for candidate in sorted(other for other, real in results.stand_ins().items() if real == name):
        try:
            changed = _with_data(resolved.loaded, {name: candidate}, components)
        except LsnError:
            continue  # the candidate does not fit the recipe (another number of classes): it shows nothing
        variants = [v for v in changed.variants if v.replaced_data == name]
        counts[candidate] = list(_statuses(variants, results).values()).count(DONE)
    best = max(counts, key=lambda candidate: counts[candidate], default=None)
    return best if best is not None and counts[best] else None


def _with_data(loaded: LoadedRecipe, stand_ins: Mapping[str, str], components: Registry | None) -> ResolvedRecipe:
    overrides = replace(loaded.overrides, data={**(loaded.overrides.data or {}), **stand_ins})
    return resolve(replace(loaded, overrides=overrides), components=components)
