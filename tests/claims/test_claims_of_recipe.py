"""Claims on the runs of one recipe: which pairs, which numbers, which verdicts."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
from scipy import stats

from lsncli.plan import RunSpec
from lsncli.recipe.resolve import resolve
from lsncli.report.claims.claim import ClaimResult, ClaimsReport
from lsncli.report.claims.evaluate import claims_of_recipe
from lsncli.report.claims.wording import decisive
from lsncli.store import Store

Load = Callable[..., Any]
Fill = Callable[..., None]

#: Test accuracy by loss and α, and by seed, as fractions; chosen so that differences are easy.
BASE = (0.50, 0.52, 0.51, 0.53)
GAINS = {
    ("standard", None): (0.0, 0.0, 0.0, 0.0),
    ("label-smoothing", 0.1): (0.02, 0.03, 0.04, 0.03),
    ("label-smoothing", 0.2): (-0.05, -0.06, -0.04, -0.05),
    ("label-smoothing", 0.4): (0.01, -0.01, 0.02, -0.02),
    ("forward-correction", 0.1): (0.025, 0.034, 0.046, 0.035),
}


def alpha(spec: RunSpec) -> float | None:
    # The spec leaves out α = 0.1 of smoothing, which is the default.
    default = 0.1 if spec.loss.name == "label-smoothing" else None
    found: float | None = spec.loss.params.get("alpha", default)
    return found


def accuracy(spec: RunSpec) -> dict[str, float]:
    return {"test_accuracy": BASE[spec.seed] + GAINS[spec.loss.name, alpha(spec)][spec.seed]}


def by_id(report: ClaimsReport) -> dict[str, ClaimResult]:
    return {result.claim.id: result for result in report.claims}


def compared(result: ClaimResult) -> dict[tuple[str, str], Any]:
    return {(s.comparison.reference, s.comparison.compared): s for s in result.settings}


def test_smoothing_against_standard(load_text: Load, fill: Fill, store: Store) -> None:
    fill(load_text(), accuracy)
    result = by_id(claims_of_recipe(load_text(), store))["smoothing-denoises"]
    settings = compared(result)
    assert list(settings) == [("standard", f"label-smoothing α={a}") for a in ("0.1", "0.2", "0.4")]
    first = settings["standard", "label-smoothing α=0.1"]
    assert first.differences == (2.0, 3.0, 4.0, 3.0)  # percentage points, the last evaluation
    reference = stats.ttest_1samp([2, 3, 4, 3], 0)
    assert (first.statistics.mean, first.p) == pytest.approx((3.0, reference.pvalue))
    # d_z: squared deviations 1 + 0 + 1 + 0, so std = sqrt(2/3).
    assert first.statistics.effect_size == pytest.approx(3 / math.sqrt(2 / 3))
    low, high = reference.confidence_interval(0.95)
    assert (first.statistics.ci_low, first.statistics.ci_high) == pytest.approx((low, high))
    assert first.comparison.setting == "digits · symmetric rate=0.2 · mlp"
    specs = resolve(load_text()).specs()
    keys = {(s.loss.name, alpha(s), s.seed): s.key for s in specs}
    assert first.keys == tuple((keys["standard", None, i], keys["label-smoothing", 0.1, i]) for i in range(4))
    verdicts = [setting.verdict for setting in settings.values()]
    assert verdicts == ["supported", "contradicted", "undecided"]
    assert result.verdict == "mixed"


def test_one_alpha_against_another(load_text: Load, fill: Fill, store: Store) -> None:
    fill(load_text(), accuracy)
    result = by_id(claims_of_recipe(load_text(), store))["smoothing-alpha-above-noise"]
    # ρ = 0.2: only 0.2 is near it, and only 0.4 at least twice; forward correction has neither.
    (setting,) = result.settings
    assert (setting.comparison.reference, setting.comparison.compared) == (
        "label-smoothing α=0.2",
        "label-smoothing α=0.4",
    )
    assert setting.differences == (6.0, 5.0, 6.0, 3.0)
    assert result.verdict == "supported"


def test_another_alpha_is_all_that_differs(load_text: Load, recipe_head: str, store: Store) -> None:
    cases = "".join(
        f'[[sweep.case]]\nloss = {{ name = "label-smoothing", floor = {floor} }}\n'
        f'sweep = {{ "loss.alpha" = {alphas} }}\n'
        for floor, alphas in ((0.0, [0.2, 0.8]), (0.01, [0.4, 0.8]))
    )
    result = by_id(claims_of_recipe(load_text(recipe_head + cases), store))["smoothing-alpha-above-noise"]
    # Of α = 0.2 there is one loss; those with another floor differ from it by more than α.
    assert [(s.comparison.reference, s.comparison.compared) for s in result.settings] == [
        ("label-smoothing α=0.2", "label-smoothing α=0.8")
    ]


def test_trailing_by_less_than_a_point(load_text: Load, fill: Fill, store: Store) -> None:
    fill(load_text(), accuracy)
    result = by_id(claims_of_recipe(load_text(), store))["competitive-with-forward"]
    (setting,) = result.settings
    assert setting.differences == (-0.5, -0.4, -0.6, -0.5)
    one_sided = stats.ttest_1samp([-0.5, -0.4, -0.6, -0.5], -1.0, alternative="greater").pvalue
    assert setting.p == pytest.approx(one_sided)
    # It is significantly worse, and still within the margin: that is what non-inferiority means.
    assert setting.statistics.p < 0.05
    assert (setting.statistics.ci_high < 0, result.verdict) == (True, "supported")


def test_what_is_sorted_by_is_what_is_shown(load_text: Load, fill: Fill, store: Store) -> None:
    """Of a margin that is exceeded, the test against the claim decided: its p-value is shown, not the claim's."""

    def far_behind(spec: RunSpec) -> dict[str, float]:
        behind = 0.05 if spec.loss.name == "label-smoothing" else 0.0
        return {"test_accuracy": accuracy(spec)["test_accuracy"] - behind}

    fill(load_text(), far_behind)
    (setting,) = by_id(claims_of_recipe(load_text(), store))["competitive-with-forward"].settings
    against = stats.ttest_1samp([-5.5, -5.4, -5.6, -5.5], -1.0, alternative="less").pvalue
    assert setting.verdict == "contradicted"
    assert decisive(setting) == (pytest.approx(against), setting.p_against_holm)
    assert against < 0.001


