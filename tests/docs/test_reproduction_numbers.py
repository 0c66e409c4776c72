"""The reproduction report's tables of results: each number against results.db, by arithmetic of its own.

The table of the trials behind the quick profile is not among them: their runs are not kept.
"""

from __future__ import annotations

import json
import re
import sqlite3
import statistics
from collections import defaultdict
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from lsncli.store import Store

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOK, PAGE = ROOT / "results.db", ROOT / "docs" / "reproduction.md"

pytestmark = pytest.mark.skipif(not NOTEBOOK.exists(), reason="no clone: the wheel has no results.db")

#: Names of losses on the page, α left off.
LOSSES = {
    "standard": "standard",
    "cross-entropy": "standard",
    "smoothing": "label-smoothing",
    "label smoothing": "label-smoothing",
    "forward correction": "forward-correction",
    "backward correction": "backward-correction",
}
#: Left out of a spec, as it is smoothing's default.
DEFAULT_ALPHA = {"label-smoothing": 0.1}
QUICK_STEPS = 2000

Run = tuple[Any, ...]


@pytest.fixture(scope="module")
def runs() -> dict[Run, dict[str, list[float]]]:
    """(data, noise rate, architecture, loss, α, teacher's loss, its α, temperature) → metric → a value a seed."""
    found: dict[Run, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    last = (
        "select run.spec, metric.name, metric.value from run join metric on metric.run_id = run.id"
        " where run.status = 'done' and metric.step = run.final_step"
    )
    with closing(sqlite3.connect(f"file:{NOTEBOOK}?mode=ro", uri=True)) as database:
        for text, metric, value in database.execute(last):
            spec = json.loads(text)
            if spec["data"]["name"] != "digits" and spec["train"]["steps"] != QUICK_STEPS:
                continue
            found[_run(spec)][metric].append(value)
    return found


def _run(spec: dict[str, Any]) -> Run:
    teacher = spec.get("teacher")
    loss, alpha = _loss(spec["loss"])
    return (
        spec["data"]["name"],
        spec["noise"]["params"]["rate"],
        spec["model"]["name"],
        loss,
        "estimated" if spec.get("transition") else alpha,
        *((None, None) if teacher is None else _loss(teacher["loss"])),
        None if teacher is None else spec["distillation"].get("temperature", 2.0),
    )


def _loss(loss: dict[str, Any]) -> tuple[str, Any]:
    return loss["name"], loss.get("params", {}).get("alpha", DEFAULT_ALPHA.get(loss["name"]))


def rows(heading: str) -> list[dict[str, str]]:
    """The rows of the first table under a heading, by the names of its columns."""
    after = PAGE.read_text(encoding="utf-8").split(f"\n{heading}\n", 1)[1]
    lines = re.search(r"(?:^\|.*\n)+", after, re.MULTILINE)
    assert lines
    head, _, *body = [[cell.strip() for cell in line.strip("|\n").split("|")] for line in lines[0].splitlines()]
    return [dict(zip(head, cells, strict=True)) for cells in body]


def numbers(cell: str) -> tuple[str, str]:
    """Mean and deviation as they are printed, of ``12.3 ± 0.4`` (the paper's numbers follow in brackets)."""
    mean, deviation = cell.split(" (")[0].split(" ± ")
    return mean, deviation


def check(cell: str, values: list[float], seeds: int, scale: float = 100.0) -> None:
    assert len(values) == seeds, cell
    scaled = [scale * value for value in values]
    for printed, exact in zip(numbers(cell), (statistics.mean(scaled), statistics.stdev(scaled)), strict=True):
        digits = len(printed.partition(".")[2])
        assert printed == f"{exact:.{digits}f}", f"{cell}: {exact}"


def method(text: str) -> tuple[str, float | str | None]:
    name, _, alpha = text.partition(", ")
    if alpha.startswith("estimated"):
        return LOSSES[name], "estimated"
    return LOSSES[name], float(alpha) if alpha else None


def of_images() -> Iterator[Any]:
    columns = {
        "test accuracy": ("test_accuracy", 100),
        "clean part, true labels": ("train_accuracy_clean_true", 100),
        "noisy part, true labels": ("train_accuracy_noisy_true", 100),
        "noisy part, noisy labels": ("train_accuracy_noisy_given", 100),
        "calibration error": ("test_ece_100", 1),
    }
    for heading, data, model in (
        ("## CIFAR-10 as JPEG, quick profile", "cifar10-jpeg-16", "resnet32"),
        ("### ResNet-56 on CIFAR-10", "cifar10-jpeg-16", "resnet56"),
        ("## Tiny ImageNet in CIFAR-100's place, quick profile", "tinyimagenet100-16", "resnet32"),
        ("### ResNet-56 on Tiny ImageNet", "tinyimagenet100-16", "resnet56"),
    ):
        for row in rows(heading) if PAGE.exists() else []:
            for column, (metric, scale) in columns.items():
                if "±" in row[column]:
                    name = f"{data}-{model}-{row['method']}-{column}"
                    yield pytest.param((data, 0.2, model), row["method"], row[column], metric, scale, id=name)


@pytest.mark.parametrize(("setting", "name", "cell", "metric", "scale"), list(of_images()))
def test_image_tables(runs: Any, setting: Run, name: str, cell: str, metric: str, scale: float) -> None:
    check(cell, runs[*setting, *method(name), None, None, None][metric], 3, scale)


@pytest.mark.parametrize(
    ("heading", "data", "model"),
    [
        ("### Distillation", "cifar10-jpeg-16", "resnet32"),
        ("### Distillation with ResNet-56 on CIFAR-10", "cifar10-jpeg-16", "resnet56"),
        ("### Distillation on Tiny ImageNet", "tinyimagenet100-16", "resnet32"),
        ("### Distillation with ResNet-56 on Tiny ImageNet", "tinyimagenet100-16", "resnet56"),
    ],
)
def test_distillation(runs: Any, heading: str, data: str, model: str) -> None:
    assert len(rows(heading)) == 5
    for row in rows(heading):
        loss = LOSSES[row["student"]]
        alpha = None if loss == "standard" else 0.1
        teacher = LOSSES[row["teacher"]]
        run = (data, 0.2, model, loss, alpha, teacher, None if teacher == "standard" else 0.1, 2.0)
        check(row["test accuracy"], runs[run]["test_accuracy"], 3)


def test_figure6(runs: Any) -> None:
    assert len(rows("### Figure 6")) == 6
    for row in rows("### Figure 6"):
        alpha = float(row["α of the teacher"])
        teacher = ("label-smoothing", alpha) if alpha else ("standard", None)
        run = ("tinyimagenet100-16", 0.2, "resnet32", "standard", None, *teacher, 1.0)
        check(row["student"], runs[run]["test_accuracy"], 3)


def test_how_far_out_the_mislabelled_lie() -> None:
    """Figures 4, 8 and 9, from the points themselves: the share of the way, along the line through the centre."""
    names = {"Tiny ImageNet": "tinyimagenet100-16", "CIFAR-10": "cifar10-jpeg-16"}
    with Store.open(NOTEBOOK, read_only=True) as store:
        keys = {
            (*_run(run.spec), run.spec.get("seed", 0)): run.key
            for run in store.runs()
            if run.spec["data"]["name"] in names.values() and run.spec["train"]["steps"] == QUICK_STEPS
        }
        for row in rows("### Figures 4 and 8"):
            seeds = [int(seed) for seed in row["seeds"].split(",")]
            for alpha in (0, 0.1, 0.2):
                loss = ("label-smoothing", alpha) if alpha else ("standard", None)
                place = (names[row["data"]], 0.2, row["network"], *loss, None, None, None)
                out = [_way_out(store, keys[*place, seed]) for seed in seeds]
                shown = row[f"α = {alpha}"]
                if len(seeds) == 1:
                    assert shown == f"{out[0]:.2f}"
                else:
                    check(shown, out, len(seeds), 1)
        for row in rows("### Figure 9"):
            for seed in (0, 1, 2):
                place = (names["Tiny ImageNet"], 0.2, "resnet32", LOSSES[row["correction"]], 0.2, None, None, None)
                assert row[f"seed {seed}"] == f"{_way_out(store, keys[*place, seed]):.2f}"


def _way_out(store: Store, key: str) -> float:
    points, given, true = (store.get_array(key, f"projection_{name}") for name in ("points", "given", "true"))
    right = [points[(given == label) & (true == label)] for label in range(3)]
    centres = [(statistics.fmean(own[:, 0]), statistics.fmean(own[:, 1])) for own in right]
    middle = [statistics.fmean(axis) for axis in zip(*centres, strict=True)]
    ways = []
    for (x, y), label in zip(points[given != true], given[given != true], strict=True):
        u, v = (centres[label][axis] - middle[axis] for axis in (0, 1))
        ways.append(((x - middle[0]) * u + (y - middle[1]) * v) / (u * u + v * v))
    return statistics.fmean(ways)


def test_digits(runs: Any) -> None:
    name = ""
    for row in rows("## Digits"):
        name = row["method"] or name
        alpha = None if row["α"] == "–" else float(row["α"])
        for rate in (0.2, 0.4):
            values = runs["digits", rate, "mlp", LOSSES[name], alpha, None, None, None]["test_accuracy"]
            check(row[f"{100 * rate:.0f} % noise"], values, 5)
