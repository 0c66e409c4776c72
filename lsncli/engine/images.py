"""Training and test images on the device, and augmentation on batched tensors.

Images stay uint8 in ``[N, H, W, C]`` order, padded once. A batch is gathered, cropped and flipped there, and
becomes a normalised ``[B, C, H, W]`` tensor whose strides are channels_last, without a copy for the layout.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from lsncli.data.arrays import channel_statistics
from lsncli.engine.streams import stream


@dataclass(frozen=True, slots=True)
class Normalisation:
    """Per-channel mean and standard deviation of the training images, in units of 0…255.

    Both are kept for a whole row of pixels, ``[W·C]`` each: broadcast over the channels alone, a vectorised loop
    would be three numbers long.
    """

    mean: Tensor
    std: Tensor

    @classmethod
    def of(cls, images: npt.NDArray[np.uint8], device: torch.device) -> Normalisation:
        """Computed exactly, from the histogram of each channel; a constant channel keeps its scale."""
        both = torch.tensor(channel_statistics(images), dtype=torch.float64) * 255
        both[1][both[1] == 0] = 1.0
        both = both.to(device=device, dtype=torch.float32).repeat(1, images.shape[2])
        return cls(both[0], both[1])

    def __call__(self, batch: Tensor) -> Tensor:
        """uint8 ``[B, H, W, C]`` → float32 ``[B, C, H, W]`` in channels_last strides."""
        # In place: the float32 copy is ours, and memory for two more would be as dear as the arithmetic.
        rows = batch.flatten(2).float().sub_(self.mean).div_(self.std)
        return rows.view(batch.shape).permute(0, 3, 1, 2)


@dataclass(frozen=True, slots=True)
class Draws:
    """The random choices of one epoch: order ``[N]``, crop offsets ``[N, 2]``, flips ``[N]``, on the device."""

    order: Tensor
    offsets: Tensor | None
    flips: Tensor | None

    def part(self, chosen: slice, device: torch.device) -> Draws:
        """The choices for some images of the epoch, moved to ``device``."""
        parts = (None if v is None else v[chosen].to(device) for v in (self.order, self.offsets, self.flips))
        order, offsets, flips = parts
        assert order is not None
        return Draws(order, offsets, flips)


class TrainingImages:
    """The training images on the device, with the augmentation of a run.

    ``traced``: the device runs programs that are compiled for each shape and constant. The choices of an epoch then
    stay on the CPU and go to the device batch by batch, as the place of a batch in them would be such a constant;
    and crops are gathered, as there is no memory to make a strided view of.
    """

    def __init__(
        self,
        images: npt.NDArray[np.uint8],
        normalise: Normalisation,
        augment: str,
        padding: int,
        device: torch.device,
        *,
        traced: bool = False,
    ) -> None:
        self.traced = traced
        self.normalise = normalise
        self.crop = "crop" in augment
        self.flip = "flip" in augment
        self.padding = padding
        self.device = device
        self.count, self.height, self.width, self.channels = images.shape
        if self.crop:
            images = np.pad(images, ((0, 0), (padding, padding), (padding, padding), (0, 0)))
        self.images = torch.from_numpy(np.ascontiguousarray(images)).to(device)

    def draw(self, seed: int, epoch: int) -> Draws:
        """The choices of one epoch, drawn on the CPU and, unless traced, moved to the device at once."""
        order = stream(seed, "order", epoch).permutation(self.count)
        offsets = flips = None
        if self.crop:
            offsets = self._move(stream(seed, "crops", epoch).integers(2 * self.padding + 1, size=(self.count, 2)))
        if self.flip:
            flips = self._move(np.asarray(stream(seed, "flips", epoch).random(self.count) < 0.5))
        return Draws(self._move(order), offsets, flips)

    def _move(self, array: npt.NDArray[Any]) -> Tensor:
        drawn = torch.from_numpy(array)
        return drawn if self.traced else drawn.to(self.device, non_blocking=True)

    def batch(self, draws: Draws, start: int, size: int) -> tuple[Tensor, Tensor]:
        """Indices ``[B]`` and normalised, augmented images ``[B, C, H, W]`` of one step of the epoch."""
        chosen = slice(start, start + size)
        if self.traced:
            draws = draws.part(chosen, self.device)
            chosen = slice(0, size)
        indices = draws.order[chosen]
        taken = (
            self.images.index_select(0, indices)
            if draws.offsets is None
            else self._windows(indices, draws.offsets[chosen])
        )
        if draws.flips is not None:
            # Bit by bit, all of one image's bits or none: ``where`` has no vectorised kernel for single bytes.
            chosen_bits = (draws.flips[chosen].to(torch.uint8) * 255).view(-1, 1, 1, 1)
            taken = taken ^ ((taken ^ taken.flip(2)) & chosen_bits)
        return indices, self.normalise(taken)

    def _windows(self, indices: Tensor, offsets: Tensor) -> Tensor:
        """Crops ``[B, H, W, C]`` of the padded images ``indices``, from the corners ``offsets`` ``[B, 2]``."""
        _, padded_height, padded_width, channels = self.images.shape
        if self.traced:
            taken = self.images.index_select(0, indices)
            for axis, length in ((1, self.height), (2, self.width)):
                places = offsets[:, axis - 1, None] + torch.arange(length, device=self.device)
                places = places.view(-1, *((length, 1, 1) if axis == 1 else (1, length, 1)))
                taken = taken.take_along_dim(places, axis)
            return taken
        row = padded_width * channels
        # A crop is H runs of W·C bytes, a row apart. Every place where one could begin is an entry of this view,
        # so that a crop is one entry, copied run by run.
        places = self.images.numel() - (self.height - 1) * row - self.width * channels + 1
        view = self.images.view(-1).as_strided((places, self.height, self.width * channels), (1, row, 1))
        starts = indices * (padded_height * row) + offsets[:, 0] * row + offsets[:, 1] * channels
        return view.index_select(0, starts).view(-1, self.height, self.width, channels)

    def plain(self, size: int) -> Iterator[Tensor]:
        """All images without augmentation, in order, in batches of at most ``size``."""
        if self.traced:
            yield from (self.at(indices) for indices in _portions(self.count, size, self.device))
            return
        p = self.padding if self.crop else 0
        for start in range(0, self.count, size):
            batch = self.images[start : start + size, p : p + self.height, p : p + self.width]
            yield self.normalise(batch)

    def at(self, indices: Tensor) -> Tensor:
        """The images ``indices`` ``[B]`` without augmentation."""
        p = self.padding if self.crop else 0
        return self.normalise(self.images[indices][:, p : p + self.height, p : p + self.width])


class TestImages:
    """The test images on the device."""

    __test__ = False  # not a test case, whatever pytest makes of the name

    def __init__(
        self, images: npt.NDArray[np.uint8], normalise: Normalisation, device: torch.device, *, traced: bool = False
    ) -> None:
        self.traced = traced
        self.normalise = normalise
        self.images = torch.from_numpy(np.ascontiguousarray(images)).to(device)

    def plain(self, size: int) -> Iterator[Tensor]:
        """All images, in order, in batches of at most ``size``."""
        if self.traced:
            for indices in _portions(len(self.images), size, self.images.device):
                yield self.normalise(self.images.index_select(0, indices))
            return
        for start in range(0, len(self.images), size):
            yield self.normalise(self.images[start : start + size])


def _portions(count: int, size: int, device: torch.device) -> Iterator[Tensor]:
    """0…``count`` − 1 in portions of at most ``size``: data for a traced program, not constants of it."""
    for start in range(0, count, size):
        yield torch.arange(start, min(start + size, count)).to(device)
