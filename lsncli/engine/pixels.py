"""Images as bytes: on the device where there is room for them, else in this machine's memory or a mapped file."""

from __future__ import annotations

import warnings

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor


def fits(nbytes: int, room: int | None) -> bool:
    """Whether images of ``nbytes`` belong on a device that has ``room`` bytes; None where nobody counts them.

    Half of it is for the network, its gradients and what a step computes.
    """
    return room is None or nbytes <= room // 2


class Pixels:
    """uint8 images ``[N, H, W, C]``, from which a device is given those that it asks for.

    ``on_host``: they stay where they are, a file that is mapped into memory included, and every batch is brought to
    the device. The numbers are the same.
    """

    def __init__(self, images: npt.NDArray[np.uint8], device: torch.device, *, on_host: bool = False) -> None:
        self.device = device
        self.on_host = on_host
        with warnings.catch_warnings():
            # A file that is mapped to be read only: nothing here writes.
            warnings.filterwarnings("ignore", message="The given NumPy array is not writable")
            self.tensor = torch.from_numpy(np.ascontiguousarray(images))
        if not on_host:
            self.tensor = self.tensor.to(device)

    def __len__(self) -> int:
        return len(self.tensor)

    def take(self, indices: Tensor) -> Tensor:
        """The images ``indices`` ``[B]``, int64, on the device, in that order."""
        return self.bring(indices.cpu()) if self.on_host else self.tensor.index_select(0, indices)

    def part(self, start: int, stop: int) -> Tensor:
        """The images from ``start`` up to ``stop``, on the device."""
        if not self.on_host:
            return self.tensor[start:stop]
        return self.bring(torch.arange(start, min(stop, len(self))))

    def bring(self, indices: Tensor, out: Tensor | None = None) -> Tensor:
        """As :meth:`take`, of images on the host and ``indices`` on the CPU; ``out`` is where they go to.

        From pinned memory nobody waits for the copy: the processor gathers the next batch meanwhile.
        """
        shape = (len(indices), *self.tensor.shape[1:])
        gathered = torch.empty(shape, dtype=torch.uint8, pin_memory=self.device.type == "cuda")
        torch.index_select(self.tensor, 0, indices, out=gathered)
        if out is None:
            return gathered.to(self.device, non_blocking=True)
        return out.copy_(gathered, non_blocking=True)
