"""The hypotheses on made-up numbers: who is paired with whom, and the verdicts that follow."""

from __future__ import annotations

import json
import math
import statistics
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest

from lsncli.battery.formats import as_text
from lsncli.battery.outcome import BatteryOutcome, candidate_keys, outcome_of
from lsncli.battery.request import BatteryRequest
from lsncli.plan import ComponentSpec, RunSpec
from lsncli.recipe.loading import Overrides
from lsncli.recipe.resolve import resolve
from lsncli.registry import registry
from lsncli.report.claims.catalogue import CLAIMS
from lsncli.report.claims.claim import ClaimResult
from lsncli.report.claims.evaluate import claims_of_paper
from lsncli.report.claims.terms import Terms
from lsncli.report.claims.verdicts import RULE_OF_EVERY
from lsncli.report.claims.wording import blocks, footnotes

Read = Callable[..., BatteryRequest]

#: Better than plain training by about three points, not by the same at each seed.
GAINS = (0.02, 0.03, 0.04, 0.03, 0.035)


def fill(
    request: BatteryRequest, results: Any, profile: str, metrics: Callable[[RunSpec, bool], dict[str, float]]
) -> None:
    """Give every run its metrics; the second argument says whether it is a run of the candidate's."""
    recipes = {part: resolve(loaded) for part, loaded in request.recipes(profile).items()}
    own = candidate_keys(request, recipes)
    for recipe in recipes.values():
        for spec in recipe.specs():
            results.metrics[spec.key] = metrics(spec, spec.key in own)


def made_up(spec: RunSpec, own: bool) -> dict[str, float]:
    base = 0.9 - spec.noise.params.get("rate", 0) / 2 + 0.01 * spec.seed
    gain = GAINS[spec.seed] if own else 0.0
    return {
        "test_accuracy": base + gain,
        "test_ece_100": 0.1 + gain,
        "test_ece_15": 0.1,
        "test_nll": 1.0,
        "train_accuracy_full_true": base,
        "train_accuracy_clean_true": base,
        "train_accuracy_noisy_true": base + gain,
        "train_accuracy_noisy_given": 0.5 - gain,
    }


def by_id(outcome: BatteryOutcome) -> Mapping[str, ClaimResult]:
    return {result.claim.id: result for result in outcome.claims.claims}


@pytest.fixture
def outcome(request_of: Read, results: Any) -> BatteryOutcome:
    request = request_of("label-smoothing", ("loss.alpha", 0.7))
    fill(request, results, "paper", made_up)
    return outcome_of(request, results, registry())


def test_verdicts_follow_from_the_numbers(outcome: BatteryOutcome) -> None:
    found = by_id(outcome)
    # Most of the questions are answered by a gain of two to four points at every seed; a gain of calibration error
    # is a loss; and the clean part does not change at all.
    for name in (
        *("denoises", "beats-smoothing", "beats-forward", "beats-backward", "competitive-with-forward"),
        *("harmless-without-noise", "noisy-part-improves", "noise-fitted-less", "teaches"),
        *("teaches-better-than-smoothing", "teaches-better-than-forward"),
    ):
        assert found[name].verdict == "supported", name
    assert found["calibrates"].verdict == "contradicted"
    for method in ("smoothing", "forward", "backward"):
        assert found[f"calibrates-better-than-{method}"].verdict == "contradicted"
    assert found["clean-part-improves"].verdict == "undecided"


def test_pairs_are_formed_over_seeds(outcome: BatteryOutcome) -> None:
    found = by_id(outcome)
    # Rates 0.2 and 0.4; for each of the paper's methods three α.
    counts = {"denoises": 2, "beats-smoothing": 6, "harmless-without-noise": 1, "noisy-part-improves": 1}
    counts |= {"calibrates-better-than-backward": 3, "teaches": 1, "teaches-better-than-forward": 1}
    for name, count in counts.items():
        assert len(found[name].settings) == count, name
        for setting in found[name].settings:
            assert setting.statistics.n == setting.expected == 5
    # d̄ = 3.1 points; its interval by Student's t of 4 degrees of freedom, 2.7764 (a table of the distribution).
    differences = [100 * gain for gain in GAINS]
    half = 2.7764451 * statistics.stdev(differences) / math.sqrt(5)
    one = found["denoises"].settings[0].statistics
    assert one.mean == pytest.approx(3.1)
    assert (one.ci_low, one.ci_high) == (pytest.approx(3.1 - half, rel=1e-6), pytest.approx(3.1 + half, rel=1e-6))


