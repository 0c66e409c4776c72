"""All claims on the shipped recipes: one profile, stand-ins, students and their teachers, the linear problem."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from lsncli.errors import LsnError
from lsncli.plan import RunSpec
from lsncli.recipe.loading import Overrides, load, shipped_recipes
from lsncli.report.claims import evidence
from lsncli.report.claims.catalogue import CLAIMS
from lsncli.report.claims.claim import Claim, ClaimResult, ClaimsReport
from lsncli.report.claims.evaluate import claims_of_paper
from lsncli.report.claims.linear import shrinkage_moves_back, smoothing_moves_back
from lsncli.report.claims.wording import blocks
from lsncli.store import Store

Fill = Callable[..., None]


def results(store: Store | None, *ids: str, **overrides: Any) -> list[ClaimResult]:
    chosen = [claim for claim in CLAIMS if claim.id in ids]
    return list(claims_of_paper(Overrides(**overrides), store, claims=chosen).claims)


def test_every_claim_says_what_it_needs() -> None:
    assert len({claim.id for claim in CLAIMS}) == len(CLAIMS) >= 11
    for claim in CLAIMS:
        assert claim.statement.endswith(".")
        assert claim.reference.startswith("Section")
        assert (claim.margin is not None) == (claim.expectation in ("not-worse", "equivalent"))
        assert set(claim.recipes) <= set(shipped_recipes())


def test_every_claim_finds_settings_in_the_recipes_it_names() -> None:
    report = claims_of_paper(Overrides(), None)
    assert [result.claim.id for result in report.claims] == [claim.id for claim in CLAIMS]
    assert all(result.settings for result in report.claims)
    assert report.profile == "paper"
    computed = [result.claim.id for result in report.claims if result.verdict != "not enough runs"]
    assert computed == ["smoothing-restores-separator", "shrinkage-restores-separator"]
    assert "lsn run table5" in report.fill


def students(spec: RunSpec) -> dict[str, float]:
    assert spec.teacher is not None
    gain = 0.02 * (spec.teacher.loss.name == "label-smoothing") - 0.03 * (
        spec.teacher.loss.name == "forward-correction"
    )
    own = 0.0 if spec.loss.name == "standard" else (0.001, -0.001, 0.0)[spec.seed]
    return {"test_accuracy": 0.6 + gain * (1 + 0.1 * spec.seed) + own}


def test_students_are_compared_by_their_teachers(fill: Fill, store: Store) -> None:
    loaded = load("table5", Overrides(profile="quick"))
    fill(loaded, students)
    smoothed, corrected, *both = results(
        store,
        *("smoothed-teacher-helps", "corrected-teacher-helps"),
        *("smoothed-student-does-not-gain", "corrected-student-does-not-gain"),
    )
    tested = [s for s in smoothed.settings if s.statistics.n]
    assert [s.comparison.setting.split(" · ")[0::2] for s in tested] == [
        [f"{data} train_size={loaded.recipe.data.train_size} size=16", model]
        for data in ("cifar100", "cifar10")
        for model in ("resnet32", "resnet56")
    ]
    assert {(s.comparison.reference, s.comparison.compared) for s in tested} == {
        ("teacher: standard", "teacher: label-smoothing α=0.1")
    }
    # 2 points times 1, 1.1 and 1.2.
    assert all(s.differences == (2.0, 2.2, 2.4) for s in tested)
    assert (smoothed.verdict, corrected.verdict) == ("supported", "contradicted")
    # Only CIFAR-100 has many classes; two architectures.
    for own, loss in zip(both, ("label-smoothing α=0.1", "forward-correction α=0.1"), strict=True):
        assert [s.comparison.setting[:9] for s in own.settings] == ["cifar100 "] * 2
        assert [s.comparison.compared for s in own.settings] == [loss] * 2
        assert all(s.differences == (0.1, -0.1, 0.0) for s in own.settings)
    # Mean 0, std 0.1, margin 1: t = 1/(0.1/√3) = 17.3 on 2 degrees of freedom; P(T > t) = (1 - t/√(2+t²))/2.
    t = 17.320508
    for own in both:
        assert own.settings[0].p == pytest.approx((1 - t / (2 + t * t) ** 0.5) / 2, rel=1e-5)
        assert own.verdict == "supported"


def test_a_stand_in_counts_as_what_it_stands_in_for(fill: Fill, store: Store) -> None:
    store.set_stand_in("fine-classes", "cifar100")
    loaded = load("table5", Overrides(profile="quick", data={"cifar100": "fine-classes"}))
    fill(loaded, lambda spec: students(spec) if spec.data.name == "fine-classes" else None)
    chosen = [claim for claim in CLAIMS if claim.id == "smoothed-student-does-not-gain"]
    report = claims_of_paper(Overrides(), store, claims=chosen)
    assert report.profile == "quick"
    (own,) = report.claims
    size = loaded.recipe.data.train_size
    assert own.settings[0].comparison.setting.startswith(f"fine-classes train_size={size} (for cifar100)")
    assert own.verdict == "supported"
    assert "fine-classes stands in for cifar100 (no results of its own)." in report.notes
    (same,) = results(store, "smoothed-student-does-not-gain", data={"cifar100": "fine-classes"})
    assert same.verdict == "supported"


def test_one_profile_for_all_recipes(fill: Fill, store: Store) -> None:
    # Paper's setting has one run of Table 7; all of Table 3's quick runs must not be shown beside it.
    fill(load("table3", Overrides(profile="quick")), lambda spec: {"train_accuracy_noisy_true": 0.5})
    first = load("table7").recipe.seeds[0]
    fill(
        load("table7"),
        lambda spec: {"test_accuracy": 0.5} if (spec.seed, spec.loss.name) == (first, "standard") else None,
    )
    ids = ("smoothing-denoises", "noisy-part-improves")
    report = claims_of_paper(Overrides(), store, claims=[claim for claim in CLAIMS if claim.id in ids])
    assert report.profile == "paper"
    assert {s.statistics.n for r in report.claims for s in r.settings} == {0}


def test_a_recipe_that_cannot_be_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = tmp_path / "table3.toml"
    broken.write_text('title = "T"\n[data]\nname = "digits"\n[model]\nname = "no-such"\n[train]\nsteps = 1\n')
    shipped = {**shipped_recipes(), "table3": broken}
    monkeypatch.setattr(evidence, "shipped_recipes", lambda: shipped)
    monkeypatch.setattr("lsncli.recipe.loading.shipped_recipes", lambda: shipped)
    chosen = [claim for claim in CLAIMS if claim.id in ("noise-fitted-less", "small-alpha-calibrates")]
    report = claims_of_paper(Overrides(), None, claims=chosen)
    assert "Recipe table3 was not read: unknown architecture 'no-such'." in report.notes
    assert [len(result.settings) for result in report.claims] == [0, 1]
    with pytest.raises(LsnError, match="no-such"):
        claims_of_paper(Overrides(), None, claims=chosen[:1])


def test_several_data_sets_are_replaced_and_one_is_chosen_by_either_name(store: Store) -> None:
    """table3 has cifar100 alone, table7 both: the first has no use for a replacement of cifar10."""
    data = {"cifar100": "fine-classes", "cifar10": "ten-classes"}
    chosen = [claim for claim in CLAIMS if claim.id in ("noise-fitted-less", "smoothing-denoises")]
    for name in ("cifar10", "ten-classes"):
        report = claims_of_paper(Overrides(data=data, only=(("data.name", name),)), store, claims=chosen)
        settings = {c.setting for r in report.claims for c in (s.comparison for s in r.settings)}
        assert settings
        assert all(setting.startswith("ten-classes (for cifar10)") for setting in settings)
        left_out = f"Recipe table3 was left out: --only data.name={name}: no run of the recipe is left."
        assert left_out in report.notes
        assert not any("table3" in command for command in report.fill)
    whole = claims_of_paper(Overrides(data=data), store, claims=chosen)
    (table3,) = [command for command in whole.fill if "table3" in command]
    assert table3 == "lsn run table3 --data cifar100=fine-classes"
    with pytest.raises(LsnError, match=r"data.name=nowhere: no run of the recipe is left"):
        claims_of_paper(Overrides(data=data, only=(("data.name", "nowhere"),)), store, claims=chosen)


def test_wrong_requests(store: Store) -> None:
    with pytest.raises(LsnError, match="no recipe of the claims uses the data set 'mnist'"):
        claims_of_paper(Overrides(data={"mnist": "other"}), store)
    with pytest.raises(LsnError, match="unknown profile 'quik'"):
        claims_of_paper(Overrides(profile="quik"), store)


@pytest.mark.parametrize("steps", [smoothing_moves_back, shrinkage_moves_back])
def test_the_separator_comes_back(steps: Callable[[], Any]) -> None:
    comparisons = steps()
    chains = list(zip(*([pair.values for pair in c.pairs] for c in comparisons), strict=True))
    assert len(chains) == 10
    for chain in chains:
        # Each step starts where the one before ended, and comes closer; none overshoots far.
        assert all(before[1] == after[0] for before, after in pairwise(chain))
        assert all(after < before for before, after in chain)
        assert chain[-1][1] < 0.15 * chain[0][0]


def test_the_smoothed_separator_against_theory() -> None:
    # At the mean of the positives the smoothed label is 1 - α/2, at that of the negatives 0.05(1-α) + α/2: on the
    # diagonal a linear score through both logits, at ±√2, is zero at √2·(s-1)/(s+1), s = |l₋|/l₊. That is
    # exact for points at the means; with variance 0.01 it holds to a few thousandths.
    from math import log, sqrt

    level = 0.3
    positive, negative = 1 - level / 2, 0.05 * (1 - level) + level / 2
    high, low = log(positive / (1 - positive)), log(negative / (1 - negative))
    expected = sqrt(2) * abs(high + low) / (high - low)
    found = [pair.values[1] for c in smoothing_moves_back() if c.compared == "α=0.3" for pair in c.pairs]
    assert found == pytest.approx([expected] * 10, abs=0.01)


def test_a_claim_may_be_anybodys(fill: Fill, store: Store) -> None:
    from dataclasses import replace

    claim: Claim = replace(CLAIMS[0], id="mine", recipes=("table3",), metric="test_nll", expectation="lower")
    fill(load("table3", Overrides(profile="quick")), lambda spec: {"test_nll": 2.0 - 0.1 * len(spec.loss.name)})
    (result,) = claims_of_paper(Overrides(), store, claims=[claim]).claims
    # standard has 8 letters, label-smoothing 15: 0.7 lower, on every seed alike.
    assert result.settings[0].differences == (-0.7, -0.7, -0.7)


def test_where_else_there_is_something_to_test(fill: Fill, store: Store) -> None:
    """A database of the quick start alone: nothing of the paper's recipes, and a word on what to ask instead."""
    claims = [claim for claim in CLAIMS if claim.id == "smoothing-denoises"]
    assert not any("--claims" in note for note in claims_of_paper(Overrides(), store, claims=claims).notes)
    fill(load("quickstart"), lambda spec: {"test_accuracy": 0.9})
    notes = claims_of_paper(Overrides(), store, claims=claims).notes
    assert [note for note in notes if "lsn report quickstart --claims" in note]
    fill(load("figure2", Overrides(profile="quick")), lambda spec: {"test_accuracy": 0.9})
    assert not any("--claims" in note for note in claims_of_paper(Overrides(), store, claims=claims).notes)


