"""Drawn images and short runs on them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from lsncli.data.arrays import Arrays
from lsncli.data.stored import describe_arrays, save
from lsncli.engine.events import Event, Finished, Measured
from lsncli.plan import ComponentSpec, DataSpec, DistillationSpec, NoiseSpec, RunSpec, TrainSpec, TransitionSpec

CLASSES = 4
COSINE = ComponentSpec(name="cosine", params={"warmup": 0.1})


def draw_images(folder: Path) -> None:
    """Prepare 64 training and 40 test images of 8×6 pixels that can be learnt: red, green, blue and dark ones."""
    generator = np.random.default_rng(7)
    colours = np.array([[140, 0, 0], [0, 140, 0], [0, 0, 140], [0, 0, 0]])

    def part(count: int) -> tuple[np.ndarray, np.ndarray]:
        labels = np.arange(count, dtype=np.int64) % CLASSES
        images = generator.integers(0, 110, (count, 8, 6, 3)) + colours[labels][:, None, None, :]
        return images.astype(np.uint8), labels

    arrays = Arrays.of(*part(64), *part(40), tuple("abcd"))
    save(folder / "prepared" / "drawn", arrays, describe_arrays("drawn", arrays, source="drawn"))


def spec(
    *,
    model: str = "mlp",
    loss: ComponentSpec | str = "standard",
    optimizer: ComponentSpec | None = None,
    seed: int = 3,
    teacher: RunSpec | None = None,
    distillation: DistillationSpec | None = None,
    transition: TransitionSpec | None = None,
    **train: Any,
) -> RunSpec:
    """A short run on the drawn images, a quarter of the labels flipped; its learning rate changes at every step."""
    settings: dict[str, Any] = {"steps": 20, "batch_size": 16, "evaluations": 4, "augment": "crop-flip"}
    settings |= {"crop_padding": 2, "schedule": COSINE} | train
    sgd = ComponentSpec(name="sgd", params={"lr": 0.05, "weight_decay": 1e-3})
    return RunSpec(
        data=DataSpec(name="drawn"),
        noise=NoiseSpec(name="symmetric", params={"rate": 0.25, "count": "exact"}),
        model=ComponentSpec(name=model),
        loss=ComponentSpec(name=loss) if isinstance(loss, str) else loss,
        train=TrainSpec(optimizer=optimizer or sgd, **settings),
        seed=seed,
        teacher=teacher,
        distillation=distillation,
        transition=transition,
    )


def metrics(events: Iterable[Event]) -> dict[tuple[int, str], float]:
    """Every metric by step and name, except the speed."""
    return {
        (event.step, name): value
        for event in events
        if isinstance(event, Measured)
        for name, value in event.metrics.items()
        if name != "images_per_second"
    }


def ending(events: Iterable[Event]) -> Finished:
    """The last event, which says how the run ended."""
    last = list(events)[-1]
    assert isinstance(last, Finished)
    return last
