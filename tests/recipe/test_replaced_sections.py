"""``--set`` and the sweep's axes where a case replaces the section that they change."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lsncli.errors import LsnError
from lsncli.recipe.loading import Overrides, load
from lsncli.recipe.resolve import ResolvedRecipe, resolve

BASE = """\
title = "Test"
seeds = [0]

[data]
name = "digits"

[noise]
name = "symmetric"
rate = 0.2

[model]
name = "mlp"

[train]
steps = 100
"""

CASES = """
[[sweep.case]]
label = "CE"
loss = { name = "standard" }

[[sweep.case]]
label = "LS"
loss = { name = "label-smoothing" }

[[sweep.case]]
label = "FC"
loss = { name = "forward-correction", alpha = 0.1 }
"""


def resolved(tmp_path: Path, text: str, *settings: tuple[str, Any]) -> ResolvedRecipe:
    path = tmp_path / "recipe.toml"
    path.write_text(text)
    return resolve(load(str(path), Overrides(settings=settings)))


def losses(recipe: ResolvedRecipe) -> list[tuple[str, dict[str, Any]]]:
    return [(spec.loss.name, dict(spec.loss.params)) for spec in recipe.specs()]


def test_a_setting_reaches_the_losses_that_have_the_parameter(tmp_path: Path) -> None:
    assert losses(resolved(tmp_path, BASE + CASES, ("loss.alpha", 0.3))) == [
        ("standard", {}),
        ("label-smoothing", {"alpha": 0.3}),
        ("forward-correction", {"alpha": 0.3}),
    ]


def test_a_setting_that_no_run_has_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LsnError, match=r"--set loss.alfa: no run of the recipe[\s\S]*valid: alpha, floor"):
        resolved(tmp_path, BASE + CASES, ("loss.alfa", 0.3))


def test_a_setting_reaches_a_teacher_that_only_some_runs_have(tmp_path: Path) -> None:
    taught = BASE + CASES + '[[sweep.case]]\nlabel = "taught"\n"teacher.loss" = { name = "label-smoothing" }\n'
    teachers = [s.teacher for s in resolved(tmp_path, taught, ("teacher.loss.alpha", 0.3)).specs()]
    assert teachers[:3] == [None, None, None]
    assert teachers[3] is not None
    assert teachers[3].loss.params == {"alpha": 0.3}


def test_what_a_teacher_does_not_say_is_the_students(tmp_path: Path) -> None:
    taught = BASE + '[[sweep.case]]\nloss = { name = "label-smoothing" }\nteacher = { train = { steps = 7 } }\n'
    (spec,) = resolved(tmp_path, taught, ("teacher.loss.alpha", 0.3)).specs()
    assert spec.teacher is not None
    assert (spec.loss.params, spec.teacher.loss.params, spec.teacher.train.steps) == ({}, {"alpha": 0.3}, 7)


def test_a_setting_reaches_an_optimizer_that_a_case_replaces(tmp_path: Path) -> None:
    text = BASE + '[[sweep.case]]\n"train.optimizer" = { name = "sgd", momentum = 0.5 }\n'
    (spec,) = resolved(tmp_path, text, ("train.optimizer.lr", 0.3)).specs()
    assert spec.train.optimizer.params == {"momentum": 0.5, "lr": 0.3}


def test_a_setting_changes_the_tables_of_an_axis_and_their_place(tmp_path: Path) -> None:
    axis = '[sweep]\nloss = [{ name = "standard" }, { name = "label-smoothing", alpha = 0.2 }]\n'
    recipe = resolved(tmp_path, BASE + axis, ("loss.alpha", 0.3))
    assert losses(recipe) == [("standard", {}), ("label-smoothing", {"alpha": 0.3})]
    assert recipe.variants[1].coordinates == {"loss": {"name": "label-smoothing", "alpha": 0.3}}


def test_an_axis_reaches_the_losses_of_the_cases(tmp_path: Path) -> None:
    axis = '\n[sweep]\n"loss.alpha" = [0.2, 0.4]\n'
    recipe = resolved(tmp_path, BASE + axis + CASES.replace(", alpha = 0.1", ""))
    assert losses(recipe) == [
        ("standard", {}),
        ("label-smoothing", {"alpha": 0.2}),
        ("forward-correction", {"alpha": 0.2}),
        ("standard", {}),
        ("label-smoothing", {"alpha": 0.4}),
        ("forward-correction", {"alpha": 0.4}),
    ]
    assert [v.coordinates["loss.alpha"] for v in recipe.variants] == [0.2] * 3 + [0.4] * 3


def test_a_setting_changes_an_axis_and_the_cases_that_sweep_the_key_themselves(tmp_path: Path) -> None:
    own = CASES.replace(", alpha = 0.1 }", ' }\nsweep = { "loss.alpha" = [0.5] }')
    text = f'{BASE}\n[sweep]\n"loss.alpha" = [0.2]\n{own}'
    expected = [("standard", {}), ("label-smoothing", {"alpha": 0.2}), ("forward-correction", {"alpha": 0.5})]
    assert losses(resolved(tmp_path, text)) == expected
    assert losses(resolved(tmp_path, text, ("loss.alpha", 0.7))) == [
        ("standard", {}),
        ("label-smoothing", {"alpha": 0.7}),
        ("forward-correction", {"alpha": 0.7}),
    ]


def test_an_axis_reaches_the_losses_that_a_case_sweeps(tmp_path: Path) -> None:
    inner = 'sweep = { loss = [{ name = "label-smoothing" }, { name = "forward-correction" }] }'
    text = f'{BASE}\n[sweep]\n"loss.alpha" = [0.2]\n[[sweep.case]]\n{inner}\n'
    recipe = resolved(tmp_path, text)
    assert losses(recipe) == [("label-smoothing", {"alpha": 0.2}), ("forward-correction", {"alpha": 0.2})]
    with pytest.raises(LsnError, match=r"a case sets loss\.alpha = 0\.4, where the sweep's own axis says 0\.2"):
        resolved(tmp_path, text.replace('"forward-correction" }', '"forward-correction", alpha = 0.4 }'))


def test_a_part_of_a_section_is_swept_whatever_the_order_of_the_axes(tmp_path: Path) -> None:
    axes = '\n[sweep]\n"loss.alpha" = [0.2, 0.4]\nloss = [{ name = "label-smoothing" }]\n'
    assert [params for _, params in losses(resolved(tmp_path, BASE + axes))] == [{"alpha": 0.2}, {"alpha": 0.4}]


@pytest.mark.parametrize(
    ("axis", "case"),
    [
        ('"noise.rate" = [0.2, 0.4]', 'noise = { name = "symmetric", rate = 0.2 }'),
        ('"noise.rate" = [0.2, 0.4]', '"noise.rate" = 0.2'),
        ('loss = [{ name = "label-smoothing", alpha = 0.4 }]', '"loss.alpha" = 0.2'),
    ],
)
def test_a_case_that_contradicts_an_axis_is_refused(tmp_path: Path, axis: str, case: str) -> None:
    with pytest.raises(LsnError, match=r"a case sets .* where the sweep's own axis says [\s\S]*recipe\.toml:18"):
        resolved(tmp_path, f"{BASE}\n[sweep]\n{axis}\n[[sweep.case]]\n{case}\n")


def test_a_case_may_say_what_its_place_in_the_report_is(tmp_path: Path) -> None:
    case = '[[sweep.case]]\nat = { "noise.rate" = 0.0 }\nnoise = { name = "none" }\n'
    recipe = resolved(tmp_path, f'{BASE}\n[sweep]\n"noise.rate" = [0.2]\n{case}')
    assert [(v.coordinates, v.specs[0].noise.name) for v in recipe.variants] == [({"noise.rate": 0.0}, "none")]


NOISES = """
[[sweep.case]]
label = "symmetric"
noise = { name = "symmetric", rate = 0.2 }