def test_holm_is_over_all_tests_of_the_report(load_text: Load, fill: Fill, store: Store) -> None:
    fill(load_text(), accuracy)
    report = claims_of_recipe(load_text(), store)
    tested = [s for r in report.claims for s in r.settings if s.p_holm is not None]
    family = [p for s in tested for p in (s.p, s.p_against) if p is not None]
    # Three of smoothing, one of α, and the margin's two.
    assert report.tests == len(family) == 6
    smallest = min(tested, key=lambda s: s.p)
    assert smallest.p_holm == pytest.approx(6 * smallest.p)
    assert all(s.p_holm >= s.p for s in tested)


def test_a_missing_seed_drops_its_pair(load_text: Load, fill: Fill, store: Store) -> None:
    def without_some(spec: RunSpec) -> dict[str, float] | None:
        lost = {("standard", 2), ("label-smoothing", 0)}
        return None if (spec.loss.name, spec.seed) in lost else accuracy(spec)

    fill(load_text(), without_some)
    report = claims_of_recipe(load_text(), store)
    setting = by_id(report)["smoothing-denoises"].settings[0]
    assert setting.differences == (3.0, 3.0)
    assert (setting.statistics.n, setting.expected) == (2, 4)
    assert setting.dropped == ("seed 0: label-smoothing α=0.1 is missing", "seed 2: standard is missing")
    # Two pairs are not tested, however equal they are.
    assert (setting.verdict, setting.p_holm, setting.verdict_holm) == ("not enough runs", None, "not enough runs")
    assert (setting.p, setting.p_against) == (None, None)
    assert report.fill == ("lsn run losses.toml",)


@pytest.mark.parametrize("n", [0, 1, 2])
def test_too_few_seeds(load_text: Load, fill: Fill, store: Store, n: int) -> None:
    fill(load_text(), lambda spec: accuracy(spec) if spec.seed < n else None)
    report = claims_of_recipe(load_text(), store)
    assert {result.verdict for result in report.claims} == {"not enough runs"}
    assert report.tests == 0
    setting = by_id(report)["smoothing-denoises"].settings[0]
    assert setting.statistics.n == len(setting.keys) == n
    assert setting.statistics.mean == (None, 2.0, 2.5)[n]


