"""Compares chosen runs: by what their specs differ, and their metrics, alone or over all their seeds."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any, Literal

from pydantic import ValidationError

from lsncli.errors import LsnError
from lsncli.plan import RunSpec
from lsncli.registry import Registry, registry
from lsncli.report.claims import inference
from lsncli.report.claims.dotted import apart, dotted
from lsncli.report.claims.pairing import Seeds, named_seeds, seeds_of, without_seeds
from lsncli.report.statistics import mean, sample_std

if TYPE_CHECKING:
    from lsncli.store import RunRecord, Store

Which = Literal["last", "best"]
#: A run's key and its other seeds.
Member = tuple[str, Mapping[str, int]]
#: The value of a seed that is the run's own, whichever that is.
FOLLOWS = "the run's seed"


@dataclass(frozen=True, slots=True)
class Compared:
    """One of the compared: a run, or with ``over seeds`` all that differ from it only by seed.

    key: the run that was named. keys: seed → key of all its runs. values: metric → seed → value. others: seed →
    that run's other seeds (of its noise, of its teacher) by dotted key.
    """

    key: str
    keys: Mapping[int, str]
    values: Mapping[str, Mapping[int, float]]
    others: Mapping[int, Mapping[str, int]]

    def of(self, metric: str) -> list[float]:
        """The values of one metric, in the order of the seeds."""
        return list(self.values.get(metric, {}).values())

    def mean(self, metric: str) -> float | None:
        """The mean; None without a value."""
        return mean(self.of(metric))

    def std(self, metric: str) -> float | None:
        """The sample standard deviation (ddof 1); None for fewer than two values."""
        return sample_std(self.of(metric))


@dataclass(frozen=True, slots=True)
class RunComparison:
    """What was compared. differences: dotted key → its value in each spec, None where it has none.

    Over seeds, a seed of the noise or of a teacher is among them where runs of the same seed have another one.
    metrics: all that any of the compared has. The differences of metrics are to the first of ``compared``.
    """

    which: Which
    over_seeds: bool
    differences: Mapping[str, tuple[Any, ...]]
    metrics: tuple[str, ...]
    compared: tuple[Compared, ...]

    def difference(self, metric: str, other: Compared) -> float | None:
        """The mean of ``other`` minus that of the first; None where one has no value."""
        first, second = self.compared[0].mean(metric), other.mean(metric)
        return None if first is None or second is None else inference.difference(first, second)

    def paired(self, metric: str, other: Compared) -> inference.Paired:
        """The paired differences of ``other`` to the first, over the seeds that both have finite values of.

        Runs of one seed whose noise or teachers have different seeds are no pair.
        """
        first, second = self.compared[0].values.get(metric, {}), other.values.get(metric, {})
        apart_at = self.other_seeds(other)
        seeds = [
            seed
            for seed in first
            if math.isfinite(first[seed]) and math.isfinite(second.get(seed, math.nan)) and seed not in apart_at
        ]
        return inference.paired([inference.difference(first[seed], second[seed]) for seed in seeds])

    def unpaired(self, other: Compared) -> list[int]:
        """The seeds that only one of ``other`` and the first has."""
        return sorted(set(self.compared[0].keys) ^ set(other.keys))

    def other_seeds(self, other: Compared) -> dict[int, list[str]]:
        """The seeds of both ``other`` and the first where another seed is not the same, and which: dotted keys."""
        return _other_seeds(self.compared[0], other)


def compare(
    store: Store,
    prefixes: Sequence[str],
    *,
    which: Which = "last",
    over_seeds: bool = False,
    components: Registry | None = None,
) -> RunComparison:
    """Compare the runs whose keys begin with ``prefixes``.

    Raises :class:`LsnError` for fewer than two different runs, a key that is unknown or ambiguous, a run that is
    not done and, over seeds, for two that differ by nothing but seeds.
    """
    keys = list(dict.fromkeys(store.resolve(prefix) for prefix in prefixes))
    if len(keys) < 2:
        said = f"{prefixes[0]} and {prefixes[1]} are the same run" if len(prefixes) > 1 else "only one run is given"
        raise LsnError(f"nothing to compare: {said}", valid="two or more keys", next="lsn runs list shows the keys")
    records = [_done(store.run(key)) for key in keys]
    specs = [_spec(record) for record in records]
    groups: list[dict[int, Member]] = [
        {spec.seed: (key, named_seeds(spec))} for key, spec in zip(keys, specs, strict=True)
    ]
    if over_seeds:
        groups = _groups(store, keys, specs)
    shown = [without_seeds(spec) for spec in specs] if over_seeds else specs
    flat = [dotted(spec, components or registry()) for spec in shown]
    stored = store.values({key for group in groups for key, _ in group.values()}, None, which)
    compared = [_compared(key, group, stored) for key, group in zip(keys, groups, strict=True)]
    differences = {name: tuple(spec.get(name) for spec in flat) for name in apart(flat)}
    return RunComparison(
        which=which,
        over_seeds=over_seeds,
        differences=differences | (_seed_differences(compared) if over_seeds else {}),
        metrics=tuple(sorted({metric for each in compared for metric in each.values})),
        compared=tuple(compared),
    )


def _other_seeds(first: Compared, second: Compared) -> dict[int, list[str]]:
    found = {}
    for seed in first.others.keys() & second.others.keys():
        one, two = first.others[seed], second.others[seed]
        if keys := [key for key in one if key in two and one[key] != two[key]]:
            found[seed] = keys
    return dict(sorted(found.items()))


def _seed_differences(compared: Sequence[Compared]) -> dict[str, tuple[Any, ...]]:
    """The seeds that set runs of the same seed apart: what each of the compared has."""
    keys = dict.fromkeys(
        key for a, b in combinations(compared, 2) for found in _other_seeds(a, b).values() for key in found
    )
    return {key: tuple(_seeds_in_words(each, key) for each in compared) for key in keys}


def _seeds_in_words(compared: Compared, key: str) -> int | str | None:
    values = {seed: others[key] for seed, others in compared.others.items() if key in others}
    if len(set(values.values())) == 1:
        return next(iter(values.values()))
    return FOLLOWS if values else None


def _done(record: RunRecord) -> RunRecord:
    if record.status != "done":
        raise LsnError(
            f"run {record.key} is not done: {record.status}{f' ({record.error})' if record.error else ''}",
            next="train it to its end with lsn run, or compare others (lsn runs list --status done)",
        )
    return record


def _spec(record: RunRecord) -> RunSpec:
    try:
        return RunSpec.model_validate(record.spec)
    except ValidationError as error:
        raise LsnError(
            f"the spec of run {record.key} cannot be read: {error.error_count()} of its fields are not known here",
            next="it was stored by another version of lsn; lsn runs show prints it",
        ) from None


def _groups(store: Store, keys: Sequence[str], specs: Sequence[RunSpec]) -> list[dict[int, Member]]:
    """For each run the done runs that differ from it only by seed, itself included, by their seeds."""
    wanted = [without_seeds(spec).key for spec in specs]
    for i, name in enumerate(wanted):
        if name in wanted[:i]:
            raise LsnError(
                f"{keys[wanted.index(name)]} and {keys[i]} differ by nothing but their seeds",
                next="leave --over-seeds out, or name one run of each group",
            )
    members: dict[str, list[tuple[Seeds, Member]]] = {name: [] for name in wanted}
    for record in store.runs("done"):
        try:
            spec = RunSpec.model_validate(record.spec)
        except ValidationError:
            continue  # of another version: it cannot be one of these
        members.get(without_seeds(spec).key, []).append((seeds_of(spec), (record.key, named_seeds(spec))))
    return [_siblings(seeds_of(spec), members[name]) for spec, name in zip(specs, wanted, strict=True)]


def _siblings(target: Seeds, members: Sequence[tuple[Seeds, Member]]) -> dict[int, Member]:
    """Those of ``members`` whose other seeds (noise's, teacher's) do what the target's do, by their own seed.

    A seed that equals the run's own follows it. Equality may also be chance, for a noise of fixed seed: of the
    two readings the one with more runs is taken.
    """
    following = {seeds[0]: member for seeds, member in members if _follows(target, seeds)}
    fixed = {seeds[0]: member for seeds, member in members if seeds[1:] == target[1:]}
    chosen = fixed if len(fixed) > len(following) else following
    return dict(sorted(chosen.items()))


def _follows(target: Seeds, seeds: Seeds) -> bool:
    return all(
        seed == (seeds[0] if wanted == target[0] else wanted) for seed, wanted in zip(seeds, target, strict=True)
    )


def _compared(key: str, group: Mapping[int, Member], stored: Mapping[str, Mapping[str, float]]) -> Compared:
    values: dict[str, dict[int, float]] = {}
    for seed, (run, _) in group.items():
        for metric, value in stored.get(run, {}).items():
            values.setdefault(metric, {})[seed] = value
    keys = {seed: run for seed, (run, _) in group.items()}
    return Compared(key, keys, values, {seed: others for seed, (_, others) in group.items()})