[[sweep.case]]
label = "pair"
noise = { name = "pair", rate = 0.2 }
"""


def test_an_axis_of_the_sections_own_key_reaches_the_components_of_the_cases(tmp_path: Path) -> None:
    recipe = resolved(tmp_path, f'{BASE}\n[sweep]\n"noise.seed" = [5, 6]\n{NOISES}')
    assert [(spec.noise.name, spec.noise.seed) for spec in recipe.specs()] == [
        ("symmetric", 5),
        ("pair", 5),
        ("symmetric", 6),
        ("pair", 6),
    ]
    assert len({spec.key for spec in recipe.specs()}) == 4


@pytest.mark.parametrize("key", ["train_size", "test_size", "validation_size", "subset_seed"])
def test_a_setting_of_the_data_sections_own_keys_reaches_every_case(tmp_path: Path, key: str) -> None:
    cases = '[[sweep.case]]\nlabel = "a"\n[[sweep.case]]\nlabel = "b"\ndata = { name = "digits", train_size = 5 }\n'
    text = BASE.replace('name = "digits"', 'name = "digits"\ntrain_size = 50') + cases
    assert [getattr(spec.data, key) for spec in resolved(tmp_path, text, (f"data.{key}", 9)).specs()] == [9, 9]


def test_a_setting_of_the_sections_own_keys_reaches_the_tables_of_an_axis(tmp_path: Path) -> None:
    noises = '[sweep]\nnoise = [{ name = "symmetric", rate = 0.2 }, { name = "pair", rate = 0.2 }]\n'
    assert [s.noise.seed for s in resolved(tmp_path, BASE + noises, ("noise.seed", 3)).specs()] == [3, 3]
    sets = '[sweep]\ndata = [{ name = "digits" }, { name = "digits", train_size = 500 }]\n'
    recipe = resolved(tmp_path, BASE + sets, ("data.validation_size", 100))
    assert [(s.data.train_size, s.data.validation_size) for s in recipe.specs()] == [(None, 100), (500, 100)]


def test_a_setting_of_the_sections_own_keys_reaches_a_teacher(tmp_path: Path) -> None:
    taught = "[[sweep.case]]\nteacher = { data = { train_size = 60 }, noise = { rate = 0.1 } }\n"
    settings = (("teacher.noise.seed", 3), ("teacher.data.subset_seed", 4))
    (spec,) = resolved(tmp_path, BASE + taught, *settings).specs()
    assert spec.teacher is not None
    assert (spec.teacher.noise.seed, spec.teacher.data.subset_seed) == (3, 4)


def test_a_refused_setting_is_told_the_sections_own_keys(tmp_path: Path) -> None:
    with pytest.raises(LsnError, match=r"--set noise.sead: no run of the recipe[\s\S]*valid: count, rate, seed"):
        resolved(tmp_path, BASE + NOISES, ("noise.sead", 3))


def test_an_axis_that_no_run_has_is_refused(tmp_path: Path) -> None:
    text = f'{BASE}\n[sweep]\n"loss.alfa" = [0.2, 0.4]\n{CASES}'
    with pytest.raises(LsnError, match=r"the axis 'loss\.alfa' of the sweep: no run") as caught:
        resolved(tmp_path, text)
    assert str(caught.value.where).endswith("recipe.toml:18, key 'sweep.loss.alfa'")
    assert caught.value.valid == "alpha, floor, matrix, transition"


def test_a_case_without_all_that_an_axis_says_of_its_component_is_refused(tmp_path: Path) -> None:
    tables = ", ".join(f'{{ name = "label-smoothing", alpha = {alpha} }}' for alpha in (0.1, 0.2))
    case = '[[sweep.case]]\nloss = { name = "label-smoothing" }\n'
    with pytest.raises(LsnError, match=r"a case sets loss = .* where the sweep's own axis says"):
        resolved(tmp_path, f"{BASE}\n[sweep]\nloss = [{tables}]\n{case}")


def test_a_case_may_say_a_part_of_a_section_before_its_table(tmp_path: Path) -> None:
    case = '[[sweep.case]]\n"loss.alpha" = 0.4\n"train.steps" = 7\n[sweep.case.loss]\nname = "label-smoothing"\n'
    text = f"{BASE}{case}[sweep.case.train]\nbatch_size = 8\nsteps = 50\n"
    (spec,) = resolved(tmp_path, text).specs()
    assert (spec.loss.params, spec.train.steps, spec.train.batch_size) == ({"alpha": 0.4}, 7, 8)
    (changed,) = resolved(tmp_path, text, ("loss.alpha", 0.17), ("train.steps", 9)).specs()
    assert (changed.loss.params, changed.train.steps, changed.train.batch_size) == ({"alpha": 0.17}, 9, 8)


TAUGHT = """
[[sweep.case]]
label = "untaught"
loss = { name = "standard" }

