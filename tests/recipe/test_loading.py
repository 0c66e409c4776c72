"""Reading recipes: profiles, overrides, and what a mistake says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lsncli.errors import LsnError
from lsncli.recipe.loading import (
    LoadedRecipe,
    Overrides,
    load,
    merge,
    parse_setting,
    shipped_recipes,
    training_recipes,
)
from lsncli.recipe.location import line_of
from lsncli.recipe.resolve import ResolvedRecipe, resolve
from lsncli.registry import Origin, Plugin, Registry

BASE = """\
title = "Test"
seeds = [3, 4]

[data]
name = "digits"

[noise]
name = "symmetric"
rate = 0.2

[model]
name = "mlp"

[loss]
name = "label-smoothing"
alpha = 0.3

[train]
steps = 100
batch_size = 32

[profiles.quick.train]
steps = 10
"""


def write(tmp_path: Path, text: str) -> str:
    path = tmp_path / "recipe.toml"
    path.write_text(text)
    return str(path)


def resolved(tmp_path: Path, text: str, **overrides: object) -> ResolvedRecipe:
    return resolve(load(write(tmp_path, text), Overrides(**overrides)))  # type: ignore[arg-type]


def loaded(tmp_path: Path, text: str, **overrides: object) -> LoadedRecipe:
    return load(write(tmp_path, text), Overrides(**overrides))  # type: ignore[arg-type]


def test_a_byte_order_mark_is_no_part_of_a_recipe(tmp_path: Path) -> None:
    path = tmp_path / "recipe.toml"
    path.write_text(BASE, encoding="utf-8-sig")
    assert load(str(path)).source.text == BASE


def test_base_is_the_paper_profile(tmp_path: Path) -> None:
    assert loaded(tmp_path, BASE).profile == "paper"
    assert loaded(tmp_path, BASE).recipe.train.steps == 100
    assert loaded(tmp_path, BASE).available_profiles() == ["paper", "quick"]


def test_profile_changes_only_what_it_says(tmp_path: Path) -> None:
    recipe = loaded(tmp_path, BASE, profile="quick").recipe
    assert (recipe.train.steps, recipe.train.batch_size) == (10, 32)


def test_a_component_of_another_name_drops_the_old_parameters() -> None:
    merged = merge({"loss": {"name": "label-smoothing", "alpha": 0.3}}, {"loss": {"name": "standard"}})
    assert merged == {"loss": {"name": "standard"}}
    kept = merge({"loss": {"name": "label-smoothing", "alpha": 0.3}}, {"loss": {"alpha": 0.5}})
    assert kept == {"loss": {"name": "label-smoothing", "alpha": 0.5}}


def test_set_goes_over_the_profile(tmp_path: Path) -> None:
    recipe = loaded(tmp_path, BASE, profile="quick", settings=(("train.steps", 7),)).recipe
    assert recipe.train.steps == 7


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a.b=1", 1),
        ("a.b=1e-3", 0.001),
        ("a.b=true", True),
        ("a.b=resnet32", "resnet32"),
        ('a.b="x"', "x"),
        ("a.b=[1, 2]", [1, 2]),
        ("a.b={x = 1}", {"x": 1}),
        ("a.b=1=2", "1=2"),
    ],
)
def test_setting_values_are_toml_or_text(text: str, value: object) -> None:
    assert parse_setting(text) == ("a.b", value)


def test_seeds_are_the_first_ones_then_unused_ones(tmp_path: Path) -> None:
    assert loaded(tmp_path, BASE, seeds=1).recipe.seeds == [3]
    assert loaded(tmp_path, BASE, seeds=4).recipe.seeds == [3, 4, 0, 1]


def test_noise_follows_the_seed_unless_told(tmp_path: Path) -> None:
    specs = resolved(tmp_path, BASE).specs()
    assert [(s.seed, s.noise.seed) for s in specs] == [(3, 3), (4, 4)]
    fixed = resolved(tmp_path, BASE.replace("rate = 0.2", "rate = 0.2\nseed = 11")).specs()
    assert [(s.seed, s.noise.seed) for s in fixed] == [(3, 11), (4, 11)]


def test_parameters_equal_to_their_default_leave_the_spec(tmp_path: Path) -> None:
    one = resolved(tmp_path, BASE.replace("alpha = 0.3", "alpha = 0.1")).specs()[0]
    same = resolved(tmp_path, BASE.replace("alpha = 0.3", "")).specs()[0]
    assert one.key == same.key


def test_data_replacement(tmp_path: Path) -> None:
    text = BASE.replace('"digits"', '"cifar10"')
    assert resolved(tmp_path, text, data={"cifar10": "my-images"}).specs()[0].data.name == "my-images"
    assert resolved(tmp_path, text, data={"cifar10": "my-images"}).variants[0].replaced_data == "cifar10"
    with pytest.raises(LsnError, match=r"unknown data set of the recipe 'cifra10'[\s\S]*did you mean 'cifar10'"):
        resolved(tmp_path, text, data={"cifra10": "my-images"})


def test_data_replacement_of_a_set_that_only_leaves_out(tmp_path: Path) -> None:
    text = BASE.replace('"digits"', '"cifar10"') + '\n[sweep]\n"data.name" = ["cifar10", "cifar100"]\n'
    data = {"cifar10": "my-images", "cifar100": "my-hundred"}
    specs = resolved(tmp_path, text, data=data, only=(("data.name", "cifar10"),)).specs()
    assert {spec.data.name for spec in specs} == {"my-images"}


def test_data_replacement_keeps_the_subset_and_drops_the_other_sets_parameters(tmp_path: Path) -> None:
    text = BASE.replace('name = "digits"', 'name = "imagenet"\nsize = 32\ntrain_size = 50')
    spec = resolved(tmp_path, text, data={"imagenet": "my-images"}).specs()[0].data
    assert (spec.name, spec.train_size, spec.params) == ("my-images", 50, {})


def test_data_replacement_by_a_set_without_a_swept_parameter_is_refused(tmp_path: Path) -> None:
    text = BASE.replace('name = "digits"', 'name = "cifar10"') + '[sweep]\n"data.size" = [16, 32]\n'
    plan = resolved(tmp_path, text, data={"cifar10": "cifar100"})
    # 32 is the default.
    assert [variant.specs[0].data.params for variant in plan.variants] == [{"size": 16}, {}]
    with pytest.raises(LsnError, match=r"sweeps .data\.size.[\s\S]*--data cifar10=digits"):
        resolved(tmp_path, text, data={"cifar10": "digits"})


def test_data_replacement_by_a_set_of_the_same_parameters_keeps_them(tmp_path: Path) -> None:
    text = BASE.replace('name = "digits"', 'name = "cifar100"\nsize = 16')
    spec = resolved(tmp_path, text, data={"cifar100": "cifar10"}).specs()[0].data
    assert (spec.name, spec.params) == ("cifar10", {"size": 16})
    # ImageNet's size is another parameter, of the same name.
    spec = resolved(tmp_path, text, data={"cifar100": "imagenet"}).specs()[0].data
    assert (spec.name, spec.params) == ("imagenet", {})


@pytest.mark.parametrize("section", ["size = 16", 'name = "cifar10"\nsize = 16'])
def test_data_replacement_drops_the_parameters_of_a_teachers_data(tmp_path: Path, section: str) -> None:
    text = BASE.replace('"digits"', '"cifar10"') + f"\n[teacher.data]\n{section}\ntrain_size = 70\n"
    spec = resolved(tmp_path, text, data={"cifar10": "my-images"}).specs()[0]
    assert spec.teacher is not None
    data = spec.teacher.data
    assert (data.name, data.train_size, data.params) == ("my-images", 70, {})


@pytest.mark.parametrize("name", ["digits", "my-images"])
def test_a_data_set_without_the_parameters_of_the_recipes(name: str) -> None:
    """Set by name it would have to take them; in the other one's place it need not."""
    with pytest.raises(LsnError, match=f"'{name}' has no parameter 'size'") as caught:
        resolve(load("table7", Overrides(profile="quick", settings=(("data.name", name),))))
    assert "profiles.quick.data.size" in str(caught.value)
    assert f"--data OLD={name}" in str(caught.value)


