"""A teacher, or the network behind an estimate, sees images as its own training set normalises them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from engine_samples import CLASSES, draw_images, ending, run, spec

from lsncli.backends.cpu import CpuBackend
from lsncli.backends.selection import select_backend
from lsncli.batch import fetch_data
from lsncli.data.arrays import Arrays
from lsncli.data.context import DataContext
from lsncli.data.holding_out import hold_out
from lsncli.data.stored import describe_arrays, save
from lsncli.engine.finished_run import FinishedRunReader
from lsncli.engine.images import Normalisation
from lsncli.engine.run import Run
from lsncli.engine.settings import EngineSettings
from lsncli.errors import LsnError
from lsncli.estimators.anchor import anchor_estimate
from lsncli.plan import ComponentSpec, DataSpec, DistillationSpec, Plan, RunSpec, TransitionSpec

CPU = torch.device("cpu")

OTHER = {
    "another set": DataSpec(name="dim"),
    "a subset": DataSpec(name="drawn", train_size=16),
    "less held out": DataSpec(name="drawn", validation_size=20),
}


@pytest.fixture(scope="module")
def images(data_dir: Path) -> dict[str, np.ndarray]:
    """The training images of ``drawn``, and of ``dim``, which are darker and of less contrast."""
    drawn = draw_images(data_dir)
    dim = Arrays.of(
        drawn.train_images // 3, drawn.train_labels, drawn.test_images, drawn.test_labels, tuple("abcd")
    )
    save(data_dir / "prepared" / "dim", dim, describe_arrays("dim", dim, source="drawn"))
    return {"drawn": drawn.train_images, "dim": dim.train_images, "labels": drawn.train_labels}


def own_images(data: DataSpec, images: dict[str, np.ndarray]) -> np.ndarray:
    """What a run on ``data`` is trained on, by the definition of each part."""
    if data.train_size:
        drawn = Arrays.of(images["drawn"], images["labels"], images["drawn"], images["labels"], tuple("abcd"))
        return drawn.subset(data.train_size, None, data.subset_seed).train_images
    held = hold_out(64, data.validation_size, data.subset_seed)
    return images[data.name] if held is None else images[data.name][held.training]


def of(data: DataSpec, **how: Any) -> RunSpec:
    # Smaller than usual: of a network that is sure of everything, any normalisation gives the same probabilities.
    return spec(optimizer={"lr": 0.01}, batch_size=8, **how).model_copy(update={"data": data})


def said(teacher: RunSpec, data: DataSpec, settings: EngineSettings, images: dict[str, np.ndarray]) -> torch.Tensor:
    """The teacher's logits ``[N, L]`` of all images of ``drawn``, normalised by what ``data`` is trained on."""
    reader = FinishedRunReader(settings, CPU, CpuBackend(), "fp32", CLASSES, (8, 6, 3))
    normalise = Normalisation.of(own_images(data, images), CPU)
    return reader.network(teacher)(normalise(torch.from_numpy(images["drawn"])))


def built(run_spec: RunSpec, settings: EngineSettings) -> Run:
    backend, name = select_backend("cpu")
    return Run(run_spec, settings, backend, name, backend.prepare(name, threads=1))


@pytest.mark.parametrize("name", OTHER)
@pytest.mark.parametrize("view", ["augmented", "clean"])
def test_a_teacher(view: str, name: str, settings: EngineSettings, images: dict[str, np.ndarray]) -> None:
    teacher = of(OTHER[name])
    assert ending(run(teacher, settings)).status == "done"
    distillation = DistillationSpec(teacher_view=view, temperature=2.0)  # type: ignore[arg-type]
    student = of(DataSpec(name="drawn")).model_copy(update={"teacher": teacher, "distillation": distillation})
    work = built(student, settings).work
    assert work.teacher is not None
    indices = torch.arange(64)
    targets = work.teacher.targets(indices, work.train.at(indices))
    expected, wrong = said(teacher, OTHER[name], settings, images), said(teacher, student.data, settings, images)
    torch.testing.assert_close(targets, torch.softmax(expected / 2, 1), rtol=1e-4, atol=1e-5)
    assert not torch.allclose(targets, torch.softmax(wrong / 2, 1), rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("name", OTHER)
def test_the_network_behind_an_estimate(name: str, settings: EngineSettings, images: dict[str, np.ndarray]) -> None:
    base = of(OTHER[name])
    assert ending(run(base, settings)).status == "done"
    loss = ComponentSpec(name="forward-correction", params={"transition": "estimated"})
    transition = TransitionSpec(estimator=ComponentSpec(name="anchor"), run=base)
    estimating = of(DataSpec(name="drawn"), loss=loss).model_copy(update={"transition": transition})
    estimate = built(estimating, settings).work.estimate
    expected, wrong = (
        anchor_estimate(torch.softmax(said(base, data, settings, images).double(), 1).numpy(), 99.9)
        for data in (OTHER[name], estimating.data)
    )
    assert estimate == pytest.approx(expected, abs=1e-4)
    assert np.abs(expected - wrong).max() > 1e-3


@pytest.mark.parametrize(
    "data", [DataSpec(name="drawn"), DataSpec(name="drawn", test_size=20), DataSpec(name="twin")], ids=str
)
def test_of_the_same_training_images_nothing_is_changed(
    data: DataSpec, settings: EngineSettings, images: dict[str, np.ndarray]
) -> None:
    """Its numbers stay what they were, to the bit: also of another test set, or a copy of the images."""
    draw_images(settings.data_dir, name="twin")
    teacher = of(data)
    run(teacher, settings)
    student = of(DataSpec(name="drawn"))
    reader = FinishedRunReader(settings, CPU, CpuBackend(), "fp32", CLASSES, (8, 6, 3), student.data)
    batch = Normalisation.of(images["drawn"], CPU)(torch.from_numpy(images["drawn"]))
    assert torch.equal(reader.network(teacher)(batch), said(teacher, student.data, settings, images))


def test_the_data_of_a_finished_teacher_are_looked_for_first(data_dir: Path) -> None:
    """Before anything is trained, though nobody trains on them any more."""
    teacher = of(DataSpec(name="nowhere"))
    student = of(DataSpec(name="drawn")).model_copy(update={"teacher": teacher, "distillation": DistillationSpec()})
    pending = Plan.of([student]).without([teacher.key])
    with pytest.raises(LsnError, match="'nowhere'"):
        fetch_data(pending, DataContext(data_dir))