[[sweep.case]]
label = "by a table"
teacher = { loss = { name = "standard" } }

[[sweep.case]]
label = "by a dotted key"
"teacher.loss" = { name = "label-smoothing", alpha = 0.2 }

[[sweep.case]]
label = "by an axis"
sweep = { "teacher.train.steps" = [50] }
"""


def test_a_setting_reaches_every_teacher_however_a_case_brings_it_in(tmp_path: Path) -> None:
    settings = (("teacher.seed", 7), ("teacher.train.steps", 5), ("teacher.loss.alpha", 0.3))
    taught = [spec.teacher for spec in resolved(tmp_path, BASE + TAUGHT, *settings).specs()]
    assert taught.pop(0) is None
    assert [(t.seed, t.train.steps, t.loss.name, t.loss.params) for t in taught if t] == [
        (7, 5, "standard", {}),
        (7, 5, "label-smoothing", {"alpha": 0.3}),
        (7, 5, "standard", {}),
    ]


def test_a_setting_of_a_shipped_recipe_reaches_its_teachers() -> None:
    plan = resolve(load("table5", Overrides(profile="smoke", settings=(("teacher.seed", 0),))))
    assert {(spec.seed, spec.teacher.seed) for spec in plan.specs() if spec.teacher} == {(0, 0), (1, 0)}


def test_a_setting_reaches_the_run_behind_every_transition(tmp_path: Path) -> None:
    cases = """
