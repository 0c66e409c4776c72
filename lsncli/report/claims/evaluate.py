"""Tests claims on gathered runs."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from lsncli.errors import LsnError
from lsncli.recipe.loading import DEFAULT_PROFILE, LoadedRecipe, Overrides, load, shipped_recipes
from lsncli.recipe.resolve import believed
from lsncli.recorded_metrics import needs_true_labels
from lsncli.registry import Registry
from lsncli.report.claims import inference, verdicts
from lsncli.report.claims.catalogue import CLAIMS
from lsncli.report.claims.claim import Claim, ClaimResult, ClaimsReport, Comparison, Pair, SettingResult
from lsncli.report.claims.dotted import apart
from lsncli.report.claims.evidence import Evidence, Gathered, gather_recipe, gather_shipped
from lsncli.report.contents import contents_notes
from lsncli.report.results import DONE, Results, find_profile
from lsncli.report.wording import in_unit, unit_of


def claims_of_recipe(
    loaded: LoadedRecipe,
    results: Results | None,
    *,
    components: Registry | None = None,
    run_options: Sequence[str] = (),
    notes: Sequence[str] = (),
    claims: Sequence[Claim] = CLAIMS,
    true_labels: Callable[[str], bool] = believed,
) -> ClaimsReport:
    """The claims that a recipe's runs have something to say on.

    Under the profile asked for, or else the first one that has results; ``results`` None is an empty database.
    notes: footnotes on the whole report. true_labels: whether those of a data set's training examples are known.
    """
    gathered = gather_recipe(loaded, results, components=components, true_labels=true_labels)
    evidence = gathered.evidence()
    chosen = [(claim, compared(claim, evidence) if claim.recipes else []) for claim in claims]
    unknown = [claim.id for claim, found in chosen if not found and claim.recipes and claim.comparisons(evidence)]
    without = [claim.id for claim, found in chosen if not found and claim.id not in unknown]
    said = [*notes, *_departures(gathered, loaded.overrides), *gathered.notes]
    if unknown:
        said.append(
            f"Nobody knows the true labels of {', '.join(evidence.unknown_labels())}, which these claims need:"
            f" {', '.join(unknown)}."
        )
    if without:
        said.append(f"The recipe compares nothing that these claims are about: {', '.join(without)}.")
    kept = [(claim, found) for claim, found in chosen if found]
    report = _report(gathered, kept, results, list(gathered.recipes), run_options, said)
    return replace(report, recipe=loaded.recipe.title)


def claims_of_paper(
    overrides: Overrides,
    results: Results | None,
    *,
    components: Registry | None = None,
    run_options: Sequence[str] = (),
    notes: Sequence[str] = (),
    claims: Sequence[Claim] = CLAIMS,
    true_labels: Callable[[str], bool] = believed,
) -> ClaimsReport:
    """Every claim, on the runs of the shipped recipes that it names, all under one profile."""
    names = list(dict.fromkeys(name for claim in claims for name in claim.recipes))
    gathered = gather_shipped(names, overrides, results, components=components, true_labels=true_labels)
    chosen = [(claim, compared(claim, gathered.evidence(claim.recipes))) for claim in claims]
    said = [*notes, *_departures(gathered, overrides), *gathered.notes]
    report = _report(gathered, chosen, results, names, run_options, said)
    if results is not None and not any(found.any_done for found in gathered.recipes.values()):
        report = replace(report, notes=(*report.notes, *_elsewhere(names, results, gathered.components)))
    return report


def compared(claim: Claim, evidence: Evidence) -> Sequence[Comparison]:
    """What of the runs the claim compares: those in which its metric can be measured."""
    return claim.comparisons(evidence.of_known_labels() if needs_true_labels(claim.metric) else evidence)


def _elsewhere(names: Sequence[str], results: Results, components: Registry) -> list[str]:
    """Where the database has none of the paper's runs: the recipes whose runs it has, and how to ask about them."""
    notes = []
    for name in shipped_recipes():
        # Collections and computed figures have no runs of their own; what needs a plugin is passed over.
        with suppress(LsnError):
            if name not in names and find_profile(load(name), results, components=components).any_done:
                notes.append(
                    f"None of the runs above is in the database, but runs of {name} are: lsn report {name} --claims"
                    " tests what these say on the claims."
                )
    return notes


