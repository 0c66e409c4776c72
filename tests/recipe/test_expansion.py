"""Sweeps: products, cases, narrowing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lsncli.errors import LsnError
from lsncli.recipe.expansion import expand
from lsncli.recipe.loading import Overrides, load
from lsncli.recipe.resolve import resolve

HEAD = """\
title = "Sweep"
[data]
name = "digits"
[noise]
name = "symmetric"
rate = 0.2
[model]
name = "mlp"
[train]
steps = 10
"""

CASES = (
    HEAD
    + """
[sweep]
"noise.rate" = [0.2, 0.4]
[[sweep.case]]
label = "CE"
loss = { name = "standard" }
[[sweep.case]]
label = "LS"
loss = { name = "label-smoothing" }
sweep = { "loss.alpha" = [0.1, 0.5] }
"""
)


def write(tmp_path: Path, text: str) -> str:
    path = tmp_path / "r.toml"
    path.write_text(text)
    return str(path)


def coordinates(tmp_path: Path, text: str, **overrides: Any) -> list[dict[str, Any]]:
    return [variant.coordinates for variant in expand(load(write(tmp_path, text), Overrides(**overrides)))]


def test_no_sweep_is_one_variant(tmp_path: Path) -> None:
    assert coordinates(tmp_path, HEAD) == [{}]


def test_axes_make_a_product_in_order(tmp_path: Path) -> None:
    text = HEAD + '[sweep]\n"noise.rate" = [0.2, 0.4]\n"model.name" = ["mlp", "linear"]\n'
    assert coordinates(tmp_path, text) == [
        {"noise.rate": 0.2, "model.name": "mlp"},
        {"noise.rate": 0.2, "model.name": "linear"},
        {"noise.rate": 0.4, "model.name": "mlp"},
        {"noise.rate": 0.4, "model.name": "linear"},
    ]


def test_cases_are_one_more_axis_and_may_sweep(tmp_path: Path) -> None:
    assert coordinates(tmp_path, CASES) == [
        {"noise.rate": rate, "label": label, "loss.alpha": alpha}
        for rate in (0.2, 0.4)
        for label, alpha in (("CE", None), ("LS", 0.1), ("LS", 0.5))
    ]


def test_case_settings_reach_the_specs(tmp_path: Path) -> None:
    path = tmp_path / "r.toml"
    path.write_text(CASES)
    losses = [v.specs[0].loss for v in resolve(load(str(path))).variants[:3]]
    assert [(loss.name, loss.params) for loss in losses] == [
        ("standard", {}),
        ("label-smoothing", {}),  # 0.1 is the default, and defaults are left out
        ("label-smoothing", {"alpha": 0.5}),
    ]


def test_set_on_a_swept_key_keeps_its_place(tmp_path: Path) -> None:
    found = coordinates(tmp_path, CASES, settings=(("noise.rate", 0.3),))
    assert {c["noise.rate"] for c in found} == {0.3}
    found = coordinates(tmp_path, CASES, settings=(("loss.alpha", 0.7),))
    assert [c["loss.alpha"] for c in found[:2]] == [None, 0.7]


def test_set_reaches_cases_that_say_otherwise(tmp_path: Path) -> None:
    text = HEAD + '[[sweep.case]]\nlabel = "a"\ntrain = { steps = 5 }\n[[sweep.case]]\nlabel = "b"\n'
    path = tmp_path / "r.toml"
    path.write_text(text)
    specs = resolve(load(str(path), Overrides(settings=(("train.steps", 3),)))).specs()
    assert [s.train.steps for s in specs] == [3, 3]


def test_only_keeps_part_of_the_sweep(tmp_path: Path) -> None:
    found = coordinates(tmp_path, CASES, only=(("label", "LS"), ("noise.rate", [0.4])))
    assert [(c["noise.rate"], c["loss.alpha"]) for c in found] == [(0.4, 0.1), (0.4, 0.5)]
    with pytest.raises(LsnError, match=r"label=XX: no run of the recipe is left[\s\S]*CE, LS"):
        coordinates(tmp_path, CASES, only=(("label", "XX"),))
    with pytest.raises(LsnError, match=r"unknown key of --only 'lable'[\s\S]*did you mean 'label'"):
        coordinates(tmp_path, CASES, only=(("lable", "LS"),))
    with pytest.raises(LsnError, match=r"the recipe sweeps nothing"):
        coordinates(tmp_path, HEAD, only=(("label", "LS"),))


def test_only_keeps_every_value_that_is_named_of_a_key(tmp_path: Path) -> None:
    found = coordinates(tmp_path, CASES, only=(("loss.alpha", 0.1), ("noise.rate", 0.2), ("loss.alpha", 0.5)))
    assert [(c["noise.rate"], c["loss.alpha"]) for c in found] == [(0.2, 0.1), (0.2, 0.5)]
    with pytest.raises(LsnError, match="label=XX or YY: no run of the recipe is left"):
        coordinates(tmp_path, CASES, only=(("label", "XX"), ("label", "YY")))


def test_only_chooses_a_value_that_is_a_list_and_says_how_it_is_written(tmp_path: Path) -> None:
    text = HEAD + '[sweep]\n"model.hidden" = [[64], [128]]\n'
    assert coordinates(tmp_path, text, only=(("model.hidden", [128]),)) == [{"model.hidden": [128]}]
    assert len(coordinates(tmp_path, text, only=(("model.hidden", [[128], [64]]),))) == 2
    with pytest.raises(LsnError, match=r"model.hidden=\[32\]: no run[\s\S]*valid: \[64\], \[128\]"):
        coordinates(tmp_path, text, only=(("model.hidden", [32]),))


def test_only_compares_labels_as_text(tmp_path: Path) -> None:
    text = HEAD + '[[sweep.case]]\nlabel = "1"\n[[sweep.case]]\nlabel = "true"\ntrain = { steps = 5 }\n'
    assert coordinates(tmp_path, text, only=(("label", 1),)) == [{"label": "1"}]
    assert coordinates(tmp_path, text, only=(("label", True),)) == [{"label": "true"}]
    # Such as --only reads them as text.
    with pytest.raises(LsnError, match=r'label=x: no run of the recipe is left[\s\S]*valid: "1", "true"'):
        coordinates(tmp_path, text, only=(("label", "x"),))


def test_an_axis_that_set_gives_is_named_as_such(tmp_path: Path) -> None:
    with pytest.raises(LsnError) as caught:
        coordinates(tmp_path, CASES, settings=(("noise.rate", [0.2, 0.2]),))
    assert (caught.value.what, caught.value.where) == (
        "the axis 'noise.rate' of the sweep has a value twice",
        "--set noise.rate",
    )
    with pytest.raises(LsnError) as caught:
        coordinates(tmp_path, CASES, settings=(("loss.alpha", [0.2, 0.2]),))
    assert caught.value.where == "--set loss.alpha"


def test_a_misspelt_key_of_a_case_is_told_what_a_case_has(tmp_path: Path) -> None:
    with pytest.raises(LsnError, match="unknown key of a case 'lable'") as caught:
        coordinates(tmp_path, HEAD + '[[sweep.case]]\nlabel = "a"\n[[sweep.case]]\nlable = "b"\n')
    assert str(caught.value.where).endswith("r.toml:14, key 'sweep.case.lable'")
    assert {"at", "label", "sweep", "loss", "train"} <= set(str(caught.value.valid).split(", "))
    assert caught.value.next == "did you mean 'label'?"


def test_a_parameter_alone_in_a_case_is_told_its_section_before_the_place_by_it_is_refused(tmp_path: Path) -> None:
    said = 'at = { "loss.alpha" = 0.0 }\nloss = { name = "label-smoothing" }\nalpha = 0.1\n'
    with pytest.raises(LsnError, match="unknown key of a case 'alpha'") as caught:
        coordinates(tmp_path, f"{HEAD}[[sweep.case]]\n{said}")
    assert str(caught.value.where).endswith("r.toml:14, key 'sweep.case.alpha'")
    assert caught.value.next == "did you mean 'loss.alpha'?"


@pytest.mark.parametrize("around", ['"loss.name" = ["label-smoothing"]', 'loss = [{ name = "label-smoothing" }]'])
def test_an_axis_of_a_component_that_another_axis_chooses_is_told_its_section(tmp_path: Path, around: str) -> None:
    with pytest.raises(LsnError, match="unknown swept key 'alpha'") as caught:
        coordinates(tmp_path, f"{HEAD}[sweep]\n{around}\nalpha = [0.1]\n")
    assert caught.value.next == "did you mean 'loss.alpha'?"


def test_an_axis_of_a_component_that_a_case_names_by_a_dotted_key_is_told_its_section(tmp_path: Path) -> None:
    text = f'{HEAD}[[sweep.case]]\n"loss.name" = "label-smoothing"\nsweep = {{ alpha = [0.1] }}\n'
    with pytest.raises(LsnError, match="unknown swept key 'alpha'") as caught:
        coordinates(tmp_path, text)
    assert caught.value.next == "did you mean 'loss.alpha'?"


def test_a_components_parameter_may_be_called_like_a_section(tmp_path: Path) -> None:
    # Of a plugin's data set, say: only the whole key says whether it is a section.
    cases = '[[sweep.case]]\n"data.noise" = 0.3\n[[sweep.case]]\n"model.loss" = "x"\n'
    found = expand(load(write(tmp_path, HEAD + cases)))
    assert [variant.settings["data"].get("noise") for variant in found] == [0.3, None]
    assert [variant.settings["model"].get("loss") for variant in found] == [None, "x"]


def test_places_are_looked_for_only_when_something_is_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Each takes reading the whole text: with thousands of cases that would be minutes.
    recipe = load(write(tmp_path, CASES))

    def place(*_: object, **__: object) -> str:
        raise AssertionError("nothing is wrong here")

    monkeypatch.setattr(type(recipe.source), "place", place)
    assert len(expand(recipe)) == 6


def test_a_case_is_placed_by_swept_keys_only(tmp_path: Path) -> None:
    text = CASES.replace('label = "LS"', 'label = "LS"\nat = { KEY = 0.0 }')
    with pytest.raises(LsnError, match=r"unknown swept key in a case's 'at': 'loss.alfa'") as caught:
        coordinates(tmp_path, text.replace("KEY", '"loss.alfa"'))
    line = text.splitlines().index("at = { KEY = 0.0 }") + 1
    assert str(caught.value.where).endswith(f"r.toml:{line}, key 'sweep.case.at'")
    assert str(caught.value.next).startswith("did you mean 'loss.alpha'")
    # What another case sets outright tells combinations apart as an axis does.
    assert coordinates(tmp_path, text.replace("KEY", '"loss.name"'))[1]["loss.name"] == 0.0
    for wrong in ('at = "loss.alpha"', "at = { loss.alpha = 0.0 }"):
        with pytest.raises(LsnError, match="'at' gives swept keys their values"):
            coordinates(tmp_path, CASES.replace('label = "LS"', f'label = "LS"\n{wrong}'))


@pytest.mark.parametrize(
    ("said", "key", "next"),
    [
        ('loss = "label-smoothing"', "loss", 'loss = { name = "label-smoothing" }'),
        ('"train.optimizer" = "adam"', "train.optimizer", '"train.optimizer" = { name = "adam" }'),
        ('train = "long"', "train", None),
    ],
)
def test_a_name_in_the_place_of_a_section_of_a_case(tmp_path: Path, said: str, key: str, next: str | None) -> None:
    text = f'{HEAD}[sweep]\n"loss.alpha" = [0.1]\n[[sweep.case]]\nlabel = "a"\n[[sweep.case]]\n{said}\n'
    with pytest.raises(LsnError, match=f"{key}: a table is expected") as caught:
        coordinates(tmp_path, text)
    assert str(caught.value.where).endswith(f"r.toml:16, key 'sweep.case.{key}'")
    assert caught.value.next == next


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("loss.alpha = [0.1]", """valid: "loss.alpha" = [0.1]"""),
        ("train.optimizer.lr = [0.1, 1]", """valid: "train.optimizer.lr" = [0.1, 1]"""),
        ('"loss.alpha" = 0.1', """valid: "loss.alpha" = [first, second, …]"""),
        ("alpha = [0.1]", "next: did you mean 'loss.alpha'?"),
        ("lr = [0.1]", "next: did you mean 'train.optimizer.lr'?"),
        ("steps = [1]", "next: did you mean 'train.steps'?"),
        ('"optimizer.lr" = [0.1]', "next: did you mean 'train.optimizer.lr'?"),
    ],
)
def test_an_axis_that_is_written_wrongly_is_told_how_it_is_written(tmp_path: Path, said: str, told: str) -> None:
    case = '[[sweep.case]]\nloss = { name = "label-smoothing" }\n'
    for text in (f"{case}sweep = {{ {said} }}\n", f"[sweep]\n{said}\n{case}"):
        with pytest.raises(LsnError) as caught:
            coordinates(tmp_path, HEAD + text)
        assert told in str(caught.value)


def test_only_knows_a_replaced_data_set_by_both_names(tmp_path: Path) -> None:
    text = HEAD + '[sweep]\n"data.name" = ["cifar10", "cifar100"]\n'
    for name in ("cifar10", "mine"):
        found = coordinates(tmp_path, text, only=(("data.name", name),), data={"cifar10": "mine"})
        assert found == [{"data.name": "cifar10"}]


@pytest.mark.parametrize(
    ("sweep", "message"),
    [
        ('[sweep]\n"noise.rate" = 0.2\n', "needs a list of values"),
        ('[sweep]\n"noise.rate" = []\n', "needs a list of values"),
        ('[sweep]\n"noise.rate" = [0.2, 0.2]\n', "has a value twice"),
        ('[sweep]\n"nose.rate" = [0.2]\n', "unknown swept key"),
        ("[sweep]\nseeds = [0]\n", "seeds are given by"),
        ('[sweep.case]\nlabel = "x"\n', r"\[\[sweep.case\]\]"),
        (
            f'[sweep]\n"train.steps" = {list(range(1, 400))}\n"train.batch_size" = {list(range(1, 400))}\n',
            "more than",
        ),
    ],
)
def test_mistakes_in_the_sweep(tmp_path: Path, sweep: str, message: str) -> None:
    with pytest.raises(LsnError, match=message):
        coordinates(tmp_path, HEAD + sweep)


def test_a_swept_component_without_the_parameter_is_refused(tmp_path: Path) -> None:
    text = (
        HEAD
        + '[loss]\nname = "label-smoothing"\nalpha = 0.2\n[sweep]\n"loss.name" = ["label-smoothing", "standard"]\n'
    )
    path = tmp_path / "r.toml"
    path.write_text(text)
    with pytest.raises(LsnError, match="loss 'standard' has no parameter 'alpha'"):
        resolve(load(str(path)))
