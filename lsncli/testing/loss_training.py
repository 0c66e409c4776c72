"""Trains with a loss for a moment, alone and in a stack with another run, and compares."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from safetensors.torch import load_file

from lsncli.data.arrays import Arrays
from lsncli.data.stored import describe_arrays, save
from lsncli.engine.events import Event, Finished
from lsncli.engine.settings import EngineSettings
from lsncli.engine.stacking import train_stack
from lsncli.engine.training import train
from lsncli.plan import ComponentSpec, DataSpec, NoiseSpec, RunSpec, TrainSpec
from lsncli.testing.expectations import expect, expect_close

DATA = "conformance"
IMAGES = 48
MODEL = ComponentSpec(name="mlp", params={"hidden": [6]})


def compare_stacked_and_alone(loss: ComponentSpec, num_classes: int) -> None:
    """Train a run of ``loss`` in a stack, after a run of the standard loss, and alone: the same weights come out.

    Float32 rounds at 6e-8; eight steps of a smooth training cannot make more than 1e-3 of it. A run that
    diverges must do so both ways.
    """
    with tempfile.TemporaryDirectory(prefix="lsn-conformance-") as folder:
        data_dir = Path(folder, "data")
        _draw_images(data_dir, num_classes)
        together, alone = (
            EngineSettings(data_dir=data_dir, checkpoint_dir=Path(folder, name), device="cpu", threads=1)
            for name in ("together", "alone")
        )
        spec, neighbour = _run(loss), _run(ComponentSpec(name="standard"), seed=1)
        stacked = _ending(train_stack([neighbour, spec], together), spec)
        single = _ending(train(spec, alone), spec)
        for how, ending in (("in a stack", stacked), ("alone", single)):
            expect(ending.status in ("done", "diverged"), f"a run {how} ended as {ending.status}: {ending.error}")
        expect(
            stacked.status == single.status,
            f"a run ended as {stacked.status} in a stack and as {single.status} alone",
        )
        if single.status == "done":
            _compare(spec, together, alone)


def _compare(spec: RunSpec, together: EngineSettings, alone: EngineSettings) -> None:
    paths = together.weights_path(spec.key), alone.weights_path(spec.key)
    ours, theirs = (load_file(path) for path in paths if path is not None)
    for name in theirs:
        expect_close(ours[name], theirs[name], f"{name} of an mlp, in a stack and alone", rtol=1e-3, atol=1e-4)


def _run(loss: ComponentSpec, seed: int = 0) -> RunSpec:
    """Eight steps, more than two epochs, under symmetric noise."""
    return RunSpec(
        data=DataSpec(name=DATA),
        noise=NoiseSpec(name="symmetric", params={"rate": 0.3}, seed=seed),
        model=MODEL,
        loss=loss,
        train=TrainSpec(
            steps=8,
            batch_size=16,
            evaluations=1,
            optimizer=ComponentSpec(name="sgd", params={"lr": 0.02}),
            schedule=ComponentSpec(name="constant"),
        ),
        seed=seed,
    )


def _ending(events: Iterable[Event], spec: RunSpec) -> Finished:
    return next(event for event in events if isinstance(event, Finished) and event.key == spec.key)


def _draw_images(data_dir: Path, num_classes: int) -> None:
    """A prepared data set of random images of 4×4 pixels, with every class among the labels."""
    generator = np.random.default_rng(20200306)
    (train_images, train_labels), (test_images, test_labels) = (
        (
            generator.integers(0, 256, (count, 4, 4, 1), dtype=np.uint8),
            np.arange(count, dtype=np.int64) % num_classes,
        )
        for count in (IMAGES, 2 * num_classes)
    )
    names = tuple(f"class-{i}" for i in range(num_classes))
    arrays = Arrays.of(train_images, train_labels, test_images, test_labels, names)
    save(data_dir / "prepared" / DATA, arrays, describe_arrays(DATA, arrays, source="drawn"))
