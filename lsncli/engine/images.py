"""Training and test images for the device, and augmentation on batched tensors.

Images stay uint8 in ``[N, H, W, C]`` order, padded once; a large set has no padded copy, and each of its batches is
padded by itself. A batch is gathered, cropped and flipped on the device, and becomes a normalised ``[B, C, H, W]``
tensor whose strides are channels_last, without a copy for the layout.
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
from lsncli.engine.pixels import Pixels
from lsncli.engine.streams import stream

#: The most bytes of a padded copy of all images. Gathering from it costs least; above, memory matters more.
PADDED_COPY = 2**30


def pixel_statistics(images: npt.NDArray[np.uint8]) -> Tensor:
    """Mean and standard deviation ``[2, C]`` of uint8 ``[N, H, W, C]``, float64, in units of 0…255.

    Computed exactly, from the histogram of each channel; of a constant channel the deviation is 1.
    """
    both = torch.tensor(channel_statistics(images), dtype=torch.float64) * 255
    both[1][both[1] == 0] = 1.0
    return both


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
        """Those of ``images``; a constant channel keeps its scale."""
        both = pixel_statistics(images).to(device=device, dtype=torch.float32).repeat(1, images.shape[2])
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

    def of(self, chosen: slice | Tensor) -> Draws:
        """Those of the examples at the places ``chosen`` of the order; a tensor of places is ``[B]``, int64."""

        def taken(values: Tensor | None) -> Tensor | None:
            if values is None:
                return None
            return values[chosen] if isinstance(chosen, slice) else values.index_select(0, chosen)

        order = taken(self.order)
        assert order is not None
        return Draws(order, taken(self.offsets), taken(self.flips))

    def copy_(self, other: Draws) -> None:
        """Take over the choices of another epoch, in the same places of the device's memory."""
        for mine, theirs in ((self.order, other.order), (self.offsets, other.offsets), (self.flips, other.flips)):
            if mine is not None and theirs is not None:
                mine.copy_(theirs, non_blocking=True)


