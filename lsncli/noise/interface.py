"""What a noise model is."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import numpy.typing as npt

Labels = npt.NDArray[np.int64]
Matrix = npt.NDArray[np.float64]


class NoiseModel(Protocol):
    """Corrupts labels and tells its transition matrix."""

    def apply(
        self,
        labels: Labels,
        num_classes: int,
        generator: np.random.Generator,
        features: npt.NDArray[np.uint8] | None = None,
    ) -> Labels:
        """Noisy labels ``[N]`` for the true ``labels`` ``[N]``, which stay unchanged.

        ``generator`` is the only source of randomness. ``features`` are the images ``[N, H, W, C]``, for
        noise that depends on the instance.
        """
        ...

    def transition(self, num_classes: int) -> Matrix | None:
        """Row-stochastic ``[L, L]``, T[i, j] = P(noisy j | true i); None where it depends on the instance."""
        ...