def test_a_swept_data_set_without_a_parameter_is_not_told_where_it_stands_already(tmp_path: Path) -> None:
    text = BASE.replace('name = "digits"', 'name = "cifar10"\nsize = 16')
    with pytest.raises(LsnError, match="'digits' has no parameter 'size'") as caught:
        resolved(tmp_path, text + '\n[sweep]\n"data.name" = ["cifar10", "digits"]\n')
    assert "did you mean" not in str(caught.value)
    assert "data.name to one that has it: cifar10" in str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("steps = 100", "stepz = 100", ["unknown recipe key 'stepz'", "recipe.toml:19", "did you mean 'steps'"]),
        ('title = "Test"', 'titel = "Test"', ["titel", "recipe.toml:1", "title"]),
        ("steps = 100", 'steps = "many"', ["train.steps", "recipe.toml:19", "integer"]),
        ("steps = 100", "steps = 0", ["train.steps", "greater than 0"]),
        ('"mlp"', '"mpl"', ["unknown architecture 'mpl'", "recipe.toml:12", "did you mean 'mlp'"]),
        ('"label-smoothing"', '"label-smoothng"', ["unknown loss", "did you mean 'label-smoothing'"]),
        ("alpha = 0.3", "alfa = 0.3", ["no parameter 'alfa'", "recipe.toml:16", "did you mean 'alpha'"]),
        ("alpha = 0.3", "alpha = 1.0", ["loss 'label-smoothing'", "alpha", "less than 1"]),
        ("rate = 0.2", "rate = 1.5", ["noise model 'symmetric'", "rate", "less than 1"]),
        ("rate = 0.2", "rate = -0.1", ["rate", "greater than or equal to 0"]),
        ("seeds = [3, 4]", "seeds = [3, 3]", ["seed is given twice"]),
        ("seeds = [3, 4]", "seeds = []", ["seeds"]),
        ("[profiles.quick.train]\nsteps = 10", "[profiles.quick.train]\nstepz = 10", ["stepz", "profiles.quick"]),
        ("[train]", "[train", ["not a valid TOML file", "line 18"]),
        ("batch_size = 32", "batch_size = nan", ["batch_size"]),
        ("batch_size = 32", 'schedule = {name = "stair"}', ["unknown schedule 'stair'", "step"]),
        (
            "batch_size = 32",
            'optimizer = {name = "sgd", lr = -1}',
            ["optimizer 'sgd'", "lr", "greater than 0"],
        ),
    ],
)
def test_a_mistake_is_named_with_its_place(tmp_path: Path, old: str, new: str, expected: list[str]) -> None:
    with pytest.raises(LsnError) as caught:
        resolved(tmp_path, BASE.replace(old, new, 1))
    for part in expected:
        assert part in str(caught.value)