def test_reference_and_compared_differ_by_the_loss_alone(outcome: BatteryOutcome) -> None:
    for result in outcome.claims.claims:
        for setting in result.settings:
            assert setting.comparison.compared.removeprefix("teacher: ") == "label-smoothing alpha=0.7"
            assert setting.comparison.reference != setting.comparison.compared
    for method, loss in (("smoothing", "label-smoothing"), ("forward", "forward-correction")):
        taught = by_id(outcome)[f"teaches-better-than-{method}"].settings
        assert [s.comparison.reference for s in taught] == [f"teacher: {loss} α=0.1"]


def lowered(spec: RunSpec, own: bool) -> dict[str, float]:
    """As all others, but for the largest α of backward correction, whose calibration error is far higher."""
    worst = (spec.loss.name, spec.loss.params.get("alpha")) == ("backward-correction", 0.4)
    return {**made_up(spec, False), "test_ece_100": 0.1 + (0.2 + GAINS[spec.seed] if worst else 0.0)}


def test_beating_the_worst_of_the_others_is_not_beating_them(request_of: Read, results: Any) -> None:
    request = request_of("label-smoothing", ("loss.alpha", 0.7))
    fill(request, results, "paper", lowered)
    outcome = outcome_of(request, results, registry())
    found = by_id(outcome)
    verdicts = [s.verdict for s in found["calibrates-better-than-backward"].settings]
    assert sorted(verdicts) == ["supported", "undecided", "undecided"]
    for method in ("smoothing", "forward", "backward"):
        assert found[f"calibrates-better-than-{method}"].verdict == "undecided"
        assert found[f"calibrates-better-than-{method}"].verdict_holm == "undecided"


def ranked(spec: RunSpec, own: bool) -> dict[str, float]:
    """Better than smoothing by 0.1 and 0.2, not than by 0.4, at a noise rate of 0.2; at 0.4 than all three."""
    best = spec.loss.name == "label-smoothing" and spec.loss.params.get("alpha") == 0.4
    rate = spec.noise.params.get("rate", 0)
    extra = 2 * GAINS[spec.seed] if best and rate == 0.2 and not own else 0.0
    return {**made_up(spec, own), "test_accuracy": made_up(spec, own)["test_accuracy"] + extra}


def test_a_noise_rate_counts_by_its_best_reference(request_of: Read, results: Any) -> None:
    request = request_of("label-smoothing", ("loss.alpha", 0.7))
    fill(request, results, "paper", ranked)
    found = by_id(outcome_of(request, results, registry()))
    assert found["beats-forward"].verdict == "supported"
    # Contradicted by the best α at one rate, supported against all at the other.
    assert [s.verdict for s in found["beats-smoothing"].settings].count("contradicted") == 1
    assert found["beats-smoothing"].verdict == "mixed"


def test_the_rule_of_the_best_reference_is_told(outcome: BatteryOutcome) -> None:
    assert RULE_OF_EVERY in " ".join(footnotes(outcome.claims))
    assert RULE_OF_EVERY not in " ".join(footnotes(claims_of_paper(Overrides(), None, claims=CLAIMS[:1])))


def two(request_of: Read) -> BatteryRequest:
    return request_of("label-smoothing", ("loss.alpha", [0.1, 0.7]))  # the first is one of the paper's methods


def test_candidates_are_not_compared_with_each_other(request_of: Read, results: Any) -> None:
    request = two(request_of)
    fill(request, results, "paper", made_up)
    found = by_id(outcome_of(request, results, registry()))
    for own in (0.1, 0.7):
        pairs = {
            (s.comparison.compared, s.comparison.reference) for s in found[f"beats-smoothing alpha={own}"].settings
        }
        label = f"label-smoothing alpha={own}"
        assert pairs == {(label, f"label-smoothing α={other}") for other in (0.2, 0.4)}