def _departures(gathered: Gathered, overrides: Overrides) -> list[str]:
    """What sets the runs apart from the paper's."""
    notes = []
    if gathered.profile != DEFAULT_PROFILE:
        notes.append(f"Profile {gathered.profile} is not the paper's setting: its verdicts are on its own runs.")
    if overrides.settings:
        keys = dict.fromkeys(key for key, _ in overrides.settings)
        notes.append(f"Changed by --set: {', '.join(keys)}.")
    return notes


@dataclass(frozen=True, slots=True)
class _Numbers:
    statuses: Mapping[str, str]
    values: Mapping[str, Mapping[str, float]]


def _report(
    gathered: Gathered,
    chosen: Sequence[tuple[Claim, Sequence[Comparison]]],
    results: Results | None,
    recipes: Sequence[str],
    run_options: Sequence[str],
    notes: Sequence[str],
) -> ClaimsReport:
    report = assess_claims(gathered, chosen, results, notes)
    statuses = _statuses(gathered.keys(), results)
    return replace(report, fill=tuple(gathered.commands(recipes, statuses, run_options)))


def assess_claims(
    gathered: Gathered,
    chosen: Sequence[tuple[Claim, Sequence[Comparison]]],
    results: Results | None,
    notes: Sequence[str] = (),
) -> ClaimsReport:
    """Claims with their settings, each tested on the results, and all together adjusted."""
    specs = gathered.evidence().specs
    numbers = _read([spec.key for spec in specs], sorted({claim.metric for claim, _ in chosen}), results)
    tested = [
        (claim, [examine(claim, comparison, numbers.statuses, numbers.values) for comparison in _told_apart(found)])
        for claim, found in chosen
    ]
    adjusted, tests = _adjusted(tested)
    return ClaimsReport(
        profile=gathered.profile,
        recipe=None,
        claims=tuple(adjusted),
        tests=tests,
        notes=(*notes, *contents_notes(specs, numbers.statuses, results)),
    )


def _statuses(keys: Sequence[str], results: Results | None) -> dict[str, str]:
    return {} if results is None else {key: str(state.status) for key, state in results.statuses(keys).items()}


def _read(keys: Sequence[str], metrics: Sequence[str], results: Results | None) -> _Numbers:
    if results is None:
        return _Numbers({}, {})
    statuses = _statuses(keys, results)
    done = [key for key, status in statuses.items() if status == DONE]
    return _Numbers(statuses, results.values(done, metrics) if done else {})


def examine(
    claim: Claim,
    comparison: Comparison,
    statuses: Mapping[str, str],
    values: Mapping[str, Mapping[str, float]],
) -> SettingResult:
    """One setting of a claim: its differences (last evaluation), their statistics, and the verdict.

    ``statuses`` and ``values`` are those of the runs, by key; a pair of which one run lacks is dropped, and said.
    """
    unit = "" if claim.quantity else unit_of(claim.metric)
    differences: list[float] = []
    keys: list[tuple[str, str]] = []
    dropped: list[str] = []
    for pair in comparison.pairs:
        found = pair.values or _values(pair, claim.metric, statuses, values, comparison)
        if isinstance(found, str):
            dropped.append(f"{pair.label}: {found}")
            continue
        differences.append(inference.difference(*(in_unit(value, unit) for value in found)))
        reference, compared = pair.keys
        if reference is not None and compared is not None:
            keys.append((reference, compared))
    statistics = inference.paired(differences)
    p, against = _p(claim, differences, statistics)
    return SettingResult(
        comparison,
        tuple(differences),
        tuple(keys),
        len(comparison.pairs),
        tuple(dropped),
        statistics,
        _verdict(claim, statistics, p, against),
        p,
        against,
    )