@pytest.mark.parametrize(
    ("key", "value", "where"),
    [
        ("train.steps", 0, "where: --set train.steps"),
        ("loss.alpha", 2, "where: --set loss.alpha"),
        ("loss", {"name": "label-smoothing", "alpha": 2}, "where: --set loss"),
        ("train.optimizer.lr", -1, "where: --set train.optimizer.lr"),
    ],
)
def test_a_mistake_of_the_command_line_is_not_blamed_on_the_file(
    tmp_path: Path, key: str, value: object, where: str
) -> None:
    with pytest.raises(LsnError) as caught:
        resolved(tmp_path, BASE, settings=((key, value),))
    assert where in str(caught.value).splitlines()[1]
    assert "recipe.toml" not in str(caught.value)


@pytest.mark.parametrize(
    ("said", "where"),
    [
        ('[profiles.smoke]\nmodel = { name = "resnet9" }', ":25, key 'profiles.smoke.model.name'"),
        ("[profiles.smoke.loss]\nalfa = 0.1", ":25, key 'profiles.smoke.loss.alfa'"),
        ("[profiles.smoke.loss]\nalpha = 2.0", ":25, key 'profiles.smoke.loss.alpha'"),
        ('[profiles.smoke.sweep]\n"loss.alpha" = [2.0]', ":25, key 'profiles.smoke.sweep.loss.alpha'"),
        # The profile is silent about it, or an axis of the recipe goes over it.
        ("[profiles.smoke.loss]\nfloor = 0.1", ":16, key 'loss.alpha'"),
        ('[profiles.smoke.loss]\nfloor = 0.1\n[sweep]\n"loss.alpha" = [2.0]', ":27, key 'loss.alpha'"),
    ],
)
def test_a_mistake_of_a_profile_is_not_blamed_on_the_base(tmp_path: Path, said: str, where: str) -> None:
    text = BASE.replace("alpha = 0.3", "alpha = 3.0") if where.endswith("key 'loss.alpha'") else BASE
    with pytest.raises(LsnError) as caught:
        resolved(tmp_path, f"{text}{said}\n", profile="smoke")
    assert f"recipe.toml{where}" in str(caught.value.where)


