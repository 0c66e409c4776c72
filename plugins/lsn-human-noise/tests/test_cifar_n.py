"""CIFAR-10N and CIFAR-100N as noise models: the right labels for the right images, or a refusal."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from lsncli import CheckContext, LsnError, NoiseContext
from lsncli.data import catalogue
from lsncli.data.arrays import Arrays
from lsncli.data.cifar import CIFAR100_CLASSES, CifarParams
from lsncli.data.context import DataContext
from lsncli.data.stored import describe_arrays, save
from lsncli.engine.events import Finished, Measured, Recorded
from lsncli.engine.settings import EngineSettings
from lsncli.engine.training import train
from lsncli.plan import ComponentSpec, DataSpec, NoiseSpec, RunSpec, TrainSpec
from lsncli.registry import registry

from lsn_human_noise.coarse import SUPERCLASSES

N = 60
CLEAN = np.arange(N) % 10
NAMES = {"aggre": "aggre_label", "worst": "worse_label", **{f"random{i}": f"random_label{i}" for i in (1, 2, 3)}}
NOISY = {name: (CLEAN + (np.arange(N) % (5 + i) == 0)) % 10 for i, name in enumerate(NAMES)}


def write(folder: Path, **changed: Any) -> None:
    content = {"clean_label": CLEAN} | {file: NOISY[ours] for ours, file in NAMES.items()} | changed
    folder.mkdir(parents=True, exist_ok=True)
    torch.save(content, folder / "CIFAR-10_human.pt")


def model(name: str, folder: Path | None, classes: int = 10, positions: Any = None, **params: Any) -> Any:
    info = registry().get("noise model", name)
    return info.build(info.params(**params), NoiseContext("cifar10", classes, (), positions, folder))


def apply(noise: Any, labels: Any, classes: int = 10) -> np.ndarray:
    return noise.apply(np.asarray(labels), classes, np.random.default_rng(0))


@pytest.mark.parametrize("name", [*NAMES, "clean"])
def test_each_label_set(name: str, tmp_path: Path) -> None:
    write(tmp_path)
    found = apply(model("cifar10n", tmp_path, labels=name), CLEAN)
    np.testing.assert_array_equal(found, NOISY.get(name, CLEAN))
    assert found.dtype == np.int64
    assert model("cifar10n", tmp_path, labels=name).transition(10) is None


@pytest.mark.parametrize("folder", [".", "cifar10", "CIFAR-N", "cifar-n", "noise_label"])
def test_where_the_file_is_looked_for(folder: str, tmp_path: Path) -> None:
    write(tmp_path / folder)
    np.testing.assert_array_equal(apply(model("cifar10n", tmp_path), CLEAN), NOISY["worst"])


def test_a_missing_file_is_told_of_with_its_place(tmp_path: Path) -> None:
    with pytest.raises(LsnError, match=r"CIFAR-10_human\.pt is not on this machine") as error:
        model("cifar10n", tmp_path)
    assert error.value.where == str(tmp_path)
    assert "UCSC-REAL" in str(error.value.next)


def test_another_order_is_refused(tmp_path: Path) -> None:
    """Sorted by class, as a folder of images is: labels of other images must not slip in."""
    write(tmp_path)
    with pytest.raises(LsnError) as error:
        apply(model("cifar10n", tmp_path), np.sort(CLEAN))
    assert "the true labels in CIFAR-10_human.pt are not those of data set 'cifar10': 50 of 60 differ" in str(error)
    assert "first those of training example 1 (1 in the file, 0 in the data)" in str(error)
    almost = CLEAN.copy()
    almost[[17, 18]] = almost[[18, 17]]  # two images changed places
    with pytest.raises(LsnError, match="2 of 60 differ, first those of training example 17"):
        apply(model("cifar10n", tmp_path), almost)


def test_another_number_of_examples_is_refused(tmp_path: Path) -> None:
    write(tmp_path)
    with pytest.raises(LsnError, match="labels for 60 examples, but data set 'cifar10' has 59"):
        apply(model("cifar10n", tmp_path), CLEAN[:-1])
    with pytest.raises(LsnError, match="labels for 60 examples"):
        apply(model("cifar10n", tmp_path, positions=np.array([3, 60])), CLEAN[[3, 0]])


def test_a_subset_gets_the_labels_of_its_examples(tmp_path: Path) -> None:
    write(tmp_path)
    positions = np.array([3, 5, 20, 59])
    found = apply(model("cifar10n", tmp_path, positions=positions), CLEAN[positions])
    np.testing.assert_array_equal(found, NOISY["worst"][positions])
    with pytest.raises(LsnError, match="4 of 4 differ"):
        apply(model("cifar10n", tmp_path, positions=positions), (CLEAN[positions] + 1) % 10)


def test_a_label_set_that_is_not_there(tmp_path: Path) -> None:
    torch.save({"clean_label": CLEAN}, tmp_path / "CIFAR-10_human.pt")
    with pytest.raises(LsnError, match="no labels 'worse_label'") as error:
        model("cifar10n", tmp_path)
    assert "clean_label" in str(error.value.valid)
    write(tmp_path, worse_label=CLEAN + 1)
    with pytest.raises(LsnError, match="labels from 1 to 10"):
        apply(model("cifar10n", tmp_path), CLEAN)


@pytest.mark.parametrize(("name", "classes"), [("cifar10n", 100), ("cifar100n", 10)])
def test_other_data_are_refused_while_the_plan_is_made(name: str, classes: int) -> None:
    info = registry().get("noise model", name)
    context = CheckContext("other", classes, name, False)
    with pytest.raises(ValueError, match=f"data set 'other' has {classes}"):
        info.check(info.params(), context)
    info.check(info.params(), CheckContext("unknown", None, name, False))


@pytest.mark.parametrize("key", ["noisy_label", "noise_label"])
def test_cifar100n_fine_and_coarse(key: str, tmp_path: Path) -> None:
    fine, coarse = np.arange(200) % 100, np.arange(200) % 20
    content = {
        "clean_label": fine,
        key: (fine + 1) % 100,
        "clean_coarse_label": coarse,
        "noisy_coarse_label": (coarse + 3) % 20,
    }
    np.save(tmp_path / "CIFAR-100_human.npy", np.array(content, dtype=object), allow_pickle=True)
    np.testing.assert_array_equal(apply(model("cifar100n", tmp_path, 100), fine, 100), content[key])
    np.testing.assert_array_equal(apply(model("cifar100n", tmp_path, 100, labels="clean"), fine, 100), fine)
    found = apply(model("cifar100n", tmp_path, 20), coarse, 20)
    np.testing.assert_array_equal(found, content["noisy_coarse_label"])
    with pytest.raises(LsnError, match="differ"):
        apply(model("cifar100n", tmp_path, 20), (coarse + 1) % 20, 20)


@pytest.fixture
def cifar_folder(tmp_path: Path) -> Path:
    """A tiny CIFAR-10 and CIFAR-100, as the decoded copies that lsn itself keeps, and labels for the first."""
    generator = np.random.default_rng(1)
    ten = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]
    for name, classes in (("cifar10", tuple(ten)), ("cifar100", CIFAR100_CLASSES)):
        size = 60 if name == "cifar10" else 200
        images = [generator.integers(0, 256, (count, 32, 32, 3), dtype=np.uint8) for count in (size, len(classes))]
        labels = [np.arange(len(part)) % len(classes) for part in images]
        arrays = Arrays.of(images[0], labels[0], images[1], labels[1], classes)
        save(tmp_path / "cache" / name, arrays, describe_arrays(name, arrays, source="drawn"))
    write(tmp_path)
    return tmp_path


def test_the_superclasses_are_numbered_as_in_the_files(cifar_folder: Path) -> None:
    """Some of the pairs of fine and coarse numbers that CIFAR-100's own files hold: apple 0, 4; dolphin 30, 0;
    trout 91, 1; whale 95, 0; woman 98, 14; worm 99, 13; tractor 89, 19; bicycle 8, 18."""
    assert catalogue.image_shape("cifar100-coarse", {"size": 16}, None) == (16, 16, 3)
    build = registry().get("data set", "cifar100-coarse").build
    arrays = build(CifarParams(), DataContext(cifar_folder))
    pairs = {0: 4, 30: 0, 91: 1, 95: 0, 98: 14, 99: 13, 89: 19, 8: 18}
    assert {fine: int(arrays.train_labels[fine]) for fine in pairs} == pairs
    assert np.bincount(arrays.train_labels).tolist() == [10] * 20
    assert arrays.class_names == SUPERCLASSES
    assert build.available(cifar_folder)
    assert build(CifarParams(size=16), DataContext(cifar_folder)).image_shape == (16, 16, 3)


@pytest.mark.parametrize("size", [None, 30])
def test_a_run_trains_on_human_labels(size: int | None, cifar_folder: Path, tmp_path: Path) -> None:
    """The stored flip rate and counts are those of the file; a subset has those of its own examples."""
    spec = RunSpec(
        data=DataSpec(name="cifar10", train_size=size),
        noise=NoiseSpec(name="cifar10n", params={"labels": "worst"}),
        model=ComponentSpec(name="linear"),
        loss=ComponentSpec(name="standard"),
        train=TrainSpec(steps=2, batch_size=10, evaluations=1, optimizer=ComponentSpec(name="sgd")),
        seed=0,
    )
    events = list(train(spec, EngineSettings(cifar_folder, tmp_path / "out", device="cpu", threads=1)))
    assert isinstance(events[-1], Finished)
    assert events[-1].status == "done", events[-1].error
    rate = next(e.metrics["noise_flip_rate"] for e in events if isinstance(e, Measured))
    counts = next(e.array for e in events if isinstance(e, Recorded) and e.name == "noise_transition_counts")
    if size is None:
        assert rate == (NOISY["worst"] != CLEAN).mean()
        expected = np.zeros((10, 10), dtype=int)
        np.add.at(expected, (CLEAN, NOISY["worst"]), 1)
        np.testing.assert_array_equal(counts, expected)
    assert counts.sum() == (size or N)
