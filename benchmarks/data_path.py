"""Augmented training batches: tensors cropped and flipped at once, against PIL images through a DataLoader.

Run: python benchmarks/data_path.py [--rounds 5] [--threads N]

Target: at least 8 times the images per second of the loader with two workers.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from itertools import count
from typing import Any

import numpy as np
import torch
from against_target import Target, compare

from lsncli.bench.alternation import Repeated
from lsncli.bench.peer import PREFETCH, SETTLE_SECONDS, WORKERS, image_loader
from lsncli.bench.workloads import BATCH_SIZE, TRAIN_SIZE
from lsncli.data.arrays import Arrays
from lsncli.engine.images import Normalisation, TrainingImages


def batches_of_tensors(arrays: Arrays) -> Iterator[Any]:
    device = torch.device("cpu")
    images = TrainingImages(
        arrays.train_images, Normalisation.of(arrays.train_images, device), "crop-flip", 4, device
    )
    for epoch in count():
        draws = images.draw(0, epoch)
        for start in range(0, TRAIN_SIZE, BATCH_SIZE):
            yield images.batch(draws, start, BATCH_SIZE)


def batches_of_loader(arrays: Arrays, workers: int) -> Iterator[Any]:
    loader = image_loader(arrays, workers=workers)
    while True:
        yield from loader


class AheadOfTime(Repeated):
    """A loader whose workers work ahead: what lies ready is not counted, and others wait until it does again."""

    def burst(self, seconds: float) -> float:
        for _ in range(WORKERS * PREFETCH):
            self.function()
        rate = super().burst(seconds)
        time.sleep(SETTLE_SECONDS)
        return rate


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1.0)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    generator = np.random.default_rng(0)
    images = generator.integers(0, 256, size=(TRAIN_SIZE, 32, 32, 3), dtype=np.uint8)
    labels = generator.integers(0, 10, size=TRAIN_SIZE, dtype=np.int64)
    arrays = Arrays.of(images, labels, images[:10], labels[:10], tuple(map(str, range(10))))
    print(f"a batch of {BATCH_SIZE} augmented images of 32×32×3, {arguments.threads} threads")
    loader, plain, tensors = (
        batches_of_loader(arrays, WORKERS),
        batches_of_loader(arrays, 0),
        batches_of_tensors(arrays),
    )
    contestants = [
        AheadOfTime(f"PIL, DataLoader of {WORKERS} workers", lambda: next(loader)),
        Repeated("PIL, DataLoader in the process", lambda: next(plain)),
        Repeated("batched tensors", lambda: next(tensors)),
    ]
    goals = {"batched tensors": Target(8.0, faster=True)}
    compare(contestants, goals, rounds=arguments.rounds, seconds=arguments.seconds)


if __name__ == "__main__":
    main()