def _values(
    pair: Pair,
    metric: str,
    statuses: Mapping[str, str],
    values: Mapping[str, Mapping[str, float]],
    comparison: Comparison,
) -> tuple[float, float] | str:
    """The metric of both runs, or why the pair cannot be used."""
    found = []
    for key, name in zip(pair.keys, (comparison.reference, comparison.compared), strict=True):
        if key is None:
            return f"{name} has no run of this seed in the plan"
        if statuses.get(key) != DONE:
            return f"{name} is {statuses.get(key, 'missing')}"
        if metric not in values.get(key, {}):
            return f"{name} has no {metric}"
        if not math.isfinite(values[key][metric]):
            return f"{metric} of {name} is not finite"
        found.append(values[key][metric])
    return found[0], found[1]


def _p(
    claim: Claim, differences: Sequence[float], statistics: inference.Paired
) -> tuple[float | None, float | None]:
    if len(differences) < inference.FEWEST_PAIRS:
        return None, None
    if claim.margin is None:
        return statistics.p, None
    if claim.expectation == "not-worse":
        return inference.not_worse(differences, claim.margin)
    return inference.equivalent(differences, claim.margin)


def _verdict(
    claim: Claim, statistics: inference.Paired, p: float | None, against: float | None
) -> verdicts.Verdict:
    if statistics.n < inference.FEWEST_PAIRS or statistics.mean is None or p is None:
        return "not enough runs"
    return verdicts.on_setting(claim.expectation, statistics.mean, p, against)


def _adjusted(tested: Iterable[tuple[Claim, list[SettingResult]]]) -> tuple[list[ClaimResult], int]:
    """The claims with Holm's adjustment over all tests of all of them, and how many tests those are."""
    tested = list(tested)
    enough = [s for _, found in tested for s in found if s.statistics.n >= inference.FEWEST_PAIRS]
    family = [p for s in enough for p in (s.p, s.p_against) if p is not None]
    adjusted = iter(inference.holm(family))
    claims = []
    for claim, found in tested:
        settings = []
        for setting in found:
            if setting.statistics.n >= inference.FEWEST_PAIRS:
                p = next(adjusted)
                against = None if setting.p_against is None else next(adjusted)
                verdict = _verdict(claim, setting.statistics, p, against)
                setting = replace(setting, p_holm=p, p_against_holm=against, verdict_holm=verdict)
            settings.append(setting)
        claims.append(
            ClaimResult(
                claim,
                tuple(settings),
                _together(claim, [(s.comparison.arm, s.verdict) for s in settings]),
                _together(claim, [(s.comparison.arm, s.verdict_holm) for s in settings]),
            )
        )
    return claims, len(family)


def _together(claim: Claim, of_arms: Sequence[tuple[str, verdicts.Verdict]]) -> verdicts.Verdict:
    return verdicts.together(verdicts.of_arms(of_arms) if claim.every else [verdict for _, verdict in of_arms])


def _told_apart(comparisons: Sequence[Comparison]) -> list[Comparison]:
    """Settings that read the same get the values by which they differ: ``train.steps=2000``."""
    alike: dict[tuple[str, str, str], list[Comparison]] = {}
    for each in comparisons:
        alike.setdefault((each.setting, each.reference, each.compared), []).append(each)
    told = []
    for each in comparisons:
        group = alike[each.setting, each.reference, each.compared]
        keys = apart([other.distinct for other in group]) if len(group) > 1 else []
        added = [f"{key}={each.distinct.get(key, 'none')}" for key in keys]
        told.append(replace(each, setting=" · ".join([each.setting, *added])))
    return told