def test_forward_correction_ahead_at_large_alpha_and_alike_at_small_ones(fill: Fill, store: Store) -> None:
    """Two claims: the paper finds smoothing competitive at 0.1 (Table 7), and outperformed at high α (Figure 2)."""

    def accuracy(spec: RunSpec) -> dict[str, float]:
        alpha = float(spec.loss.params.get("alpha", 0.1))
        gain = alpha / 5 if spec.loss.name == "forward-correction" else 0.0
        return {"test_accuracy": 0.6 + gain * (1 + 0.01 * spec.seed) + 0.01 * spec.seed}

    fill(load("figure2", Overrides(profile="quick")), accuracy)
    alike, ahead = results(store, "competitive-with-forward", "forward-best-with-large-alpha", profile="quick")
    assert {s.comparison.compared for s in alike.settings} == {"label-smoothing α=0.1"}
    # Two points behind at α = 0.1.
    assert alike.verdict == "contradicted"
    assert {s.comparison.compared for s in ahead.settings} == {
        f"forward-correction α={alpha}" for alpha in (0.4, 0.6, 0.8)
    }
    assert ahead.verdict == "supported"
    row = next(row for row in _rows(alike) if row[-1] == "contradicted")
    assert row[-3] == "<0.001 against"


def _rows(result: ClaimResult) -> list[tuple[str, ...]]:
    report = ClaimsReport(profile="quick", recipe=None, claims=[result], tests=1)
    return [row for block in blocks(report)[1:] for row in block.rows]
