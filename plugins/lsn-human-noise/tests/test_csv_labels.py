"""Labels from a CSV file: how it may be written, what is refused, and that a run keeps its content."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from lsncli import CheckContext, LsnError, NoiseContext
from lsncli.parameters import validate
from lsncli.recipe.loading import Overrides, load
from lsncli.recipe.resolve import resolve
from lsncli.registry import registry

from lsn_human_noise.label_table import Column

NAMES = ("cat", "dog", "owl")
CLEAN = np.array([0, 1, 2, 0])


def params(folder: Path, text: str) -> Any:
    (folder / "labels.csv").write_text(text, encoding="utf-8")
    info = registry().get("noise model", "csv-labels")
    return validate(
        info.params, {"file": "labels.csv"}, where="recipe", subject="noise", context={"base_dir": folder}
    )


def apply(given: Any, labels: Any = CLEAN, positions: Any = None) -> list[int]:
    info = registry().get("noise model", "csv-labels")
    noise = info.build(given, NoiseContext("pets", 3, NAMES, positions))
    result: list[int] = noise.apply(np.asarray(labels), 3, np.random.default_rng(0)).tolist()
    return result


@pytest.mark.parametrize(
    "text",
    [
        "2\n1\n0\n0\n",
        "owl\ndog\ncat\ncat\n",
        "label\nowl\ndog\ncat\ncat\n",
        "0,2\n1,1\n2,0\n3,0\n",
        "3,0\n1,1\n0,2\n2,0\n",
        "# from the annotators\nindex,label\n3,cat\n1,dog\n0,owl\n2,cat\n",
        "\ufeffname,Noisy_Label,index\na,2,0\nb,1,1\nc,0,2\nd,0,3\n",
        'label,clean_label\n"owl",cat\ndog,dog\ncat,owl\n cat , cat \n',
    ],
)
def test_ways_to_write_it(text: str, tmp_path: Path) -> None:
    assert apply(params(tmp_path, text)) == [2, 1, 0, 0]


@pytest.mark.parametrize("text", ["noisy\nclean\nclean\nnoisy\n", "0,noisy\n1,clean\n2,clean\n3,noisy\n"])
def test_a_class_may_be_called_as_columns_are(text: str, tmp_path: Path) -> None:
    given = params(tmp_path, text)
    assert given.file.numbers(("clean", "noisy"), 2)[0].tolist() == [1, 0, 0, 1]


def test_of_a_part_of_the_set_the_labels_are_still_the_whole_sets(tmp_path: Path) -> None:
    """Seven labels are none for two of four examples, although there are enough of them."""
    info = registry().get("noise model", "csv-labels")
    part = np.array([0, 3])
    for count in (4, 7):
        given = params(tmp_path, "\n".join("2100111"[:count]))
        noise = info.build(given, NoiseContext("pets", 3, NAMES, part, total=4))
        if count == 4:
            assert noise.apply(CLEAN[part], 3, np.random.default_rng(0)).tolist() == [2, 0]
            continue
        with pytest.raises(LsnError, match="labels for 7 examples, but data set 'pets' has 4 training examples"):
            noise.apply(CLEAN[part], 3, np.random.default_rng(0))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "it has no labels"),
        ("label\n", "it has no labels"),
        ("index,other\n0,1\n", "no column is called label"),
        ("label,noisy\n0,1\n", "several columns are called"),
        ("1,2,3\n", "3 columns and no header"),
        ("index,label\n0,1\n0,2\n", "example 0 has two labels"),
        ("index,label\n0,1\n2,2\n", "example 1 has no label"),
        ("index,label\nx,1\n", "'x' is no position"),
        ("index,label\n0,1\n1\n", "example 2 has 1 columns"),
    ],
)
def test_what_is_refused(text: str, told: str, tmp_path: Path) -> None:
    with pytest.raises(LsnError, match=told) as error:
        params(tmp_path, text)
    assert "labels.csv" in str(error.value)


def test_a_missing_file(tmp_path: Path) -> None:
    info = registry().get("noise model", "csv-labels")
    with pytest.raises(LsnError, match=r"cannot read the label file .*nowhere\.csv: No such file"):
        validate(info.params, {"file": str(tmp_path / "nowhere.csv")}, where="recipe", subject="noise")


def test_labels_that_are_no_classes(tmp_path: Path) -> None:
    info = registry().get("noise model", "csv-labels")
    for text, wrong in (("0\n3\n1\n1\n", "'3'"), ("cat\nhen\nowl\nowl\n", "'hen'"), ("-1\n0\n0\n0\n", "'-1'")):
        given = params(tmp_path, text)
        with pytest.raises(ValueError, match=f"{wrong} is neither the number nor the name of a class"):
            info.check(given, CheckContext("pets", 3, "csv-labels", False, NAMES))
        with pytest.raises(LsnError, match=f"{wrong} is neither"):
            apply(given)
    info.check(given, CheckContext("unknown", None, "csv-labels", False))


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        # All of them are names, in another order than the numbers: names they are.
        ("3\n1\n2\n1\n", [2, 0, 1, 0]),
        # The same labels counted from 0: "0" is no name, and so the others are not meant as names either.
        ("0\n1\n2\n0\n", [0, 1, 2, 0]),
        # What one column alone does not tell, the other does.
        ("label,clean_label\n2,0\n1,1\n1,2\n2,0\n", [2, 1, 1, 2]),
    ],
)
def test_classes_that_are_called_by_numbers(text: str, meant: list[int], tmp_path: Path) -> None:
    """Class folders "1", "2", "3": how the labels are meant is decided for the whole file."""
    info = registry().get("noise model", "csv-labels")
    noise = info.build(params(tmp_path, text), NoiseContext("pets", 3, ("1", "2", "3")))
    assert noise.apply(CLEAN, 3, np.random.default_rng(0)).tolist() == meant


@pytest.mark.parametrize(
    ("text", "names", "told"),
    [
        ("owl\n1\ncat\n0\n", NAMES, "'0' is no name, 'cat' no number"),
        ("label,clean_label\n2,cat\n1,dog\n0,owl\n0,cat\n", NAMES, "'0' is no name, 'cat' no number"),
        ("0\n1\n3\n3\n", ("1", "2", "3"), "'0' is no name, '3' no number"),
    ],
)
def test_numbers_and_names_together_are_refused(
    text: str, names: tuple[str, ...], told: str, tmp_path: Path
) -> None:
    given = params(tmp_path, text)
    info = registry().get("noise model", "csv-labels")
    with pytest.raises(ValueError, match=f"{told} .*write all of them as numbers, or all as names"):
        info.check(given, CheckContext("pets", 3, "csv-labels", False, names))
    with pytest.raises(LsnError, match=told):
        info.build(given, NoiseContext("pets", 3, names))


def test_true_labels_in_the_file_are_compared(tmp_path: Path) -> None:
    given = params(tmp_path, "label,clean_label\n2,0\n1,1\n0,2\n0,0\n")
    assert apply(given) == [2, 1, 0, 0]
    with pytest.raises(
        LsnError, match="the true labels in the label file are not those of data set 'pets': 2 of 4"
    ):
        apply(given, [0, 2, 1, 0])


def test_a_subset_and_another_number_of_examples(tmp_path: Path) -> None:
    given = params(tmp_path, "2\n1\n0\n0\n")
    assert apply(given, [1, 0], positions=np.array([1, 3])) == [1, 0]
    with pytest.raises(LsnError, match="labels for 4 examples, but data set 'pets' has 3"):
        apply(given, [0, 1, 2])


def test_the_number_of_labels_is_checked_while_the_plan_is_made(tmp_path: Path) -> None:
    check, given = registry().get("noise model", "csv-labels").check, params(tmp_path, "2\n1\n0\n0\n")
    assert check is not None
    for size in (None, 4):
        check(given, CheckContext("pets", 3, "csv-labels", False, train_size=size))
    with pytest.raises(ValueError, match="the label file has 4 labels, data set 'pets' 5 training examples"):
        check(given, CheckContext("pets", 3, "csv-labels", False, train_size=5))


@pytest.mark.parametrize("classes", [1, 2, 3, 10, 100, 129])
def test_packing_loses_nothing(classes: int) -> None:
    generator = np.random.default_rng(classes)
    for count in (1, 7, 8, 1001):
        labels = [str(value) for value in generator.integers(classes, size=count)]
        column = Column.of(labels)
        again = Column.model_validate(json.loads(column.model_dump_json()))
        assert [again.names[code] for code in again.unpacked()] == labels


def test_fifty_thousand_labels_take_what_they_must() -> None:
    """Four bits each, six to a character of base64: 50,000 · 4 / 6 characters, rounded up to fours."""
    column = Column.of([str(i % 10) for i in range(50_000)])
    assert len(column.codes) == 33_336


@pytest.mark.parametrize("damage", [{"codes": "AAAA"}, {"codes": "!"}, {"count": 90}, {"names": ["a"]}])
def test_damaged_packing_is_refused(damage: dict[str, Any]) -> None:
    good = Column.of(["a", "b", "c"] * 20).model_dump()
    with pytest.raises(ValueError, match="packed labels"):
        Column.model_validate(good | damage)


def test_the_key_follows_the_content(tmp_path: Path) -> None:
    """The same labels elsewhere, written otherwise: the same run. One label more wrong: another one."""
    recipe = """
title = "Labels from a file"
seeds = [0]
[data]
name = "digits"
[noise]
name = "csv-labels"
file = "mine.csv"
[model]
name = "linear"
[train]
steps = 2
"""
    keys = []
    for folder, text in (("a", "0\n1\n"), ("b", "index,label\n1,1\n0,0\n"), ("c", "0\n2\n")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "mine.csv").write_text(text)
        (tmp_path / folder / "recipe.toml").write_text(recipe)
        (spec,) = resolve(load(str(tmp_path / folder / "recipe.toml"), Overrides())).specs()
        keys.append(spec.key)
        assert "mine.csv" not in json.dumps(spec.plain())
    assert keys[0] == keys[1] != keys[2]