def test_one_candidate_does_not_speak_for_another(request_of: Read, results: Any) -> None:
    def one_gains(spec: RunSpec, own: bool) -> dict[str, float]:
        return made_up(spec, own and spec.loss.params.get("alpha") == 0.7)

    request = two(request_of)
    fill(request, results, "paper", one_gains)
    outcome = outcome_of(request, results, registry())
    found = by_id(outcome)
    assert len(found) == len(outcome.claims.claims)
    assert [found[f"denoises alpha={own}"].verdict for own in (0.1, 0.7)] == ["undecided", "supported"]
    assert found["denoises alpha=0.7"].claim.statement.startswith("label-smoothing alpha=0.7 improves")


def test_settings_are_counted_as_the_verdict_counts_them(request_of: Read, results: Any) -> None:
    request = request_of("label-smoothing", ("loss.alpha", 0.7))
    fill(request, results, "paper", ranked)
    outcome = outcome_of(request, results, registry())
    assert len(by_id(outcome)["beats-smoothing"].settings) == 6
    counted = {row[0]: row[2] for row in blocks(outcome.claims)[0].rows}
    # Three α at each of two noise rates.
    assert counted["beats-smoothing"] == "1 supported, 1 contradicted"
    assert counted["beats-forward"] == "2 supported"


def test_a_parameter_called_alpha_is_not_always_the_papers() -> None:
    terms = Terms(registry())
    assert terms.loss_words(ComponentSpec(name="label-smoothing", params={"alpha": 0.2})) == "label-smoothing α=0.2"
    assert terms.loss_words(ComponentSpec(name="sce", params={"alpha": 0.2})) == "sce alpha=0.2"


def test_tables_have_every_method(outcome: BatteryOutcome) -> None:
    assert [len(table.rows) for table in outcome.tables.values()] == [11, 11, 11, 4]
    assert all(cell.status == "complete" for table in outcome.tables.values() for cell in table.cells)
    assert all(table.fill is None for table in outcome.tables.values())
    assert outcome.claims.fill == ()
    accuracy = outcome.tables["accuracy"]
    own = [c for c in accuracy.cells if c.row["label"] == "label-smoothing alpha=0.7"]
    # 0.9 − ρ/2, the seeds' hundredths 0 … 4 (mean 2 points), and the gain.
    assert [c.mean for c in own] == [pytest.approx(90 - 50 * rate + 2 + 3.1) for rate in (0, 0.2, 0.4)]


def test_the_profile_is_where_the_loss_itself_has_results(request_of: Read, results: Any) -> None:
    request = request_of("label-smoothing", ("loss.alpha", 0.7), data=["cifar10"])
    fill(request, results, "paper", made_up)
    own = candidate_keys(request, {p: resolve(r) for p, r in request.recipes("paper").items()})
    for key in own:
        del results.metrics[key]
    fill(request, results, "quick", made_up)
    assert outcome_of(request, results, registry()).profile == "quick"


def test_nothing_trained_yet(request_of: Read) -> None:
    outcome = outcome_of(request_of(), None, registry(), run_options=["--db", "mine.db"])
    assert outcome.profile == "paper"
    command = "lsn battery label-smoothing --db mine.db"
    assert {table.fill for table in outcome.tables.values()} == {command}
    assert outcome.claims.fill == (command,)
    assert {result.verdict for result in outcome.claims.claims} == {"not enough runs"}


def test_as_json_a_title_steers_no_terminal(outcome: BatteryOutcome) -> None:
    """JSON escapes C0 by itself; C1 and turned writing, which a name of a recipe may hold, it does not."""
    text = as_text(replace(outcome, title="\x9b2J \u202egnp.exe"), "json", registry())
    assert json.loads(text)["title"] == "\x9b2J \u202egnp.exe"
    assert not set(text) & set("\x9b\u202e")
