"""What is asked of the battery: the loss and its parameters, the setting, and mistakes in them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lsncli.battery.possible import PARTS
from lsncli.battery.request import BatteryRequest
from lsncli.errors import LsnError
from lsncli.plan import Plan
from lsncli.recipe.loading import Overrides, load
from lsncli.recipe.resolve import ResolvedRecipe, resolve

Read = Callable[..., BatteryRequest]


def resolved(request: BatteryRequest, profile: str | None = None) -> dict[str, ResolvedRecipe]:
    return {part: resolve(loaded) for part, loaded in request.recipes(profile).items()}


def keys(*recipes: str, profile: str | None = None) -> set[str]:
    """The runs of shipped recipes, teachers and the like included."""
    specs = [s for name in recipes for s in resolve(load(name, Overrides(profile=profile))).specs()]
    return set(Plan.of(specs).keys())


def methods(recipe: ResolvedRecipe, request: BatteryRequest, **at: Any) -> set[str]:
    """The runs of the paper's methods at these coordinates (dots written as two underscores)."""
    wanted = {key.replace("__", "."): value for key, value in at.items()}
    return {
        spec.key
        for variant in recipe.variants
        if variant.coordinates["label"] not in request.labels()
        and all(variant.coordinates[k] == v for k, v in wanted.items())
        for spec in variant.specs
    }


def test_the_paper_s_methods_are_those_of_its_tables(request_of: Read) -> None:
    """At the paper's noise every run of the paper's methods is one of a table or figure, in all profiles."""
    request = request_of("label-smoothing", ("loss.alpha", 0.7), data=["cifar100"])
    for profile in ("paper", "quick", "smoke"):
        parts = resolved(request, profile)
        assert set(parts) == set(PARTS)
        assert methods(parts["accuracy"], request, noise__rate=0.2) <= keys("figure2", profile=profile)
        assert methods(parts["denoising"], request) <= keys("figure2", profile=profile)
        assert methods(parts["calibration"], request) <= keys("figure2", profile=profile)
        assert methods(parts["distillation"], request) <= keys("table5", profile=profile)


def test_on_digits_they_are_those_of_the_quick_start(request_of: Read) -> None:
    request = request_of("label-smoothing", ("loss.alpha", 0.7))
    parts = resolved(request)
    for rate in (0.2, 0.4):
        found = methods(parts["accuracy"], request, noise__rate=rate)
        assert len(found) == 10 * 5  # standard, and three methods at three α, over five seeds
        assert found <= keys("quickstart")


def test_a_teacher_is_trained_once(request_of: Read) -> None:
    parts = resolved(request_of("label-smoothing", ("loss.alpha", 0.7)))
    accuracy = {spec.key for spec in parts["accuracy"].specs()}
    taught = [spec.teacher for spec in parts["distillation"].specs()]
    assert all(teacher is not None and teacher.key in accuracy for teacher in taught)
    assert {spec.loss.name for spec in parts["distillation"].specs()} == {"standard"}


def test_a_loss_that_estimates_its_matrix(request_of: Read) -> None:
    parts = resolved(request_of("forward-correction", ("loss.transition", "estimated"), profile="smoke"))
    assert set(parts) == set(PARTS)
    own = next(v for v in parts["accuracy"].variants if v.coordinates["noise.rate"] == 0.2).specs[0]
    student = parts["distillation"].variants[0].specs[0]
    assert own.transition is not None
    assert student.teacher is not None
    assert student.teacher.key == own.key


def test_a_list_is_a_row_for_each_of_its_values(request_of: Read) -> None:
    request = request_of("label-smoothing", ("loss.alpha", [0.6, 0.7]))
    assert [c.label for c in request.chosen] == ["label-smoothing alpha=0.6", "label-smoothing alpha=0.7"]
    labels = [v.coordinates["label"] for v in resolved(request)["distillation"].variants]
    assert labels[:2] == [c.label for c in request.chosen]


def test_a_list_that_the_parameter_takes_is_one_value(request_of: Read) -> None:
    rows = [[0.9 if i == j else 0.1 / 9 for j in range(10)] for i in range(10)]
    request = request_of("smearing", ("loss.matrix", rows))
    assert len(request.chosen) == 1
    assert request.chosen[0].params["matrix"] == rows


def test_settings_of_all_runs(request_of: Read) -> None:
    request = request_of("label-smoothing", ("train.steps", 7), ("noise.rate", [0.1, 0.3]), seeds=2)
    parts = resolved(request)
    for recipe in parts.values():
        assert {spec.train.steps for spec in recipe.specs()} == {7}
        assert {spec.noise.params["rate"] for spec in recipe.specs()} == {0.1, 0.3}
        assert {spec.seed for spec in recipe.specs()} == {0, 1}
    assert {s.loss.params.get("alpha") for s in parts["accuracy"].specs() if s.loss.name == "label-smoothing"} >= {
        0.2
    }


def test_only_leaves_out_parts_without_a_run(request_of: Read) -> None:
    parts = request_of("label-smoothing", only=(("noise.rate", 0.4),)).recipes()
    assert set(parts) == {"accuracy"}
    with pytest.raises(LsnError, match="no run of the recipe is left"):
        request_of("label-smoothing", only=(("label", "nothing"),)).recipes()