@pytest.mark.parametrize(
    ("sweep", "line", "combination"),
    [
        ('[sweep]\n"noise.rate" = [0.2, 1.5]\n', ":23", "in the sweep: noise.rate = 1.5"),
        (
            '[[sweep.case]]\nlabel = "a"\n[[sweep.case]]\nlabel = "b"\nsweep = { "noise.rate" = [0.3, 1.5] }\n',
            "",
            'in the sweep: label = "b", noise.rate = 1.5',
        ),
    ],
    ids=["axis", "case"],
)
def test_a_mistake_in_the_sweep_is_named_with_its_combination(
    tmp_path: Path, sweep: str, line: str, combination: str
) -> None:
    text = BASE.replace("\n[profiles.quick.train]", f"\n{sweep}[profiles.quick.train]")
    with pytest.raises(LsnError, match=r"rate: input should be less than 1") as caught:
        resolved(tmp_path, text)
    assert f"recipe.toml{line}" in str(caught.value)
    assert combination in str(caught.value)


@pytest.mark.parametrize(
    ("key", "value", "told"),
    [
        (
            "data",
            "digits",
            "data: a table is expected (given: 'digits')\n  where: --set data\n  next: --set data.name=digits",
        ),
        ("train.optimizer", "sgd", "next: --set train.optimizer.name=sgd"),
        ("data", 3, "data: a table is expected (given: 3)\n  where: --set data"),
        ("train", "x", "train: a table is expected (given: 'x')\n  where: --set train"),
    ],
)
def test_a_name_in_the_place_of_a_table_is_told_in_the_recipe_s_words(
    tmp_path: Path, key: str, value: object, told: str
) -> None:
    with pytest.raises(LsnError) as caught:
        loaded(tmp_path, BASE, settings=((key, value),))
    assert str(caught.value).endswith(told)


def test_a_name_in_the_place_of_a_table_in_the_file(tmp_path: Path) -> None:
    with pytest.raises(LsnError, match=r'a table is expected[\s\S]*next: data = \{ name = "digits" \}'):
        loaded(tmp_path, BASE.replace('[data]\nname = "digits"\n', "").replace("seeds", 'data = "digits"\nseeds'))
    swept = BASE.replace("\n[profiles", '\n[sweep]\nloss = ["standard"]\n[profiles')
    with pytest.raises(LsnError, match=r'a table is expected[\s\S]*next: loss = \{ name = "standard" \}'):
        resolved(tmp_path, swept)


def test_an_unknown_data_set_is_named_with_its_place(tmp_path: Path) -> None:
    from lsncli.data.catalogue import describe

    def classes(name: str) -> tuple[int | None, tuple[str, ...]]:
        return describe(name, tmp_path).num_classes, ()

    recipe = loaded(tmp_path, BASE.replace('"digits"', '"digit"'))
    with pytest.raises(LsnError, match=r"unknown data set 'digit'[\s\S]*recipe.toml:\d+, key 'data.name'"):
        resolve(recipe, classes=classes)
    recipe = loaded(tmp_path, BASE, data={"digits": "digit"})
    with pytest.raises(LsnError, match=r"unknown data set 'digit'[\s\S]*where: --data digits=digit"):
        resolve(recipe, classes=classes)


