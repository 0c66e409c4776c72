"""Which swept keys make rows and columns, and layouts that a recipe cannot have."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from lsncli.errors import LsnError
from lsncli.recipe.resolve import ResolvedRecipe
from lsncli.report.layout import layout_of, ordered
from lsncli.report.table import Heading

Resolve = Callable[..., ResolvedRecipe]

AXES = '[sweep]\n"noise.rate" = [0.2, 0.4]\n"train.steps" = [10, 20]\n'


def test_labels_make_the_columns_by_default(resolved: Resolve) -> None:
    layout = layout_of(resolved())
    assert layout.rows == ("data.name", "model.name")
    assert layout.columns == ("label",)


def test_without_labels_the_last_swept_key_does(resolved: Resolve, small_text: str) -> None:
    layout = layout_of(resolved(small_text + AXES))
    assert (layout.rows, layout.columns) == (("noise.rate",), ("train.steps",))


def test_no_sweep_is_one_cell(resolved: Resolve, small_text: str) -> None:
    layout = layout_of(resolved(small_text))
    assert (layout.rows, layout.columns) == ((), ())


@pytest.mark.parametrize(
    ("report", "rows", "columns"),
    [
        ('rows = ["train.steps"]', ("train.steps",), ("noise.rate",)),
        ('columns = ["noise.rate"]', ("train.steps",), ("noise.rate",)),
        ("rows = []", (), ("noise.rate", "train.steps")),
        ('metrics = ["test_loss", "test_nll"]', ("noise.rate",), ("train.steps", "metric")),
        (
            'metrics = ["test_loss", "test_nll"]\nrows = ["metric"]',
            ("metric",),
            ("noise.rate", "train.steps"),
        ),
    ],
)
def test_the_recipe_chooses(
    resolved: Resolve, small_text: str, report: str, rows: tuple[str, ...], columns: tuple[str, ...]
) -> None:
    layout = layout_of(resolved(f"{small_text}{AXES}[report]\n{report}\n"))
    assert (layout.rows, layout.columns) == (rows, columns)


@pytest.mark.parametrize(
    ("report", "what", "valid"),
    [
        ('rows = ["noise.rat"]', "'noise.rat' is not swept", "noise.rate"),
        ('columns = ["label"]', "'label' is not swept", "train.steps"),
        ('rows = ["noise.rate"]\ncolumns = ["noise.rate"]', "and report.rows too", ""),
        ('rows = ["noise.rate", "noise.rate"]', "twice", ""),
        ('rows = ["noise.rate"]\ncolumns = []', "mix different runs", ""),
    ],
)
def test_impossible_layouts(resolved: Resolve, small_text: str, report: str, what: str, valid: str) -> None:
    with pytest.raises(LsnError) as caught:
        layout_of(resolved(f"{small_text}{AXES}[report]\n{report}\n"))
    assert what in caught.value.what
    assert valid in (caught.value.valid or "")
    assert "recipe.toml" in (caught.value.where or "")


def test_the_key_that_is_left_out_is_named(resolved: Resolve, small_text: str) -> None:
    with pytest.raises(LsnError) as caught:
        layout_of(resolved(f'{small_text}{AXES}[report]\nrows = ["noise.rate"]\ncolumns = []\n'))
    assert "'train.steps'" in (caught.value.next or "")


def test_cases_without_labels_would_share_a_cell(resolved: Resolve, small_text: str) -> None:
    cases = '[[sweep.case]]\nloss = { name = "standard" }\n[[sweep.case]]\nloss = { name = "label-smoothing" }\n'
    with pytest.raises(LsnError) as caught:
        layout_of(resolved(small_text + cases))
    assert "label" in (caught.value.next or "")


def test_order_keeps_first_keys_together() -> None:
    found = [
        Heading({"label": label, "alpha": alpha})
        for label, alpha in (("LS", 0.1), ("FC", 0.1), ("LS", 0.4), ("FC", 0.4), ("LS", 0.1), ("FC", [1, 2]))
    ]
    places = [(h.coordinates["label"], h.coordinates["alpha"]) for h in ordered(found, ("label", "alpha"))]
    assert places == [("LS", 0.1), ("LS", 0.4), ("FC", 0.1), ("FC", 0.4), ("FC", [1, 2])]
