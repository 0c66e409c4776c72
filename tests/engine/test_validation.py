"""Validation examples: held out of training with their noisy labels, and measured, however a run is trained."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from engine_samples import ending, run, spec, stop_after

from lsncli.backends.selection import select_backend
from lsncli.data.holding_out import hold_out
from lsncli.engine.events import Measured
from lsncli.engine.settings import EngineSettings
from lsncli.engine.stacking import train_stack
from lsncli.engine.tensor_file import read_tensors
from lsncli.engine.workspace import Workspace, prepare_workspace
from lsncli.plan import DataSpec, RunSpec


def held(size: int | None = 24, **others: Any) -> RunSpec:
    """The usual short run, on what is left of the 64 drawn images."""
    data = DataSpec(name="drawn", validation_size=size)
    return spec(**others).model_copy(update={"data": data})


def workspace(run_spec: RunSpec, settings: EngineSettings) -> Workspace:
    backend, device = select_backend("cpu")
    return prepare_workspace(run_spec, settings, backend.prepare(device, threads=1), backend, "fp32")


def validation(events: Any) -> list[tuple[int, float]]:
    return [
        (event.step, event.metrics["validation_accuracy"])
        for event in events
        if isinstance(event, Measured) and "validation_accuracy" in event.metrics
    ]


def test_images_and_labels_are_those_of_the_whole_set_and_its_noise(settings: EngineSettings) -> None:
    """The split is applied to what the noise has been through: 25 % of all 64 labels are wrong, on both sides."""
    whole, part = workspace(held(None), settings), workspace(held(), settings)
    split = hold_out(64, 24, seed=0)
    assert split is not None
    assert part.validation is not None
    assert part.validation_given is not None
    assert whole.validation is whole.validation_given is None
    for mine, positions, images in (
        (part.given, split.training, part.train.images),
        (part.validation_given, split.validation, part.validation.images),
    ):
        assert torch.equal(mine, whole.given[positions])
        assert torch.equal(images, whole.train.images[positions])
    assert whole.true is not None
    assert int((whole.given != whole.true).sum()) == 16
    assert part.noise_metrics["noise_flip_rate"] == pytest.approx(float((part.given != part.true).float().mean()))
    assert bool((part.validation_given != whole.true[split.validation]).any())


def test_pixels_are_scaled_by_the_training_examples_alone(settings: EngineSettings) -> None:
    work = workspace(held(), settings)
    images = work.train.images.numpy().astype(np.float64)
    assert work.train.normalise.mean[:3].numpy() == pytest.approx(images.mean((0, 1, 2)), rel=1e-5)


def test_every_evaluation_measures_it_and_the_predictions_agree(settings: EngineSettings) -> None:
    one = held()
    events = run(one, settings)
    assert ending(events).status == "done"
    measured = validation(events)
    assert [step for step, _ in measured] == one.evaluation_steps()
    assert settings.checkpoint_dir is not None
    (path,) = settings.checkpoint_dir.rglob("predictions*.safetensors")
    kept, _ = read_tensors(path)
    agreement = (kept["validation_predicted"] == kept["validation_given"]).double().mean()
    assert measured[-1][1] == pytest.approx(float(agreement))
    assert len(kept["validation_given"]) == 24


def test_without_a_validation_set_nothing_is_measured(settings: EngineSettings) -> None:
    assert validation(run(held(None), settings)) == []


def test_a_resumed_run_measures_the_same(
    settings: EngineSettings, elsewhere: EngineSettings, told_every_step: None
) -> None:
    whole = run(held(), elsewhere)
    assert ending(run(held(), settings, stop_after(7))).status == "interrupted"
    assert validation(run(held(), settings)) == validation(whole)


def test_a_stack_measures_what_each_run_measures_alone(settings: EngineSettings, elsewhere: EngineSettings) -> None:
    specs = [held(seed=3), held(seed=4)]
    together = list(train_stack(specs, settings))
    for one in specs:
        assert validation(event for event in together if event.key == one.key) == validation(run(one, elsewhere))


def test_a_batch_larger_than_what_is_left_fails_with_a_message(settings: EngineSettings) -> None:
    end = ending(run(held(60), settings))
    assert end.status == "failed"
    assert "batch_size 16 is larger than the training set (4)" in (end.error or "")