class TrainingImages:
    """The training images for the device, with the augmentation of a run.

    ``on_host``: there is no room for them on the device (:class:`~lsncli.engine.pixels.Pixels`).
    ``traced``: the device runs programs that are compiled for each shape and constant. There is no memory to make a
    strided view of, and the place of a batch would be such a constant.
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
        on_host: bool = False,
    ) -> None:
        self.traced = traced
        self.normalise = normalise
        self.crop = "crop" in augment
        self.flip = "flip" in augment
        self.padding = padding
        self.device = device
        self.count, self.height, self.width, self.channels = images.shape
        padded_bytes = self.count * (self.height + 2 * padding) * (self.width + 2 * padding) * self.channels
        #: The width of the zeros that every image is kept with.
        self.margin = padding if self.crop and not on_host and padded_bytes <= PADDED_COPY else 0
        if self.margin:
            images = np.pad(images, ((0, 0), (padding, padding), (padding, padding), (0, 0)))
        self.pixels = Pixels(images, device, on_host=on_host)

    @property
    def on_host(self) -> bool:
        """Whether every batch must be brought to the device."""
        return self.pixels.on_host

    @property
    def images(self) -> Tensor:
        """All images, uint8 ``[N, H, W, C]``, with their margin."""
        return self.pixels.tensor

    def order(self, seed: int, epoch: int) -> npt.NDArray[np.int64]:
        """The order ``[N]`` of the examples in one epoch."""
        return stream(seed, "order", epoch).permutation(self.count)

    def draw(self, seed: int, epoch: int) -> Draws:
        """The choices of one epoch, drawn on the CPU and moved to the device at once."""
        order = self.order(seed, epoch)
        offsets = flips = None
        if self.crop:
            offsets = self._move(stream(seed, "crops", epoch).integers(2 * self.padding + 1, size=(self.count, 2)))
        if self.flip:
            flips = self._move(np.asarray(stream(seed, "flips", epoch).random(self.count) < 0.5))
        return Draws(self._move(order), offsets, flips)

    def _move(self, array: npt.NDArray[Any]) -> Tensor:
        values = torch.from_numpy(array)
        # From pinned memory nobody waits for the copy.
        return (
            values.pin_memory().to(self.device, non_blocking=True)
            if self.device.type == "cuda"
            else values.to(self.device)
        )

    def batch(self, draws: Draws, start: int, size: int) -> tuple[Tensor, Tensor]:
        """Indices ``[B]`` and normalised, augmented images ``[B, C, H, W]`` of one step of the epoch."""
        chosen = draws.of(slice(start, start + size))
        return chosen.order, self.augmented(chosen)

    def augmented(self, chosen: Draws, brought: Tensor | None = None) -> Tensor:
        """The images of ``chosen.order``, cropped, flipped and normalised: ``[B, C, H, W]``.

        ``brought`` are these images, ``[B, H, W, C]`` without margins, where they are on the device already.
        """
        if chosen.offsets is not None and self.margin:
            taken = self._windows(self.images, chosen.order, chosen.offsets)
        else:
            taken = self.pixels.take(chosen.order) if brought is None else brought
            if chosen.offsets is not None:
                places = torch.arange(len(taken), device=self.device)
                taken = self._windows(self._padded(taken), places, chosen.offsets)
        if chosen.flips is not None:
            # Bit by bit, all of one image's bits or none: ``where`` has no vectorised kernel for single bytes.
            chosen_bits = (chosen.flips.to(torch.uint8) * 255).view(-1, 1, 1, 1)
            taken = taken ^ ((taken ^ taken.flip(2)) & chosen_bits)
        return self.normalise(taken)

    def _padded(self, taken: Tensor) -> Tensor:
        """Images ``[B, H, W, C]`` with zeros around them."""
        p, (count, height, width, channels) = self.padding, taken.shape
        padded = taken.new_zeros(count, height + 2 * p, width + 2 * p, channels)
        padded[:, p : p + height, p : p + width] = taken
        return padded

    def _windows(self, images: Tensor, indices: Tensor, offsets: Tensor) -> Tensor:
        """Crops ``[B, H, W, C]`` of the padded ``images`` ``indices``, from the corners ``offsets`` ``[B, 2]``."""
        _, padded_height, padded_width, channels = images.shape
        if self.traced:
            taken = images.index_select(0, indices)
            rows = offsets[:, 0, None] + torch.arange(self.height, device=self.device)
            columns = offsets[:, 1, None] + torch.arange(self.width, device=self.device)
            return taken.take_along_dim(rows[:, :, None, None], 1).take_along_dim(columns[:, None, :, None], 2)
        row = padded_width * channels
        # A crop is H runs of W·C bytes, a row apart. Every place where one could begin is an entry of this view,
        # so that a crop is one entry, copied run by run.
        places = images.numel() - (self.height - 1) * row - self.width * channels + 1
        view = images.view(-1).as_strided((places, self.height, self.width * channels), (1, row, 1))
        starts = indices * (padded_height * row) + offsets[:, 0] * row + offsets[:, 1] * channels
        return view.index_select(0, starts).view(-1, self.height, self.width, channels)

    def plain(self, size: int) -> Iterator[Tensor]:
        """All images without augmentation, in order, in batches of at most ``size``."""
        if self.traced:
            yield from (self.at(indices) for indices in _portions(self.count, size, self.device))
            return
        p = self.margin
        for start in range(0, self.count, size):
            batch = self.pixels.part(start, start + size)
            yield self.normalise(batch[:, p : p + self.height, p : p + self.width])

    def at(self, indices: Tensor) -> Tensor:
        """The images ``indices`` ``[B]`` without augmentation."""
        p = self.margin
        return self.normalise(self.pixels.take(indices)[:, p : p + self.height, p : p + self.width])


class TestImages:
    """Images that are only looked at: those of the test set, or of a validation set.

    ``on_host``: there is no room for them on the device.
    """

    __test__ = False  # not a test case, whatever pytest makes of the name

    def __init__(
        self,
        images: npt.NDArray[np.uint8],
        normalise: Normalisation,
        device: torch.device,
        *,
        traced: bool = False,
        on_host: bool = False,
    ) -> None:
        self.traced = traced
        self.normalise = normalise
        self.pixels = Pixels(images, device, on_host=on_host)

    @property
    def images(self) -> Tensor:
        """All images, uint8 ``[N, H, W, C]``."""
        return self.pixels.tensor

    def plain(self, size: int) -> Iterator[Tensor]:
        """All images, in order, in batches of at most ``size``."""
        if self.traced:
            for indices in _portions(len(self.pixels), size, self.pixels.device):
                yield self.normalise(self.pixels.take(indices))
            return
        for start in range(0, len(self.pixels), size):
            yield self.normalise(self.pixels.part(start, start + size))


def _portions(count: int, size: int, device: torch.device) -> Iterator[Tensor]:
    """0…``count`` − 1 in portions of at most ``size``: data for a traced program, not constants of it."""
    for start in range(0, count, size):
        yield torch.arange(start, min(start + size, count)).to(device)
