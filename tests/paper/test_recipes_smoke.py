"""Every shipped recipe runs at the smoke profile, on drawn images, and its report has no missing cell."""

from __future__ import annotations

import csv
import fcntl
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lsncli.data.arrays import Arrays
from lsncli.data.stored import describe_arrays, save
from lsncli.recipe.loading import Overrides, load, training_recipes
from lsncli.recipe.resolve import resolve

DRAWN = {"cifar10": ("drawn10", 10), "cifar100": ("drawn100", 100)}


def draw(folder: Path, name: str, classes: int) -> None:
    """Coloured noise, brighter or darker by class: enough for training steps to run."""
    generator = np.random.default_rng(classes)
    labels = {part: np.arange(count) % classes for part, count in (("train", 400), ("test", 200))}
    images = {
        part: generator.integers(0, 200, (len(y), 32, 32, 3)).astype(np.uint8)
        + (y[:, None, None, None] * 55 // classes).astype(np.uint8)
        for part, y in labels.items()
    }
    arrays = Arrays.of(
        images["train"],
        labels["train"].astype(np.int64),
        images["test"],
        labels["test"].astype(np.int64),
        tuple(f"class{i:03d}" for i in range(classes)),
    )
    save(folder / "prepared" / name, arrays, describe_arrays(name, arrays, source="drawn"))


def draw_imagenet(folder: Path) -> None:
    """A thousand classes of one small image each, in ImageNet's own folders."""
    generator = np.random.default_rng(0)
    for part in ("train", "val"):
        for number in range(1000):
            place = folder / "imagenet" / part / f"n{number:08d}"
            place.mkdir(parents=True)
            pixels = generator.integers(0, 255, (32, 32, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(place / "image.jpeg")


def recipe_names() -> list[str]:
    """The recipes that train, and can on small drawn images."""
    return [name for name in training_recipes() if resolvable(name)]


def resolvable(name: str) -> bool:
    specs = resolve(load(name, Overrides(profile="smoke"))).specs()
    return all(spec.data.name in (*DRAWN, "digits", "imagenet") for spec in specs)


def lsn(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "LSN_DATA_DIR": str(folder / "data"), "LSN_DB": str(folder / "results.db")}
    return subprocess.run(
        [sys.executable, "-m", "lsncli", *arguments],
        capture_output=True,
        text=True,
        cwd=folder,
        env=environment,
        timeout=600,
        check=False,
    )


def data_options(name: str) -> list[str]:
    used = {spec.data.name for spec in resolve(load(name, Overrides(profile="smoke"))).specs()}
    return [option for real in sorted(used & set(DRAWN)) for option in ("--data", f"{real}={DRAWN[real][0]}")]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The database of all recipes; the first process that asks trains for all of them."""
    base = tmp_path_factory.getbasetemp()
    # With pytest-xdist each process has a folder of its own inside the one that they share.
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "all-recipes"
    folder.mkdir(exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        outcome = folder / "outcome"
        if not outcome.exists():
            outcome.write_text(train_all(folder))
    assert outcome.read_text() == ""
    return folder


def train_all(folder: Path) -> str:
    """Run every recipe at the smoke profile; the end of its messages if that failed."""
    for name, classes in DRAWN.values():
        draw(folder / "data", name, classes)
    draw_imagenet(folder / "data")
    options = [o for real, (name, _) in DRAWN.items() for o in ("--data", f"{real}={name}")]
    done = lsn(folder, "run", *recipe_names(), "--profile", "smoke", *options)
    return "" if done.returncode == 0 else done.stderr[-3000:]


@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", recipe_names())
def test_no_cell_is_missing(trained: Path, name: str) -> None:
    done = lsn(trained, "report", name, "--profile", "smoke", *data_options(name), "--format", "json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["profile"] == "smoke"
    assert report["cells"]
    assert {cell["status"] for cell in report["cells"]} == {"complete"}
    assert all(len(cell["values"]) == cell["n"] == len(cell["keys"]) for cell in report["cells"])


@pytest.mark.timeout(600)
@pytest.mark.parametrize("number", range(1, 10))
def test_no_point_of_a_figure_is_missing(trained: Path, number: int) -> None:
    recipe = {2: "figure2", 3: "figure3", 7: "figure3", 4: "figure4", 8: "figure4", 9: "figure4", 6: "figure6"}
    options = ["--profile", "smoke", *data_options(recipe[number])] if number in recipe else []
    done = lsn(trained, "report", "--figure", str(number), *options, "--format", "json")
    assert done.returncode == 0, done.stderr
    figure = json.loads(done.stdout)
    assert (number in recipe) == bool(figure["cells"])
    assert {cell["status"] for cell in figure["cells"]} <= {"complete"}
    drawn = lsn(trained, "report", "--figure", str(number), *options, "--output", f"{number}.png")
    assert drawn.returncode == 0, drawn.stderr
    with Image.open(trained / f"{number}.png") as picture:
        assert picture.format == "PNG"
        assert min(picture.size) > 300


@pytest.mark.timeout(600)
def test_all_of_it_in_one_folder(trained: Path) -> None:
    options = [o for real, (name, _) in DRAWN.items() for o in ("--data", f"{real}={name}")]
    done = lsn(trained, "report", "--all", *options, "--format", "csv", "--output", "whole/report")
    assert done.returncode == 0, done.stderr
    written = {file.name for file in (trained / "whole" / "report").iterdir()}
    tables = {f"table{n}.csv" for n in range(1, 8)}
    assert written == tables | {f"figure{n}.png" for n in range(1, 10)} | {"claims.csv"}
    # Without --profile all of it is under the one that has results.
    assert "all under profile smoke" in done.stderr
    for number in (2, 3, 4, 5, 7):
        with (trained / "whole" / "report" / f"table{number}.csv").open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        assert {(row["profile"], row["status"]) for row in rows} == {("smoke", "complete")}


@pytest.mark.timeout(600)
def test_a_second_run_trains_nothing(trained: Path) -> None:
    done = lsn(trained, "run", "table7", "--profile", "smoke", *data_options("table7"))
    assert done.returncode == 0
    assert " 0 trained" in done.stderr


def keys(name: str, profile: str = "paper") -> set[str]:
    return {spec.key for spec in resolve(load(name, Overrides(profile=profile))).specs()}


@pytest.mark.parametrize("profile", ["paper", "quick"])
def test_tables_and_figures_share_their_runs(profile: str) -> None:
    """Tables 3 and 4 and Figure 3 are all inside Figure 2; Table 7's baselines teach Table 5's students."""
    figure2 = keys("figure2", profile)
    assert keys("table3", profile) <= figure2
    assert keys("table4", profile) <= figure2
    assert keys("figure3", profile) <= figure2
    table7 = keys("table7", profile)
    assert len(table7 & figure2) >= 2 * 4 * 3
    students = resolve(load("table5", Overrides(profile=profile))).specs()
    assert {s.teacher.key for s in students if s.teacher} <= table7


def test_the_plain_baseline_is_one_run() -> None:
    """At α = 0 every method is plain cross-entropy: no recipe trains it again under another name."""
    for name in training_recipes():
        specs = resolve(load(name)).specs()
        losses = [s.loss for s in specs] + [s.teacher.loss for s in specs if s.teacher]
        assert not [loss for loss in losses if loss.params.get("alpha") == 0.0], name
    assert len(keys("table2")) == 1 + 2 * 4
