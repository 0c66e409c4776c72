"""Stacked training of small networks against a plain loop: microseconds of a step of one run, and ratios.

Run: uv run python benchmarks/stacking.py [--rounds 7] [--runs 20] [--threads 1]

The peer is the loop that one would write: TensorDataset, DataLoader (without workers, which is the faster choice
for tensors), SGD with Nesterov's momentum, ``loss.item()`` in every step. Both sides train the same modules on the
same 64 features, 10 classes, batch 128. The variants take turns, a burst each; the median over the rounds is
printed with the spread of the ratio to the peer's burst of the same round.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from lsncli.data.arrays import Arrays
from lsncli.data.stored import describe_arrays, save
from lsncli.engine.building import build_architecture
from lsncli.engine.events import Event, Progress
from lsncli.engine.settings import EngineSettings
from lsncli.engine.stacking import train_stack
from lsncli.engine.training import train
from lsncli.plan import ComponentSpec, DataSpec, NoiseSpec, RunSpec, TrainSpec

CLASSES, BATCH, TRAIN = 10, 128, 12_800
SECONDS = 1.0
LOSSES = (
    ComponentSpec(name="standard"),
    ComponentSpec(name="label-smoothing", params={"alpha": 0.2}),
    ComponentSpec(name="forward-correction", params={"alpha": 0.2}),
    ComponentSpec(name="backward-correction", params={"alpha": 0.2}),
)
#: Gives the steps that were made in a burst, all runs together, and the seconds that they took.
Burst = Callable[[], tuple[int, float]]


@dataclass(frozen=True)
class Variant:
    name: str
    burst: Burst


def peer(model: ComponentSpec, arrays: Arrays) -> Burst:
    images = torch.from_numpy(arrays.train_images).float().flatten(1) / 255
    loader = DataLoader(
        TensorDataset((images - images.mean()) / images.std(), torch.from_numpy(arrays.train_labels)),
        batch_size=BATCH,
        shuffle=True,
        drop_last=True,
    )
    module = build_architecture(model, CLASSES, (8, 8, 1))
    optimizer = torch.optim.SGD(module.parameters(), lr=0.01, momentum=0.9, nesterov=True, weight_decay=1e-4)
    criterion = nn.CrossEntropyLoss()

    def steps() -> Iterator[float]:
        while True:
            for inputs, labels in loader:
                optimizer.zero_grad()
                loss = criterion(module(inputs), labels)
                loss.backward()
                optimizer.step()
                yield loss.item()

    training = steps()

    def burst() -> tuple[int, float]:
        begin, count = time.perf_counter(), 0
        while (passed := time.perf_counter() - begin) < SECONDS:
            next(training)
            count += 1
        return count, passed

    return burst


def engine(
    model: ComponentSpec, runs: int, settings: EngineSettings, *, stacked: bool = True, mixed: bool = False
) -> Burst:
    specs = [
        RunSpec(
            data=DataSpec(name="features"),
            noise=NoiseSpec(name="symmetric", params={"rate": 0.2}, seed=seed),
            model=model,
            loss=LOSSES[seed % len(LOSSES) if mixed else 0],
            train=TrainSpec(
                steps=10**9,
                batch_size=BATCH,
                optimizer=ComponentSpec(name="sgd", params={"lr": 0.01, "weight_decay": 1e-4}),
                evaluations=1,
            ),
            seed=seed,
        )
        for seed in range(runs)
    ]
    events: Iterator[Event] = train_stack(specs, settings) if stacked else train(specs[0], settings)
    at = {spec.key: 0 for spec in specs}

    def burst() -> tuple[int, float]:
        torch.set_num_threads(settings.threads or 1)
        before, begin = sum(at.values()), time.perf_counter()
        while True:
            event = next(events)
            if isinstance(event, Progress):
                at[event.key] = event.step
                passed = time.perf_counter() - begin
                if passed >= SECONDS and len(set(at.values())) == 1:
                    return sum(at.values()) - before, passed

    return burst


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    generator = np.random.default_rng(0)
    images = generator.integers(0, 256, (TRAIN + CLASSES, 8, 8, 1), dtype=np.uint8)
    labels = generator.integers(0, CLASSES, TRAIN + CLASSES)
    names = tuple(f"class {number}" for number in range(CLASSES))
    arrays = Arrays.of(images[:TRAIN], labels[:TRAIN], images[TRAIN:], labels[TRAIN:], names)
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "prepared").mkdir()
        save(
            Path(folder) / "prepared" / "features", arrays, describe_arrays("features", arrays, source="synthetic")
        )
        settings = EngineSettings(Path(folder), device="cpu", threads=options.threads)
        torch.set_num_threads(options.threads)
        for model in (ComponentSpec(name="mlp"), ComponentSpec(name="linear")):
            variants = [
                Variant("peer", peer(model, arrays)),
                Variant("one run", engine(model, 1, settings, stacked=False)),
                Variant("a stack of one", engine(model, 1, settings)),
                Variant(f"{options.runs} runs stacked", engine(model, options.runs, settings)),
                Variant(f"{options.runs} runs, four losses", engine(model, options.runs, settings, mixed=True)),
            ]
            report(model.name, variants, options.rounds)


def report(model: str, variants: list[Variant], rounds: int) -> None:
    seen: dict[str, list[float]] = {variant.name: [] for variant in variants}
    for number in range(rounds + 1):
        for variant in variants:
            steps, seconds = variant.burst()
            if number:  # the first round warms up
                seen[variant.name].append(seconds / steps * 1e6)
    for name, times in seen.items():
        ratios = [mine / own for mine, own in zip(seen["peer"], times, strict=True)]
        print(
            f"{model:7} {name:25} {statistics.median(times):8.1f} us  {statistics.median(ratios):6.2f}x"
            f"  ({min(ratios):.2f} to {max(ratios):.2f})",
            flush=True,
        )


if __name__ == "__main__":
    main()