def test_what_else_drops_a_pair(load_text: Load, fill: Fill, store: Store, write_run: Any) -> None:
    loaded = load_text()
    fill(loaded, accuracy)
    standard = [spec for spec in resolve(loaded).specs() if spec.loss.name == "standard"]
    store.discard_runs(spec.key for spec in standard)
    write_run(standard[0], {"test_accuracy": 0.5}, "diverged")
    write_run(standard[1], {"test_nll": 1.0})
    write_run(standard[2], {"test_accuracy": math.nan})
    write_run(standard[3], {"test_accuracy": 0.5})
    setting = by_id(claims_of_recipe(loaded, store))["smoothing-denoises"].settings[0]
    assert setting.dropped == (
        "seed 0: standard is diverged",
        "seed 1: standard has no test_accuracy",
        "seed 2: test_accuracy of standard is not finite",
    )
    assert setting.differences == (6.0,)


def test_equal_differences(load_text: Load, fill: Fill, store: Store) -> None:
    fill(load_text(), lambda spec: {"test_accuracy": 0.5 + 0.1 * (spec.loss.name != "standard")})
    report = by_id(claims_of_recipe(load_text(), store))
    setting = report["smoothing-denoises"].settings[0]
    # Four signs alike: 2·2^-4 = 0.125, too much to decide.
    assert (setting.p, setting.verdict, setting.statistics.std) == (0.125, "undecided", 0.0)
    same = report["competitive-with-forward"].settings[0]
    assert (same.statistics.mean, same.statistics.p, same.p) == (0.0, 1.0, 2.0**-4)


def test_claims_that_do_not_apply_are_named(load_text: Load, fill: Fill, store: Store) -> None:
    fill(load_text(), accuracy)
    report = claims_of_recipe(load_text(), store)
    ids = set(by_id(report))
    assert {"smoothing-denoises", "large-alpha-miscalibrates", "noise-fitted-less"} <= ids
    assert not ids & {"smoothed-teacher-helps", "backward-small-alpha-hurts", "smoothing-restores-separator"}
    (note,) = report.notes
    assert "smoothed-teacher-helps" in note
    assert report.recipe == "Losses on digits"


def test_calibration_asks_for_the_right_alphas(load_text: Load, store: Store) -> None:
    report = by_id(claims_of_recipe(load_text(), store))
    assert [s.comparison.compared[-3:] for s in report["small-alpha-calibrates"].settings] == ["0.1"]
    assert [s.comparison.compared[-3:] for s in report["large-alpha-miscalibrates"].settings] == ["0.2", "0.4"]


def test_no_claim_without_noise(load_text: Load, recipe_text: str, store: Store) -> None:
    for noise in ('name = "none"', 'name = "symmetric"\nrate = 0.0'):
        text = recipe_text.replace('name = "symmetric"\nrate = 0.2', noise)
        assert text != recipe_text
        assert claims_of_recipe(load_text(text), store).claims == ()


def test_labels_noisy_by_nature_have_noise_of_no_known_rate(
    load_text: Load, recipe_text: str, fill: Fill, store: Store
) -> None:
    """What asks for noise is tested, whatever is added; what asks for its rate, or for true labels, is not."""
    for noise in ('name = "none"', 'name = "symmetric"\nrate = 0.2'):
        loaded = load_text(recipe_text.replace('name = "symmetric"\nrate = 0.2', noise))
        fill(loaded, accuracy)
        report = claims_of_recipe(loaded, store, true_labels=lambda name: name != "digits")
        assert set(by_id(report)) == {
            "smoothing-denoises",
            "competitive-with-forward",
            "small-alpha-calibrates",
            "large-alpha-miscalibrates",
            "forward-miscalibrates",
            "forward-miscalibrates-more",
        }
        said = "Nobody knows the true labels of digits, which these claims need: clean-part-improves, noisy-part-"
        assert any(note.startswith(said) for note in report.notes)


def test_profiles_are_never_mixed(load_text: Load, fill: Fill, store: Store) -> None:
    fill(load_text(profile="quick"), accuracy)
    report = claims_of_recipe(load_text(), store)
    assert report.profile == "quick"
    quick = {spec.key for spec in resolve(load_text(profile="quick")).specs()}
    assert {key for r in report.claims for s in r.settings for pair in s.keys for key in pair} <= quick
    assert any("Profile quick is not the paper's setting" in note for note in report.notes)
    fill(load_text(), lambda spec: accuracy(spec) if spec.seed == 0 else None)
    assert claims_of_recipe(load_text(), store).profile == "paper"
    assert claims_of_recipe(load_text(profile="quick"), store).profile == "quick"


