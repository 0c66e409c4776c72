"""What a battery came to: the table of each part and the tested hypotheses, all under one profile."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from lsncli.battery.candidate import Candidate
from lsncli.battery.findings import findings
from lsncli.battery.hypotheses import hypotheses, identity
from lsncli.battery.kinds import ARCHITECTURE, LOSS, NOISE
from lsncli.battery.request import BatteryRequest
from lsncli.recipe.loading import DEFAULT_PROFILE
from lsncli.recipe.resolve import ResolvedRecipe, resolve
from lsncli.registry import Registry
from lsncli.report.build import build_table
from lsncli.report.claims.claim import Claim, ClaimsReport
from lsncli.report.claims.evaluate import assess_claims, compared
from lsncli.report.claims.evidence import Gathered, stand_in_notes
from lsncli.report.claims.wording import TITLE
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

    Under the profile asked for, or else the first one in which what it is about has results. run_options: words
    that the command for missing runs must repeat. notes: footnotes on every table. Raises :class:`LsnError` for a
    request that cannot be resolved.
    """
    profile, found = _found(request, results, components)
    left_out = request.possible(profile).notes
    statuses = [each.statuses.get(spec.key) for each in found.values() for spec in each.resolved.specs()]
    command = request.command(profile, [*retry_words(statuses), *run_options])
    tables = {}
    for part, each in found.items():
        table = build_table(each.resolved, results, components=components, notes=(*left_out, *notes))
        tables[part] = replace(table, fill=command if table.fill else None)
    title = title_of(request)
    fill = (command,) if any(table.fill for table in tables.values()) else ()
    claims = replace(_claims(request, profile, found, results, components), title=title, fill=fill)
    return BatteryOutcome(title, profile, tables, claims)


def title_of(request: BatteryRequest) -> str:
    """What the battery is, as a heading."""
    names = ", ".join(candidate.label for candidate in request.chosen)
    if request.kind is LOSS:
        return f"{names}, tested against the paper's methods"
    return f"{TITLE}: {'under' if request.kind is NOISE else 'with'} the {request.kind.component} {names}"


def candidate_keys(request: BatteryRequest, resolved: Mapping[str, ResolvedRecipe]) -> set[str]:
    """The runs of the candidates themselves, students of theirs included."""
    return set[str]().union(*(_keys(candidate, resolved.values()) for candidate in request.chosen))


def _keys(candidate: Candidate, resolved: Iterable[ResolvedRecipe]) -> set[str]:
    return {
        spec.key
        for recipe in resolved
        for variant in recipe.variants
        if candidate.has(variant.coordinates)
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
    gathered = Gathered(profile, found, components, true_labels=request.true_labels)
    asked = [
        (claim, compared(claim, gathered.evidence(claim.recipes)))
        for claim in _asked(request, profile, found)
        if all(part in found for part in claim.recipes)
    ]
    can = request.possible(profile)
    notes = [*_said(request, found), *can.notes, *stand_in_notes(found.values())]
    if profile != DEFAULT_PROFILE:
        notes.insert(0, f"Profile {profile} is not the paper's setting: its verdicts are on its own runs.")
    if request.kind is not LOSS:
        # A finding of the paper may be about what is not here: an α beside a noise rate, another loss of a student.
        without = [claim.id for claim, comparisons in asked if not comparisons]
        asked = [(claim, comparisons) for claim, comparisons in asked if comparisons]
        if without:
            notes.append(f"Nothing here is what these claims of the paper are about: {', '.join(without)}.")
    report = assess_claims(gathered, asked, results, notes)
    return replace(report, hypotheses=request.kind is LOSS)


def _asked(request: BatteryRequest, profile: str, found: Mapping[str, Found]) -> Sequence[Claim]:
    """The hypotheses on a loss, or the paper's findings with each noise model or architecture."""
    if request.kind is LOSS:
        can = request.possible(profile)
        return hypotheses(request.chosen[0].name, _losses(request, found), can.labels)
    resolved = [each.resolved for each in found.values()]
    return findings({candidate.told: _keys(candidate, resolved) for candidate in request.chosen})


def _said(request: BatteryRequest, found: Mapping[str, Found]) -> list[str]:
    """Where the runs are taken from."""
    specs = [spec for each in found.values() for spec in each.resolved.specs()]
    parts = {"data": "Data", NOISE.section: NOISE.component, ARCHITECTURE.section: ARCHITECTURE.component}
    own = ["data", *request.setting.replaced]
    named = [
        f"{words} {', '.join(dict.fromkeys(getattr(spec, section).name for spec in specs))}"
        for section, words in parts.items()
        if section in own
    ]
    # The noise of a shipped setting is in the tables.
    rest = (
        "architecture and " if ARCHITECTURE.section not in own else "noise and " if NOISE.section not in own else ""
    )
    return [f"{'; '.join(named)}; {rest}training of the recipe {request.setting.base}."]


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
