"""The peer: training as the field's repositories write it, plainly and with nothing held back.

A torchvision-style data set of PIL images, torchvision's transforms, a DataLoader with two workers, contiguous
(NCHW) float32, SGD with Nesterov's momentum, and ``loss.item()`` in every step for the running mean. For models on
64 features: tensors in a TensorDataset and a DataLoader without workers, which is the faster choice there. The
network is the very module that the engine trains.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset, TensorDataset
from torchvision import transforms

from lsncli.backends.cuda import kernel_settings
from lsncli.bench.workloads import BATCH_SIZE, LEARNING_RATE, WEIGHT_DECAY, Workload
from lsncli.data.arrays import Arrays, channel_statistics
from lsncli.engine.building import build_architecture

WORKERS = 2
#: Batches that a worker has ready ahead of time (PyTorch's default).
PREFETCH = 2
#: What two workers need to fill their queues after a burst; others are measured only then.
SETTLE_SECONDS = 0.4


class ImageDataset(Dataset[tuple[Tensor, int]]):
    """Images in memory, as :class:`torchvision.datasets.CIFAR10` keeps and returns them."""

    def __init__(self, images: npt.NDArray[np.uint8], labels: npt.NDArray[np.int64], transform: Any) -> None:
        self.data = images
        self.targets = labels.tolist()
        self.transform = transform

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        """The transformed image ``[3, H, W]`` and its label."""
        image = Image.fromarray(self.data[index])
        return self.transform(image), self.targets[index]

    def __len__(self) -> int:
        return len(self.data)


def image_loader(arrays: Arrays, *, workers: int = WORKERS) -> DataLoader[Any]:
    """The loader of augmented images: crops of 32 from 4 padded pixels, flips, to tensor, normalised."""
    mean, std = channel_statistics(arrays.train_images)
    transform = transforms.Compose(
        [
            transforms.RandomCrop(32, padding=4),
            transforms.RandomHorizontalFlip(),
            transforms.ToTensor(),
            transforms.Normalize(mean, std),
        ]
    )
    dataset = ImageDataset(arrays.train_images, arrays.train_labels, transform)
    return DataLoader(
        dataset,
        batch_size=BATCH_SIZE,
        shuffle=True,
        num_workers=workers,
        # Kinder to the peer than most: its workers are not started anew for every epoch.
        persistent_workers=workers > 0,
    )


def feature_loader(arrays: Arrays) -> DataLoader[Any]:
    """The loader of normalised features, which lie in memory as tensors."""
    mean, std = channel_statistics(arrays.train_images)
    features = (torch.from_numpy(arrays.train_images).permute(0, 3, 1, 2).float() / 255 - mean[0]) / std[0]
    dataset = TensorDataset(features.contiguous(), torch.from_numpy(arrays.train_labels))
    return DataLoader(dataset, batch_size=BATCH_SIZE, shuffle=True)


class Peer:
    """The plain training loop, run in bursts."""

    name = "peer"

    def __init__(self, workload: Workload, arrays: Arrays, device: torch.device, threads: int) -> None:
        self.device = device
        self.threads = threads
        self.loader = feature_loader(arrays) if workload.dense else image_loader(arrays)
        self.ahead = self.loader.num_workers * PREFETCH
        torch.manual_seed(0)
        component = workload.spec().model
        self.model = build_architecture(component, arrays.num_classes, arrays.image_shape).to(device)
        self.model.train()
        self.criterion = nn.CrossEntropyLoss()
        self.optimizer = torch.optim.SGD(
            self.model.parameters(), lr=LEARNING_RATE, momentum=0.9, nesterov=True, weight_decay=WEIGHT_DECAY
        )
        self.running_loss = 0.0
        self._batches: Iterator[Any] | None = self._epochs()

    def _epochs(self) -> Iterator[Any]:
        while True:
            yield from self.loader

    def step(self) -> int:
        """One step; the number of its images."""
        assert self._batches is not None, "the peer was closed"
        images, labels = next(self._batches)
        images, labels = images.to(self.device), labels.to(self.device)
        self.optimizer.zero_grad()
        loss = self.criterion(self.model(images), labels)
        loss.backward()
        self.optimizer.step()
        self.running_loss += loss.item()
        return len(images)

    def burst(self, seconds: float) -> float:
        """Images per second; the batches that lay ready beforehand are used up first and not counted."""
        put_back = kernel_settings()
        torch.set_num_threads(self.threads)
        torch.set_flush_denormal(False)
        # Those with a GPU let it choose its kernels by trying, and whatever order it adds up in.
        torch.use_deterministic_algorithms(False)
        torch.backends.cudnn.deterministic = False
        torch.backends.cudnn.benchmark = True
        torch.backends.cudnn.conv.fp32_precision = "tf32"  # type: ignore[attr-defined]
        for _ in range(self.ahead):
            self.step()
        begin = time.perf_counter()
        images = 0
        while True:
            images += self.step()
            passed = time.perf_counter() - begin
            if passed >= seconds:
                break
        put_back()
        if self.ahead:
            time.sleep(SETTLE_SECONDS)
        return images / passed

    def close(self) -> None:
        """End the loader's workers."""
        self._batches = None
        # The workers belong to the loader's iterator, and end with it.
        self.loader._iterator = None
