"""What a battery came to: the table of each part and the tested hypotheses, all under one profile."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from lsncli.battery.hypotheses import hypotheses, identity
from lsncli.battery.request import BatteryRequest
from lsncli.recipe.loading import DEFAULT_PROFILE
from lsncli.recipe.resolve import ResolvedRecipe, resolve
from lsncli.registry import Registry
from lsncli.report.build import build_table
from lsncli.report.claims.claim import ClaimsReport
from lsncli.report.claims.evaluate import assess_claims
from lsncli.report.claims.evidence import Gathered, stand_in_notes
from lsncli.report.filling import retry_words
from lsncli.report.results import DONE, Found, Results, find_results
from lsncli.report.table import Table


@dataclass(frozen=True, slots=True)
class BatteryOutcome:
    """tables: part → its table; claims: the hypotheses, tested."""

    title: str
    profile: str
    tables: Mapping[str, Table]
    claims: ClaimsReport


def outcome_of(
    request: BatteryRequest,
    results: Results | None,
    components: Registry,
    *,
    run_options: Sequence[str] = (),
    notes: Sequence[str] = (),
) -> BatteryOutcome:
    """The outcome from the database alone; ``results`` None is an empty database.

    Under the profile asked for, or else the first one in which the loss has results. run_options: words that the
    command for missing runs must repeat. notes: footnotes on every table. Raises :class:`LsnError` for a request
    that cannot be resolved.
    """
    profile, found = _found(request, results, components)
    statuses = [each.statuses.get(spec.key) for each in found.values() for spec in each.resolved.specs()]
    command = request.command(profile, [*retry_words(statuses), *run_options])
    tables = {}
    for part, each in found.items():
        table = build_table(each.resolved, results, components=components, notes=notes)
        tables[part] = replace(table, fill=command if table.fill else None)
    names = ", ".join(candidate.label for candidate in request.chosen)
    title = f"{names}, tested against the paper's methods"
    fill = (command,) if any(table.fill for table in tables.values()) else ()
    claims = replace(_claims(request, profile, found, results, components), title=title, fill=fill)
    return BatteryOutcome(title, profile, tables, claims)


def candidate_keys(request: BatteryRequest, resolved: Mapping[str, ResolvedRecipe]) -> set[str]:
    """The runs of the candidates themselves, students of theirs included."""
    labels = request.labels()
    return {
        spec.key
        for recipe in resolved.values()
        for variant in recipe.variants
        if variant.coordinates.get("label") in labels
        for spec in variant.specs
    }


def _found(request: BatteryRequest, results: Results | None, components: Registry) -> tuple[str, dict[str, Found]]:
    asked = request.overrides.profile
    if asked is not None or results is None:
        return _under(request, asked or DEFAULT_PROFILE, results, components)
    first = None
    for profile in request.profiles():
        _, found = _under(request, profile, results, components)
        own = candidate_keys(request, {part: each.resolved for part, each in found.items()})
        if any(each.statuses.get(key) == DONE for each in found.values() for key in own):
            return profile, found
        first = first or (profile, found)
    assert first is not None  # paper is always among the profiles
    return first


def _under(
    request: BatteryRequest, profile: str, results: Results | None, components: Registry
) -> tuple[str, dict[str, Found]]:
    recipes = request.recipes(profile)
    return profile, {
        part: find_results(resolve(loaded, components=components), results, components=components)
        for part, loaded in recipes.items()
    }


def _claims(
    request: BatteryRequest,
    profile: str,
    found: Mapping[str, Found],
    results: Results | None,
    components: Registry,
) -> ClaimsReport:
    gathered = Gathered(profile, found, components)
    asked = hypotheses(request.chosen[0].name, _losses(request, found))
    chosen = [
        (claim, claim.comparisons(gathered.evidence(claim.recipes)))
        for claim in asked
        if all(part in found for part in claim.recipes)
    ]
    data = dict.fromkeys(spec.data.name for each in found.values() for spec in each.resolved.specs())
    notes = [f"Data {', '.join(data)}; architecture and training of the recipe {request.setting}."]
    notes += stand_in_notes(found.values())
    if profile != DEFAULT_PROFILE:
        notes.insert(0, f"Profile {profile} is not the paper's setting: its verdicts are on its own runs.")
    return assess_claims(gathered, chosen, results, notes)


def _losses(request: BatteryRequest, found: Mapping[str, Found]) -> dict[str, set[str]]:
    """The candidates by label, each as the specs have it, with what is at its default left out."""
    losses: dict[str, set[str]] = {candidate.label: set() for candidate in request.chosen}
    for part, each in found.items():
        for variant in each.resolved.variants:
            own = losses.get(str(variant.coordinates.get("label")))
            if own is None:
                continue
            for spec in variant.specs:
                whose = spec.teacher if part == "distillation" else spec
                if whose is not None:
                    own.add(identity(whose.loss))
    return losses