def test_settings_that_read_alike_are_told_apart(load_text: Load, recipe_text: str, store: Store) -> None:
    text = recipe_text.replace("[[sweep.case]]", '[sweep]\n"train.batch_size" = [100, 200]\n[[sweep.case]]', 1)
    settings = by_id(claims_of_recipe(load_text(text), store))["smoothing-alpha-above-noise"].settings
    assert [s.comparison.setting for s in settings] == [
        "digits · symmetric rate=0.2 · mlp · train.batch_size=100",
        "digits · symmetric rate=0.2 · mlp · train.batch_size=200",
    ]


def test_noise_of_a_fixed_seed_still_pairs(load_text: Load, recipe_text: str, fill: Fill, store: Store) -> None:
    loaded = load_text(recipe_text.replace("rate = 0.2", "rate = 0.2\nseed = 7"))
    fill(loaded, accuracy)
    setting = by_id(claims_of_recipe(loaded, store))["smoothing-denoises"].settings[0]
    assert setting.differences == (2.0, 3.0, 4.0, 3.0)


BACKWARD = """\
[[sweep.case]]
loss = { name = "standard" }
[[sweep.case]]
loss = { name = "backward-correction" }
sweep = { "loss.alpha" = [0.1, 0.2, 0.3, 0.4, 0.8] }
"""


def test_backward_correction_over_alpha(load_text: Load, recipe_head: str, fill: Fill, store: Store) -> None:
    loaded = load_text(recipe_head + BACKWARD)

    def values(spec: RunSpec) -> dict[str, float]:
        gain = 0.1 * ((alpha(spec) or 0.25) - 0.25)
        return {"test_accuracy": 0.5 + gain * (1 + spec.seed), "test_ece_100": 0.1 - gain * (1 + spec.seed)}

    fill(loaded, values)
    report = by_id(claims_of_recipe(loaded, store))
    small, large = report["backward-small-alpha-hurts"], report["backward-large-alpha-helps"]
    assert [s.comparison.compared[-3:] for s in small.settings] == ["0.1", "0.2"]
    assert [s.comparison.compared[-3:] for s in large.settings] == ["0.4", "0.8"]
    assert (small.verdict, large.verdict) == ("supported", "supported")
    assert report["backward-miscalibrates"].verdict == "supported"
    assert [s.comparison.compared[-3:] for s in report["backward-miscalibrates"].settings] == ["0.1", "0.2"]


CORRECTIONS = """\
[[sweep.case]]
loss = { name = "standard" }
[[sweep.case]]
loss = { name = "label-smoothing" }
sweep = { "loss.alpha" = [0.1] }
[[sweep.case]]
loss = { name = "forward-correction" }
sweep = { "loss.alpha" = [0.1, 0.2] }
[[sweep.case]]
loss = { name = "backward-correction" }
sweep = { "loss.alpha" = [0.1, 0.2] }
"""


def test_one_correction_does_not_speak_for_the_other(
    load_text: Load, recipe_head: str, fill: Fill, store: Store
) -> None:
    """Only backward correction raises the error; of forward correction nothing is known."""
    loaded = load_text(recipe_head + CORRECTIONS)
    # Mean 0 for forward correction; for backward d_z = 0.1/0.0058 and more.
    raised = {"forward-correction": (0.01, -0.01, 0.01, -0.01), "backward-correction": (0.1, 0.11, 0.1, 0.11)}
    fill(loaded, lambda spec: {"test_ece_100": 0.2 + raised.get(spec.loss.name, (0.0,) * 4)[spec.seed]})
    report = by_id(claims_of_recipe(loaded, store))
    for more, forward, backward in (("", 2, 2), ("-more", 1, 1)):
        of_forward, of_backward = report[f"forward-miscalibrates{more}"], report[f"backward-miscalibrates{more}"]
        assert (of_forward.verdict, len(of_forward.settings)) == ("undecided", forward)
        assert (of_backward.verdict, len(of_backward.settings)) == ("supported", backward)
