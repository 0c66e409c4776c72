"""What is trained while the speed is measured: synthetic data of the usual sizes, and the run that learns it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lsncli.data.arrays import Arrays
from lsncli.data.context import DataContext
from lsncli.data.stored import describe_arrays, save
from lsncli.errors import LsnError
from lsncli.parameters import NoParams, validate
from lsncli.plan import ComponentSpec, DataSpec, NoiseSpec, RunSpec, TrainSpec
from lsncli.registry import registry

BATCH_SIZE = 128
NUM_CLASSES = 10
#: 100 batches an epoch. The padded images are 61 MB: as with a real data set, they do not fit a cache.
TRAIN_SIZE = 100 * BATCH_SIZE
#: Never reached: a measured run is paused and, in the end, left.
ENDLESS = 10**9
#: Learns from flattened features; everything else learns from images, with crops and flips.
DENSE = frozenset({"linear", "mlp"})
DEFAULT_MODELS = ("resnet8", "resnet32", "resnet56", "mlp", "linear")
QUICK_MODELS = ("resnet8", "mlp", "linear")


@dataclass(frozen=True, slots=True)
class Workload:
    """A model and the kind of data that it learns: ``images`` of 32×32×3, or 64 ``features`` (8×8×1)."""

    model: str

    @property
    def dense(self) -> bool:
        """Whether the model is so small that the work between its matrix products counts."""
        return self.model in DENSE

    @property
    def data(self) -> str:
        """The name of the synthetic data set."""
        return "bench-features" if self.dense else "bench-images"

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Height, width and channels."""
        return (8, 8, 1) if self.dense else (32, 32, 3)

    def spec(self, seed: int = 0) -> RunSpec:
        """The run: SGD with Nesterov's momentum as in the paper's appendix B.2, crops and flips for images."""
        return RunSpec(
            data=DataSpec(name=self.data),
            noise=NoiseSpec(name="none", revision=_revision("noise model", "none")),
            model=ComponentSpec(name=self.model, revision=_revision("architecture", self.model)),
            loss=ComponentSpec(name="standard", revision=_revision("loss", "standard")),
            train=TrainSpec(
                steps=ENDLESS,
                batch_size=BATCH_SIZE,
                optimizer=_component("optimizer", "sgd", lr=LEARNING_RATE, weight_decay=WEIGHT_DECAY),
                schedule=_component("schedule", "constant"),
                augment="none" if self.dense else "crop-flip",
                evaluations=1,
            ),
            seed=seed,
        )


#: Of both sides; small, because nothing is to be learned from random labels and nothing may overflow.
LEARNING_RATE = 0.01
WEIGHT_DECAY = 1e-4


def workloads(models: Iterable[str]) -> list[Workload]:
    """One for each model; raises :class:`LsnError` for one that is unknown, or cannot do without parameters."""
    chosen = list(dict.fromkeys(models))
    if not chosen:
        raise LsnError("no model to measure", where="--models", valid=registry().names("architecture"))
    for name in chosen:
        info = registry().get("architecture", name, where="--models")
        validate(info.params or NoParams, {}, where="--models", subject=f"architecture {name!r}")
    return [Workload(name) for name in chosen]


def write_data(chosen: Iterable[Workload], data_dir: Path) -> dict[str, Arrays]:
    """Write the synthetic data sets into ``data_dir``, where the engine finds them by name; they are returned.

    Pixels and labels are uniform and always the same. The test set is the ten images that an evaluation must
    have; none is ever made.
    """
    written: dict[str, Arrays] = {}
    for workload in chosen:
        if workload.data in written:
            continue
        generator = np.random.default_rng(0)
        images = generator.integers(0, 256, size=(TRAIN_SIZE + NUM_CLASSES, *workload.image_shape), dtype=np.uint8)
        labels = generator.integers(0, NUM_CLASSES, size=TRAIN_SIZE + NUM_CLASSES, dtype=np.int64)
        names = tuple(f"class {i}" for i in range(NUM_CLASSES))
        arrays = Arrays.of(
            images[:TRAIN_SIZE], labels[:TRAIN_SIZE], images[TRAIN_SIZE:], labels[TRAIN_SIZE:], names
        )
        folder = DataContext(data_dir).prepared_dir / workload.data
        folder.parent.mkdir(parents=True, exist_ok=True)
        save(folder, arrays, describe_arrays(workload.data, arrays, source="synthetic"))
        written[workload.data] = arrays
    return written


def _component(kind: str, name: str, **params: Any) -> ComponentSpec:
    return ComponentSpec(name=name, params=params, revision=_revision(kind, name))


def _revision(kind: str, name: str) -> int:
    return int(registry().get(kind, name).revision)
