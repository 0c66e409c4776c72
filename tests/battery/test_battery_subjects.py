"""Batteries of noise models and architectures: what is planned, what is left out, and which findings are tested."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lsncli.battery.formats import as_text
from lsncli.battery.outcome import BatteryOutcome, candidate_keys, outcome_of
from lsncli.battery.request import BatteryRequest
from lsncli.errors import LsnError
from lsncli.plan import Plan, RunSpec
from lsncli.recipe.resolve import ResolvedRecipe, resolve
from lsncli.registry import Registry
from lsncli.report.claims.catalogue import CLAIMS
from lsncli.report.claims.wording import blocks

Read = Callable[..., BatteryRequest]

PARTS = ("accuracy", "denoising", "calibration", "distillation")
SMEARED = {f"label smoothing α={alpha}" for alpha in (0.1, 0.2, 0.4)}
CORRECTED = {f"{method} correction α={alpha}" for method in ("forward", "backward") for alpha in (0.1, 0.2, 0.4)}


def resolved(request: BatteryRequest) -> dict[str, ResolvedRecipe]:
    return {part: resolve(loaded, components=request.components) for part, loaded in request.recipes().items()}


def labels(recipe: ResolvedRecipe) -> set[str]:
    return {str(variant.coordinates["label"]) for variant in recipe.variants}


def columns(recipe: ResolvedRecipe) -> list[Any]:
    return list(dict.fromkeys(variant.coordinates.get("noise.rate") for variant in recipe.variants))


def test_a_noise_model_with_a_rate_is_swept(request_of: Read) -> None:
    parts = resolved(request_of("pair"))
    assert tuple(parts) == PARTS
    assert columns(parts["accuracy"]) == [0.0, 0.2, 0.4]
    assert all(columns(parts[part]) == [0.2] for part in PARTS[1:])
    assert labels(parts["accuracy"]) == {"standard"} | SMEARED | CORRECTED
    assert {s.noise.name for recipe in parts.values() for s in recipe.specs()} == {"pair"}
    assert {s.teacher.noise.name for s in parts["distillation"].specs() if s.teacher} == {"pair"}


def test_the_battery_of_the_quick_start_s_noise_is_the_quick_start(request_of: Read) -> None:
    """Its runs at 20 % and 40 % have the keys that the baselines of every loss have there."""
    own = {spec.key for spec in resolved(request_of("symmetric"))["accuracy"].specs()}
    of_a_loss = resolved(request_of("label-smoothing", ("loss.alpha", 0.7)))["accuracy"].variants
    baselines = {s.key for v in of_a_loss if v.coordinates["label"] != "label-smoothing alpha=0.7" for s in v.specs}
    assert own == baselines


def test_a_noise_model_without_a_rate_has_one_column(request_of: Read, third_party: Registry) -> None:
    request = request_of("annotators", ("noise.people", 3), components=third_party)
    parts = resolved(request)
    assert tuple(parts) == PARTS
    for recipe in parts.values():
        assert columns(recipe) == [None]
        assert {tuple(s.noise.params.items()) for s in recipe.specs()} == {(("people", 3),)}
    # Nothing corrects what has no matrix, and that is told.
    assert labels(parts["accuracy"]) == {"standard"} | SMEARED
    assert labels(parts["distillation"]) == {"standard", "label smoothing α=0.1"}
    assert any("'annotators' has no transition matrix" in note for note in request.possible().notes)


def test_rates_that_the_noise_does_not_take(request_of: Read, third_party: Registry) -> None:
    request = request_of("dropped", components=third_party)
    assert columns(resolved(request)["accuracy"]) == [0.2, 0.4]
    assert any("takes no rate of 0" in note for note in request.possible().notes)
    with pytest.raises(LsnError, match=r"rate: field required[\s\S]*--set noise.rate"):
        request_of("percent", components=third_party)
    request = request_of("percent", ("noise.rate", [10, 30]), components=third_party)
    assert columns(resolved(request)["calibration"]) == [10, 30]


def test_an_architecture_with_a_required_parameter(request_of: Read, third_party: Registry) -> None:
    with pytest.raises(LsnError, match=r"architecture 'tower': depth: field required\n  where: --set model.depth"):
        request_of("tower", components=third_party)
    with pytest.raises(LsnError, match=r"no parameter 'dept'[\s\S]*--set model.dept[\s\S]*did you mean 'depth'"):
        request_of("tower", ("model.dept", 3), components=third_party)
    parts = resolved(request_of("tower", ("model.depth", 3), components=third_party))
    assert tuple(parts) == PARTS
    assert columns(parts["accuracy"]) == [0.0, 0.2, 0.4]
    assert labels(parts["accuracy"]) == {"standard"} | SMEARED | CORRECTED
    # Nothing is left of the multilayer perceptron whose place it takes.
    models = {
        (run.spec.model.name, tuple(run.spec.model.params.items()))
        for r in parts.values()
        for run in Plan.of(r.specs())
    }
    assert models == {("tower", (("depth", 3),))}


def test_a_list_gives_rows_of_their_own(request_of: Read, third_party: Registry) -> None:
    request = request_of("tower", ("model.depth", [2, 3]), ("model.wide", True), components=third_party)
    assert [c.told for c in request.chosen] == ["depth=2", "depth=3"]
    accuracy = resolved(request)["accuracy"]
    assert {v.coordinates["model.depth"] for v in accuracy.variants} == {2, 3}
    assert {(s.model.params["depth"], s.model.params["wide"]) for s in accuracy.specs()} == {(2, True), (3, True)}
    assert accuracy.loaded.recipe.report.rows == ["model.depth", "label"]


def test_a_list_that_a_network_s_parameter_takes_is_one_value(request_of: Read) -> None:
    request = request_of("mlp", ("model.hidden", [16, 8]))
    assert [c.label for c in request.chosen] == ["mlp hidden=[16, 8]"]
    assert {tuple(s.model.params["hidden"]) for s in resolved(request)["accuracy"].specs()} == {(16, 8)}
    request = request_of("mlp", ("model.hidden", [[16, 8], [32]]))
    assert {tuple(s.model.params["hidden"]) for s in resolved(request)["accuracy"].specs()} == {(16, 8), (32,)}


def test_noise_and_architecture_of_a_loss_s_battery(request_of: Read, third_party: Registry) -> None:
    """What was in their place in the recipe leaves none of its parameters behind, and no rate."""
    request = request_of(
        "label-smoothing",
        ("noise.name", "annotators"),
        ("noise.people", 3),
        ("model.name", "linear"),
        components=third_party,
    )
    accuracy = resolved(request)["accuracy"]
    assert columns(accuracy) == [None]
    assert {(s.noise.name, s.model.name) for s in accuracy.specs()} == {("annotators", "linear")}
    assert {tuple(s.model.params) for s in accuracy.specs()} == {()}
    # A loss is compared with every method, as ever; a correction of some α needs no matrix of the noise.
    assert labels(accuracy) == {"label-smoothing"} | {"standard"} | SMEARED | CORRECTED
    outcome = outcome_of(request, None, third_party)
    assert "harmless-without-noise" not in {result.claim.id for result in outcome.claims.claims}
    table = request_of("linear", ("noise", {"name": "pair", "rate": 0.3}))
    assert columns(resolved(table)["accuracy"]) == [0.3]


def test_parameters_of_the_base_stay_with_their_component(request_of: Read, tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(
        'title = "Mine"\n[data]\nname = "digits"\n[noise]\nname = "class-conditional"\nmatrix = "T.csv"\nseed = 4\n'
        '[model]\nname = "mlp"\nhidden = [9]\n[train]\nsteps = 9\nbatch_size = 10\n'
        '[profiles.tiny.model]\nhidden = [5]\n[profiles.other.model]\nname = "linear"\n'
    )
    rows = "\n".join(",".join("0.91" if i == j else "0.01" for j in range(10)) for i in range(10))
    (tmp_path / "T.csv").write_text(rows)
    for profile, hidden in (("paper", (9,)), ("tiny", (5,)), ("other", (9,))):
        specs = resolved(request_of("mlp", base=str(path), profile=profile))["accuracy"].specs()
        assert {(s.model.name, tuple(s.model.params["hidden"])) for s in specs} == {("mlp", hidden)}
        # A relative path starts where the recipe is; T is there, so the corrections are.
        assert {(s.noise.name, s.noise.seed) for s in specs} == {("class-conditional", 4)}
        assert {"forward-correction", "backward-correction"} <= {s.loss.name for s in specs}
    specs = resolved(request_of("linear", base=str(path), profile="tiny"))["accuracy"].specs()
    assert {(s.model.name, tuple(s.model.params)) for s in specs} == {("linear", ())}
    # Its noise's seed is the runs' and stays, too.
    specs = resolved(request_of("pair", base=str(path)))["accuracy"].specs()
    assert {(s.noise.name, s.noise.seed) for s in specs} == {("pair", 4)}


def test_without_true_labels_there_are_no_parts_to_tell_apart(request_of: Read) -> None:
    words: dict[str, Any] = {"data": ["digits=web"], "true_labels": lambda name: name != "web"}
    for name in ("pair", "linear", "label-smoothing"):
        request = request_of(name, **words)
        assert request.possible().parts == ("accuracy", "calibration", "distillation")
        assert any("nobody knows the true labels of data set 'web'" in note for note in request.possible().notes)
    with pytest.raises(LsnError, match="'denoising' cannot be: nobody knows the true labels"):
        request_of("pair", parts=["denoising"], **words).recipes()
    assert request_of("pair", parts=["accuracy"], **words).possible().notes == ()
    assert "denoising" in request_of("pair", data=["digits"], true_labels=words["true_labels"]).recipes()


def test_labels_that_are_noisy_by_nature_are_never_without_noise(request_of: Read) -> None:
    words: dict[str, Any] = {"data": ["digits=web"], "true_labels": lambda name: name != "web"}
    request = request_of("label-smoothing", ("noise.name", "none"), **words)
    claims = {result.claim.id: result for result in outcome_of(request, None, request.components).claims.claims}
    assert "harmless-without-noise" not in claims
    # Noise is added to none of its runs, and it is asked of all of them: against cross-entropy, on the same data.
    assert [s.comparison.reference for s in claims["denoises"].settings] == ["standard"]
    known = request_of("label-smoothing", ("noise.name", "none"), data=["digits"], true_labels=words["true_labels"])
    asked = {result.claim.id for result in outcome_of(known, None, known.components).claims.claims}
    assert {"harmless-without-noise", "denoises"} & asked == {"harmless-without-noise"}


def test_without_noise_there_is_no_noisy_part(request_of: Read) -> None:
    request = request_of("label-smoothing", ("noise.name", "none"))
    assert request.possible().parts == ("accuracy", "calibration", "distillation")
    assert any("'none' makes no label wrong" in note for note in request.possible().notes)
    asked = {result.claim.id for result in outcome_of(request, None, request.components).claims.claims}
    assert asked == {"harmless-without-noise"}


@pytest.mark.parametrize(
    ("name", "settings", "words", "message"),
    [
        ("twin", (), {}, r"'twin' is the name of a loss and of a noise model[\s\S]*--kind loss, --kind noise"),
        ("anotators", (), {}, r"unknown loss, noise model or architecture[\s\S]*'annotators' \(noise model\)\?"),
        ("linaer", (), {}, r"losses backward[\s\S]*; architectures linear, [\s\S]*'linear' \(architecture\)\?"),
        # What a battery has already is not said to be valid.
        ("zzz", (), {}, r"valid: (?![^\n]*(standard|none))"),
        ("none", (), {}, "'none' leaves every label as it is"),
        ("cpu", (), {}, r"lsn battery NAME --device cpu"),
        ("digits", (), {}, r"lsn battery NAME --data digits"),
        (
            "linear",
            (),
            {"kind": "noise"},
            r"unknown noise model 'linear'[\s\S]*an architecture: --kind architecture",
        ),
        ("zzz", (), {"kind": "noise"}, r"unknown noise model 'zzz'"),
        ("linear", (), {"kind": "model"}, r"unknown kind 'model'[\s\S]*architecture, loss, noise"),
        ("linear", (("loss.alpha", 0.1),), {}, r"--set loss.alpha: the battery decides that itself"),
        ("linear", (("model.name", "mlp"),), {}, r"--set model.name: the battery decides that itself"),
        ("pair", (("noise", {"name": "symmetric"}),), {}, r"--set noise.name: the battery decides that itself"),
        ("linear", (("bias", False),), {}, r"no such key[\s\S]*did you mean 'model.bias'"),
        ("linear", (("noise.name", "pare"),), {}, r"unknown noise model 'pare'\n  where: --set noise.name"),
        ("linear", (("noise.name", "annotators"),), {}, r"people: field required\n  where: --set noise.people"),
        ("label-smoothing", (("model.name", "tower"),), {}, r"depth: field required\n  where: --set model.depth"),
    ],
)
def test_mistakes(
    request_of: Read,
    third_party: Registry,
    name: str,
    settings: tuple[Any, ...],
    words: dict[str, Any],
    message: str,
) -> None:
    with pytest.raises(LsnError, match=message):
        request_of(name, *settings, components=third_party, **words)


def test_a_name_of_two_kinds_is_told_by_its_kind(request_of: Read, third_party: Registry) -> None:
    for word, kind in (("loss", "loss"), ("noise", "noise model")):
        request = request_of("twin", kind=word, components=third_party)
        assert request.kind.component == kind
        assert request.command("quick") == f"lsn battery twin --kind {word} --profile quick"


#: Label smoothing is better by about three points at every seed, the corrections by none.
GAINS = (0.02, 0.03, 0.04, 0.03, 0.035)


def made_up(spec: RunSpec, worse: bool = False) -> dict[str, float]:
    loss = spec.loss if spec.teacher is None else spec.teacher.loss
    gain = GAINS[spec.seed] * (-1 if worse else 1) if loss.name == "label-smoothing" else 0.0
    return {
        "test_accuracy": 0.8 + 0.01 * spec.seed + gain,
        "test_ece_100": 0.1 - gain,
        "test_ece_15": 0.1,
        "test_nll": 1.0,
        "train_accuracy_full_true": 0.8,
        "train_accuracy_clean_true": 0.8,
        "train_accuracy_noisy_true": 0.8 + gain,
        "train_accuracy_noisy_given": 0.5 - gain,
    }


def outcome_with(
    request: BatteryRequest, results: Any, metrics: Callable[[RunSpec], dict[str, float]] = made_up
) -> BatteryOutcome:
    for recipe in resolved(request).values():
        results.metrics.update({spec.key: metrics(spec) for spec in recipe.specs()})
    return outcome_of(request, results, request.components)


def verdicts(outcome: BatteryOutcome) -> dict[str, str]:
    return {result.claim.id: result.verdict for result in outcome.claims.claims}


def test_the_paper_s_findings_are_tested_under_a_noise_model(request_of: Read, results: Any) -> None:
    outcome = outcome_with(request_of("pair"), results)
    found = verdicts(outcome)
    assert found["smoothing-denoises"] == "supported"
    assert found["noisy-part-improves"] == found["noise-fitted-less"] == "supported"
    assert found["clean-part-improves"] == "undecided"
    assert found["small-alpha-calibrates"] == found["smoothed-teacher-helps"] == "supported"
    # By the made-up numbers smoothing is ahead of forward correction whatever α, and lowers the error with large α.
    assert found["forward-best-with-large-alpha"] == found["large-alpha-miscalibrates"] == "contradicted"
    assert found["corrected-teacher-helps"] == "undecided"
    settings = {result.claim.id: result.settings for result in outcome.claims.claims}
    # Three α at each of two rates; nothing is said of runs without noise.
    assert len(settings["smoothing-denoises"]) == 6
    assert all(setting.statistics.n == 5 for each in settings.values() for setting in each)
    # The words are the paper's, and so are the columns.
    assert {result.claim.statement for result in outcome.claims.claims} <= {claim.statement for claim in CLAIMS}
    assert outcome.title == "The paper's claims, tested: under the noise model pair"
    assert blocks(outcome.claims)[0].columns[:2] == ("claim", "what the paper finds")
    assert outcome.claims.fill == ()


def test_findings_on_what_is_left_out_are_named(request_of: Read, results: Any, third_party: Registry) -> None:
    outcome = outcome_with(request_of("annotators", ("noise.people", 3), components=third_party), results)
    assert set(verdicts(outcome)) == {
        *("smoothing-denoises", "clean-part-improves", "noisy-part-improves", "noise-fitted-less"),
        *("small-alpha-calibrates", "large-alpha-miscalibrates", "smoothed-teacher-helps"),
    }
    told = " ".join(outcome.claims.notes)
    assert "has no transition matrix" in told
    assert "forward-alpha-above-noise" in told
    assert [len(table.rows) for table in outcome.tables.values()] == [4, 4, 4, 2]
    assert [len(table.columns) for table in outcome.tables.values()] == [1, 4, 3, 1]
    for table in outcome.tables.values():
        assert any("has no transition matrix" in note.text for note in table.footnotes)
        assert {cell.status for cell in table.cells} == {"complete"}
    for format in ("rich", "md", "latex", "json"):
        assert "annotators" in as_text(outcome, format, third_party)


def test_one_choice_does_not_speak_for_another(request_of: Read, results: Any, third_party: Registry) -> None:
    def one_loses(spec: RunSpec) -> dict[str, float]:
        return made_up(spec, spec.model.params["depth"] == 3)

    request = request_of("tower", ("model.depth", [2, 3]), components=third_party)
    outcome = outcome_with(request, results, one_loses)
    found = verdicts(outcome)
    assert found["smoothing-denoises depth=2"] == found["smoothed-teacher-helps depth=2"] == "supported"
    assert found["smoothing-denoises depth=3"] == found["smoothed-teacher-helps depth=3"] == "contradicted"
    assert outcome.title.endswith("with the architecture tower depth=2, tower depth=3")
    assert "Data digits; architecture tower; noise and training of the recipe quickstart." in outcome.claims.notes


def test_the_profile_is_where_it_has_results(request_of: Read, results: Any) -> None:
    request = request_of("linear", data=["cifar10"])
    quick = {part: resolve(loaded) for part, loaded in request.recipes("quick").items()}
    own = candidate_keys(request, quick)
    assert own == {spec.key for recipe in quick.values() for spec in recipe.specs()}
    results.metrics.update({key: {"test_accuracy": 0.5} for key in own})
    assert outcome_of(request, results, request.components).profile == "quick"


def test_the_command_for_what_is_missing(request_of: Read, third_party: Registry) -> None:
    request = request_of("annotators", ("noise.people", [2, 3]), components=third_party)
    outcome = outcome_of(request, None, third_party)
    assert outcome.claims.fill == ("lsn battery annotators --set 'noise.people=[2, 3]'",)