@pytest.mark.parametrize("profile", ["paper", "quick"])
@pytest.mark.parametrize(
    ("key", "told"),
    [
        ("train.lr", "did you mean 'train.optimizer.lr'?"),
        ("lr", "did you mean 'train.optimizer.lr'?"),
        ("alpha", "did you mean 'loss.alpha'?"),
        ("train.epochs", "did you mean 'steps'?"),
        # Exactly that name elsewhere goes before names that are only like it.
        ("train.momentum", "did you mean 'train.optimizer.momentum'?"),
        ("steps", "did you mean 'train.steps'?"),
        ("rate", "did you mean 'noise.rate'?"),
        ("train.train_size", "did you mean 'data.train_size'?"),
        ("optimizer.lr", "did you mean 'train.optimizer.lr'?"),
        ("optim.lr", "did you mean 'train.optimizer.lr'?"),
        ("train.seed", "seeds are given by seeds = […]"),
        # A teacher's are the teacher's.
        ("teacher.lr", "did you mean 'teacher.train.optimizer.lr'?"),
        ("teacher.alpha", "did you mean 'teacher.loss.alpha'?"),
    ],
)
def test_a_parameter_in_a_wrong_section_is_told_the_right_one(
    tmp_path: Path, key: str, told: str, profile: str
) -> None:
    with pytest.raises(LsnError, match="unknown recipe key") as caught:
        loaded(tmp_path, BASE, settings=((key, 0.5),), profile=profile)
    assert caught.value.next == told


def test_a_parameter_in_a_wrong_section_of_a_sweep_is_told_the_right_one(tmp_path: Path) -> None:
    with pytest.raises(LsnError, match=r"unknown recipe key 'train.lr'") as caught:
        resolved(tmp_path, f'{BASE}[sweep]\n"train.lr" = [0.5]\n')
    assert caught.value.next == "did you mean 'train.optimizer.lr'?"


@pytest.mark.parametrize(
    ("key", "told"),
    [
        ("loss.lr", "did you mean 'train.optimizer.lr'?"),
        ("model.lr", "did you mean 'train.optimizer.lr'?"),
        ("noise.alpha", "did you mean 'loss.alpha'?"),
        ("data.batch_size", "did you mean 'train.batch_size'?"),
        ("train.optimizer.steps", "did you mean 'train.steps'?"),
        ("loss.alfa", "did you mean 'alpha'?"),
    ],
)
def test_a_parameter_in_the_section_of_another_component_is_told_the_right_one(
    tmp_path: Path, key: str, told: str
) -> None:
    with pytest.raises(LsnError, match="has no parameter") as caught:
        resolved(tmp_path, BASE, settings=((key, 0.5),))
    assert (caught.value.where, caught.value.next) == (f"--set {key}", told)


def test_a_name_that_two_plugins_claim_does_not_hide_a_mistake(tmp_path: Path) -> None:
    components = Registry()
    components.load([])
    pair = next(entry.info for entry in components.all("noise model") if entry.info.name == "pair")
    components._add(pair, Plugin("other", Origin("lsn-other", "1")))
    recipe = loaded(tmp_path, BASE.replace('name = "symmetric"\n', ""))
    with pytest.raises(LsnError, match="noise model 'none' has no parameter 'rate'") as caught:
        resolve(recipe, components=components)
    assert str(caught.value.next).startswith("set noise.name to one that has it: asymmetric, symmetric")


def test_a_parameter_of_another_component_is_told_whose_it_is(tmp_path: Path) -> None:
    text = BASE.replace('[noise]\nname = "symmetric"\nrate = 0.2\n', "")
    with pytest.raises(LsnError, match="noise model 'none' has no parameter 'rate'") as caught:
        resolved(tmp_path, text, settings=(("noise.rate", 0.2),))
    assert caught.value.where == "--set noise.rate"
    assert str(caught.value.next).startswith("set noise.name to one that has it: asymmetric, pair, symmetric")


def test_valid_parameters_are_written_as_a_recipe_writes_them(tmp_path: Path) -> None:
    with pytest.raises(LsnError) as caught:
        resolved(tmp_path, BASE.replace("batch_size = 32", 'optimizer = {name = "sgd", lr = "x"}'))
    assert caught.value.valid == "lr = 0.1, momentum = 0.9, nesterov = true, weight_decay = 0.0"
    with pytest.raises(LsnError) as caught:
        resolved(tmp_path, BASE.replace('"label-smoothing"', '"backward-correction"').replace("0.3", '"x"'))
    assert "alpha (optional), matrix (optional)" in str(caught.value.valid)


