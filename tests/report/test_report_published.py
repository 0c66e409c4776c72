"""The published numbers against a second transcription, and when they are shown.

The tables below were typed from the paper (arXiv:2003.02819), laid out as it prints them, and not copied from
the data files.
"""

from __future__ import annotations

from typing import Any

import pytest

from lsncli.report.published import published_table
from lsncli.report.table import Published

METHODS = ("Baseline", "LS", "FC smoothing", "BC smoothing", "FC Patrini", "BC Patrini")
TABLE7 = {
    ("cifar100", "resnet32"): "57.06 .38 | 60.70 .28 | 61.29 .38 | 53.91 .40 | 57.25 .24 | 55.89 .33",
    ("cifar100", "resnet56"): "54.93 .37 | 59.04 .53 | 60.00 .31 | 52.25 .51 | 55.09 .39 | 55.00 .13",
    ("cifar10", "resnet32"): "80.44 .63 | 83.95 .18 | 80.78 .42 | 77.23 .72 | 80.33 .29 | 80.65 .59",
    ("cifar10", "resnet56"): "77.98 .24 | 80.98 .48 | 79.66 .26 | 77.32 .35 | 77.97 .45 | 77.66 .44",
}
DISTILLED = ("Vanilla distillation", "LS on teacher", "LS on student", "FC on teacher", "FC on student")
TABLE5 = {
    ("cifar100", "resnet32"): "63.98 .26 | 64.48 .25 | 63.83 .28 | 66.65 .18 | 63.94 .34",
    ("cifar100", "resnet56"): "64.31 .26 | 65.63 .24 | 64.50 .32 | 66.35 .20 | 64.24 .26",
    ("cifar10", "resnet32"): "80.44 .64 | 86.95 1.82 | 85.72 2.61 | 86.81 1.86 | 86.92 2.11",
    ("cifar10", "resnet56"): "77.98 .25 | 87.10 1.66 | 86.98 1.71 | 86.88 1.80 | 86.82 1.76",
}
# α | full, clean, noisy part against true labels, noisy part against noisy labels
TABLE3 = ((0.0, 77.39, 86.75, 39.92, 17.88), (0.1, 80.11, 87.99, 48.58, 12.27), (0.2, 81.22, 88.27, 53.01, 8.32))
PORTIONS = (
    "train_accuracy_full_true",
    "train_accuracy_clean_true",
    "train_accuracy_noisy_true",
    "train_accuracy_noisy_given",
)
# α | LS, FC, BC
TABLE4 = ((0.0, 0.111, 0.111, 0.111), (0.1, 0.108, 0.153, 0.214), (0.2, 0.156, 0.165, 0.266))
# α | LS, FC
TABLE2 = ((0.0, 70.86, 70.86), (0.1, 71.12, 73.04), (0.2, 71.55, 73.17), (0.4, 70.95, 73.35), (0.6, 70.59, 72.92))

SETTING = {
    "data.name": "cifar100",
    "model.name": "resnet32",
    "noise.name": "symmetric",
    "noise.rate": 0.2,
    "loss.alpha": 0.1,
}


def find(table: int, coordinates: dict[str, Any], metric: str = "test_accuracy", **other: Any) -> Published | None:
    found = published_table(table)
    assert found is not None
    setting = {**SETTING, **{key.replace("__", "."): value for key, value in other.items()}, **coordinates}
    return found.find(coordinates, metric, setting.get)


@pytest.mark.parametrize(("table", "typed", "labels"), [(7, TABLE7, METHODS), (5, TABLE5, DISTILLED)])
def test_tables_5_and_7(table: int, typed: dict[tuple[str, str], str], labels: tuple[str, ...]) -> None:
    for (data, model), line in typed.items():
        for label, cell in zip(labels, line.split("|"), strict=True):
            mean, std = map(float, cell.split())
            at = {"data.name": data, "model.name": model, "label": label}
            assert find(table, at) == Published(mean, std, 5)
    file = published_table(table)
    assert file is not None
    assert len(file.entries) == 4 * len(labels)


def test_table_3() -> None:
    for alpha, *means in TABLE3:
        for metric, mean in zip(PORTIONS, means, strict=True):
            assert find(3, {"loss.alpha": alpha}, metric) == Published(mean)


def test_table_3_is_a_mixture_of_its_parts() -> None:
    # Equation (3) at 20 %: full = 0.8 · clean + 0.2 · noisy, to the rounding of three printed numbers.
    for alpha, *_ in TABLE3:
        full, clean, noisy = (find(3, {"loss.alpha": alpha}, metric) for metric in PORTIONS[:3])
        assert full is not None
        assert clean is not None
        assert noisy is not None
        assert full.mean == pytest.approx(0.8 * clean.mean + 0.2 * noisy.mean, abs=0.01)


def test_table_4() -> None:
    for alpha, *errors in TABLE4:
        for label, error in zip(("LS", "FC", "BC"), errors, strict=True):
            assert find(4, {"loss.alpha": alpha, "label": label}, "test_ece_100") == Published(error)


def test_table_2() -> None:
    for alpha, *means in TABLE2:
        for label, mean in zip(("LS", "FC"), means, strict=True):
            at = {"loss.alpha": alpha, "label": label}
            assert find(2, at, data__name="imagenet") == Published(mean)


@pytest.mark.parametrize("number", [2, 3, 4, 5, 7])
def test_every_file_says_its_source(number: int) -> None:
    table = published_table(number)
    assert table is not None
    assert f"Table {number}," in table.source
    assert "2003.02819" in table.source
    assert table.number == number


def test_a_table_without_numbers() -> None:
    assert published_table(99) is None


ROW = {"data.name": "cifar100", "model.name": "resnet32"}


@pytest.mark.parametrize(
    "other",
    [{"noise__rate": 0.4}, {"noise__name": "pair"}, {"loss__alpha": 0.5}],
    ids=["other rate", "other noise", "other alpha"],
)
def test_another_setting_has_no_published_number(other: dict[str, Any]) -> None:
    assert find(7, {**ROW, "label": "LS"}, **other) is None


def test_another_metric_or_label_has_no_published_number() -> None:
    assert find(7, {**ROW, "label": "LS"}, "test_loss") is None
    assert find(7, {**ROW, "label": "LS2"}) is None
    assert find(7, {"model.name": "resnet20", "label": "LS"}) is None


def test_what_is_not_swept_is_taken_from_the_setting() -> None:
    # The recipe narrowed to one data set and model: only the label tells cells apart.
    assert find(7, {"label": "LS"}) == Published(60.70, 0.28, 5)


def test_the_anomaly_of_table_5_is_noted_where_it_is() -> None:
    table = published_table(5)
    assert table is not None
    at = {"data.name": "cifar10", "model.name": "resnet32", "label": "Vanilla distillation"}
    (note,) = table.notes_on(at, "test_accuracy", at.get)
    assert "not a target" in note
    assert table.notes_on({**at, "label": "LS on teacher"}, "test_accuracy", at.get) == []