[loss]
name = "forward-correction"
transition = "estimated"
[[sweep.case]]
transition = { estimator = { name = "anchor", percentile = 97.0 } }
[[sweep.case]]
"transition.estimator" = { name = "anchor", percentile = 99.0 }
"""
    recipe = resolved(tmp_path, BASE + cases, ("transition.run.train.steps", 5))
    assert [s.transition.run.train.steps for s in recipe.specs() if s.transition and s.transition.run] == [5, 5]


def test_a_setting_of_a_whole_teacher_changes_what_a_case_says_of_its_tables(tmp_path: Path) -> None:
    value = {"loss": {"name": "label-smoothing", "alpha": 0.3}, "seed": 4}
    recipe = resolved(tmp_path, BASE + TAUGHT, ("teacher", value))
    taught = [spec.teacher for spec in recipe.specs() if spec.teacher]
    assert [(t.seed, t.train.steps, t.loss.params) for t in taught] == [
        (4, 100, {"alpha": 0.3}),
        (4, 100, {"alpha": 0.3}),
        (4, 50, {"alpha": 0.3}),
    ]


def test_a_setting_of_a_teachers_section_is_laid_around_what_a_case_says_of_its_parts(tmp_path: Path) -> None:
    case = '[[sweep.case]]\n"teacher.train.steps" = 7\n'
    (spec,) = resolved(tmp_path, BASE + case, ("teacher.train", {"batch_size": 8})).specs()
    assert spec.teacher is not None
    assert (spec.teacher.train.steps, spec.teacher.train.batch_size) == (7, 8)


@pytest.mark.parametrize("settings", [(("teacher", 5),), ()])
def test_a_teacher_that_is_no_table_is_told(tmp_path: Path, settings: tuple[tuple[str, Any], ...]) -> None:
    sweep = '[[sweep.case]]\n"teacher.seed" = 1\n' if settings else "[sweep]\nteacher = [5]\n"
    with pytest.raises(LsnError, match="teacher: a table is expected"):
        resolved(tmp_path, BASE + sweep, *settings)


def test_a_setting_does_not_cover_up_what_should_be_a_table(tmp_path: Path) -> None:
    with pytest.raises(LsnError, match="transition: a table is expected"):
        resolved(tmp_path, f"{BASE}[sweep]\ntransition = [{{}}, 5]\n", ("transition.run.train.steps", 6))


def test_what_a_case_says_reaches_the_tables_that_it_sweeps(tmp_path: Path) -> None:
    tables = '[{ name = "standard" }, { name = "label-smoothing" }, { name = "forward-correction", alpha = 0.1 }]'
    text = f'{BASE}[[sweep.case]]\n"loss.alpha" = 0.4\nsweep = {{ loss = {tables} }}\n'
    assert losses(resolved(tmp_path, text)) == [
        ("standard", {}),
        ("label-smoothing", {"alpha": 0.4}),
        ("forward-correction", {"alpha": 0.1}),
    ]
    assert losses(resolved(tmp_path, text, ("loss.alpha", 0.3))) == [
        ("standard", {}),
        ("label-smoothing", {"alpha": 0.3}),
        ("forward-correction", {"alpha": 0.3}),
    ]