def test_unknown_profile_names_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(LsnError, match=r"unknown profile 'quik'[\s\S]*paper, quick[\s\S]*did you mean 'quick'"):
        loaded(tmp_path, BASE, profile="quik")


@pytest.mark.parametrize(
    "sweep",
    [
        '[sweep]\n"noise.rate" = [0.2, 0.4]\n',
        '[[sweep.case]]\n"noise.rate" = 0.4\n',
        '[[sweep.case]]\nsweep = { "noise.rate" = [0.1, 0.2] }\n',
    ],
)
def test_set_of_a_section_reaches_what_is_swept_in_it(tmp_path: Path, sweep: str) -> None:
    recipe = resolved(tmp_path, BASE + sweep, settings=(("noise", {"name": "pair", "rate": 0.3}),))
    assert {(spec.noise.name, spec.noise.params["rate"]) for spec in recipe.specs()} == {("pair", 0.3)}


def test_what_a_profile_says_of_a_swept_key_is_not_lost_without_a_word(tmp_path: Path) -> None:
    text = f'{BASE}[profiles.quick.noise]\nrate = 0.3\n[sweep]\n"noise.rate" = [0.2, 0.4]\n'
    for profile in (None, "quick"):
        with pytest.raises(LsnError, match=r"the recipe sweeps 'noise\.rate'") as caught:
            loaded(tmp_path, text, profile=profile)
        line = text.splitlines().index("rate = 0.3") + 1
        assert str(caught.value.where).endswith(f"recipe.toml:{line}, key 'profiles.quick.noise.rate'")
        assert caught.value.next == 'change the axis: "noise.rate" = [0.3] in [profiles.quick.sweep]'
    loaded(
        tmp_path, text.replace("[profiles.quick.noise]\nrate = 0.3", '[profiles.quick.sweep]\n"noise.rate" = [0.3]')
    )


@pytest.mark.parametrize(
    "case",
    [
        '"train.steps" = 9',
        "train = { steps = 9 }",
        'sweep = { "train.steps" = [10, 9] }',
        "sweep = { train = [{ steps = 9 }] }",
    ],
)
def test_what_a_profile_says_of_a_key_that_a_case_sets_is_not_lost_without_a_word(
    tmp_path: Path, case: str
) -> None:
    text = f'{BASE}[[sweep.case]]\nlabel = "a"\n[[sweep.case]]\nlabel = "b"\n{case}\n'
    with pytest.raises(LsnError, match=r"a case sets 'train\.steps' to another value") as caught:
        loaded(tmp_path, text)
    line = text.splitlines().index("steps = 10") + 1
    assert str(caught.value.where).endswith(f"recipe.toml:{line}, key 'profiles.quick.train.steps'")
    assert str(caught.value.next).endswith("in [[profiles.quick.sweep.case]]")
    own = f'{text}[[profiles.quick.sweep.case]]\nlabel = "b"\n{case}\n'
    assert loaded(tmp_path, own, profile="quick").recipe.sweep["case"][0]["label"] == "b"
    loaded(tmp_path, text.replace("9", "10"))


def test_what_a_profile_says_of_a_key_that_an_axis_of_tables_sets_is_not_lost_without_a_word(
    tmp_path: Path,
) -> None:
    axis = 'data = [{ name = "digits" }, { name = "digits", train_size = 500 }]\n'
    text = f"{BASE}[profiles.quick.data]\ntrain_size = 50\n[sweep]\n{axis}"
    with pytest.raises(LsnError, match=r"an axis sets 'data\.train_size' to another value") as caught:
        loaded(tmp_path, text)
    assert str(caught.value.next).endswith("in [profiles.quick.sweep]")
    loaded(tmp_path, f"{text}[profiles.quick.sweep]\n{axis}")


