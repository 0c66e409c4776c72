"""Constant matrices inside a loss: exact in float64, free in float32, and on any device."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn


class ConstantsModule(nn.Module):
    """A module with constant arrays that move with ``.to(device)`` and are not kept in checkpoints.

    Each is held as a float32 tensor and the float32 rest that it misses: training in float32 reads the
    first with no cast, float64 gets 48 bits from the sum, and devices without float64 can hold both.
    """

    def keep(self, name: str, values: npt.NDArray[np.float64]) -> None:
        """Hold ``values`` under ``name``."""
        exact = torch.tensor(values, dtype=torch.float64)
        main = exact.float()
        self.register_buffer(name, main, persistent=False)
        self.register_buffer(f"{name}_rest", (exact - main.double()).float(), persistent=False)

    def constant(self, name: str, dtype: torch.dtype) -> Tensor:
        """The array ``name`` in type ``dtype``."""
        main: Tensor = getattr(self, name)
        if dtype is torch.float64:
            return torch.add(main.double(), getattr(self, f"{name}_rest").double())
        return main if main.dtype is dtype else main.to(dtype)