def test_a_base_of_the_user_s_own(request_of: Read, tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(
        'title = "Mine"\nseeds = [3]\n[data]\nname = "digits"\ntrain_size = 50\n[noise]\nname = "pair"\n'
        '[model]\nname = "linear"\n[train]\nsteps = 9\nbatch_size = 10\n[sweep]\n"noise.rate" = [0.5]\n'
        "[profiles.tiny.train]\nsteps = 3\n"
    )
    request = request_of(base=str(path), profile="tiny", parts=["accuracy"])
    specs = resolved(request)["accuracy"].specs()
    assert {(s.data.train_size, s.noise.name, s.model.name, s.train.steps, s.seed) for s in specs} == {
        (50, "pair", "linear", 3, 3)
    }


def test_another_data_set_has_none_of_the_base_s_parameters(request_of: Read) -> None:
    request = request_of(data=["digits=drawn"], profile="smoke", parts=["calibration"])
    data = {(s.data.name, s.data.train_size) for s in resolved(request)["calibration"].specs()}
    assert data == {("drawn", 200)}


@pytest.mark.parametrize(
    ("data", "params"),
    [("cifar10", {"size": 16}), ("drawn", {}), ("imagenet", {}), ("cifar10=drawn", {})],
)
def test_another_data_set_has_none_of_the_base_s_profile_either(
    request_of: Read, data: str, params: dict[str, Any]
) -> None:
    """The base is Table 7, on CIFAR-100, whose quick profile says how large its images are."""
    request = request_of("label-smoothing", data=[data], profile="quick")
    for part in resolved(request).values():
        assert {(s.data.name, s.data.train_size) for s in part.specs()} == {(data.partition("=")[2] or data, 5000)}
        assert all(s.data.params == params for s in part.specs())


@pytest.mark.parametrize(
    ("loss", "settings", "words", "message"),
    [
        (
            "label-smothing",
            (),
            {},
            r"unknown loss, noise model or arch[\s\S]*did you mean 'label-smoothing' \(loss\)",
        ),
        ("standard", (), {}, "what the battery compares with"),
        ("label-smoothing", (("loss.alpa", 0.1),), {}, r"alpa[\s\S]*--set loss.alpa"),
        ("label-smoothing", (("loss.alpha", "much"),), {}, "alpha"),
        ("label-smoothing", (("loss.alpha", [0.1, 7]),), {}, "alpha"),
        ("label-smoothing", (("loss.name", "standard"),), {}, "the battery decides that itself"),
        ("label-smoothing", (("teacher.loss.alpha", 0.1),), {}, "the battery decides that itself"),
        ("label-smoothing", (("title", "mine"),), {}, "the battery decides that itself"),
        ("label-smoothing", (("alpha", 0.3),), {}, r"no such key[\s\S]*did you mean 'loss.alpha'"),
        ("label-smoothing", (("nois.rate", 0.3),), {}, r"no such key[\s\S]*did you mean 'noise'"),
        # What is refused is not said to be valid.
        ("label-smoothing", (("zzz", 1),), {}, r"valid: loss.alpha, [^\n]*seeds$"),
        ("label-smoothing", (("zzz", 1),), {}, r"valid: (?![^\n]*(teacher|sweep|report|table))"),
        ("label-smoothing", (), {"parts": ["acuracy"]}, "did you mean 'accuracy'"),
        ("label-smoothing", (), {"data": ["digits", "cifar10"]}, "--data is given 2 times"),
        ("label-smoothing", (), {"data": ["digits="]}, "NAME or NAME=OTHER"),
    ],
)
def test_mistakes(
    request_of: Read, loss: str, settings: tuple[Any, ...], words: dict[str, Any], message: str
) -> None:
    with pytest.raises(LsnError, match=message):
        request_of(loss, *settings, **words)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"base": "no-such-recipe"}, "no-such-recipe"),
        ({"base": "paper"}, "collection"),
        ({"profile": "fast"}, "unknown profile 'fast'"),
        ({"settings": (("train.stepps", 3),)}, "stepps"),
    ],
)
def test_mistakes_in_the_setting(request_of: Read, words: dict[str, Any], message: str) -> None:
    settings = words.pop("settings", ())
    with pytest.raises(LsnError, match=message):
        resolved(request_of("label-smoothing", *settings, **words))


def test_the_command_that_trains_the_rest(request_of: Read) -> None:
    request = request_of(
        "label-smoothing",
        ("loss.alpha", [0.6, 0.7]),
        ("train.steps", 7),
        data=["cifar10=my images"],
        parts=["calibration", "accuracy"],
        seeds=2,
        only=(("noise.rate", 0.2),),
    )
    assert request.command("quick", ["--db", "x.db"]) == (
        "lsn battery label-smoothing --set 'loss.alpha=[0.6, 0.7]' --set train.steps=7 --data 'cifar10=my images'"
        " --part accuracy --part calibration --profile quick --only noise.rate=0.2 --seeds 2 --db x.db"
    )