@pytest.mark.parametrize(
    ("key", "value", "lost"),
    [
        ("noise", '{ name = "pair", rate = 0.1 }', False),
        ("noise", '{ name = "pair", rate = 0.1, seed = 4 }', True),
        ("noise.rate", "0.1", True),
        ("noise.seed", "3", False),
    ],
)
def test_a_case_may_put_another_component_in_place_of_a_profiles(
    tmp_path: Path, key: str, value: str, lost: bool
) -> None:
    text = f'{BASE}[profiles.quick.noise]\nrate = 0.3\nseed = 3\n[[sweep.case]]\n"{key}" = {value}\n'
    if lost:
        with pytest.raises(LsnError, match=r"a case sets 'noise\."):
            loaded(tmp_path, text)
    else:
        loaded(tmp_path, text)


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ((("sweep.case", 0.5), ("train.steps", 3)), r"sweep\.case must be tables[\s\S]*--set sweep\.case"),
        ((("sweep", "x"), ("loss", {"name": "standard"})), r"sweep: a table is expected[\s\S]*--set sweep"),
        ((("sweep", {"case": [5]}),), r"sweep\.case must be tables[\s\S]*--set sweep"),
    ],
)
def test_a_sweep_that_is_none_is_told_before_it_is_used(
    tmp_path: Path, settings: tuple[tuple[str, Any], ...], told: str
) -> None:
    with pytest.raises(LsnError, match=told):
        loaded(tmp_path, BASE, settings=settings)


def test_cases_that_are_none_are_told_before_a_setting_looks_into_them(tmp_path: Path) -> None:
    for said in ("[sweep]\ncase = 2\n", "[profiles.smoke.sweep]\ncase = [2]\n"):
        with pytest.raises(LsnError, match=r"sweep\.case must be tables[\s\S]*recipe\.toml:\d+"):
            loaded(tmp_path, BASE + said, settings=(("train.steps", 5),))


def test_set_of_an_unknown_key(tmp_path: Path) -> None:
    with pytest.raises(LsnError, match=r"unknown recipe key 'trane'[\s\S]*did you mean 'train\.steps'"):
        loaded(tmp_path, BASE, settings=(("trane.steps", 1),))
    with pytest.raises(LsnError, match="KEY=VALUE"):
        parse_setting("train.steps")


def test_missing_file_suggests_shipped_recipes() -> None:
    with pytest.raises(LsnError, match=r"unknown recipe 'tabel7'[\s\S]*did you mean 'table7'"):
        load("tabel7")


def test_a_folder_and_binary_rubbish_are_refused(tmp_path: Path) -> None:
    with pytest.raises(LsnError, match="is a folder"):
        load(str(tmp_path))
    (tmp_path / "x.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(LsnError, match="not UTF-8"):
        load(str(tmp_path / "x.toml"))


@pytest.mark.parametrize("name", training_recipes())
def test_shipped_recipes_resolve_in_every_profile(name: str) -> None:
    for profile in load(name).available_profiles():
        assert resolve(load(name, Overrides(profile=profile))).specs()


def test_shipped_recipes_have_the_three_profiles() -> None:
    assert {"quickstart", "table7"} <= set(shipped_recipes())
    for name in training_recipes():
        assert {"paper", "quick", "smoke"} <= set(load(name).available_profiles())


def test_line_of_finds_tables_and_inline_tables() -> None:
    text = 'a = 1\n[b]\nc = { d = 1 }\n[[e.f]]\n"g.h" = 2\n'
    assert line_of(text, "a") == 1
    assert line_of(text, "b.c") == 3
    assert line_of(text, "b.c.d") == 3
    assert line_of(text, "b.x") == 2
    assert line_of(text, "e.f.g.h") == 5
    assert line_of(text, "nowhere") is None


def test_line_of_counts_the_cases_of_the_table_that_holds_them() -> None:
    cases = "[[sweep.case]]\na = 1\nb = 1\n[[sweep.case]]\nb = 2\n"
    text = f"{cases}{cases.replace('sweep', 'profiles.quick.sweep')}"
    assert [line_of(text, "sweep.case.b", case) for case in (0, 1)] == [3, 5]
    assert [line_of(text, "profiles.quick.sweep.case.b", case) for case in (0, 1)] == [8, 10]
    # What a case does not have is the case's own.
    assert [line_of(text, "profiles.quick.sweep.case.c", case) for case in (0, 1)] == [6, 9]
