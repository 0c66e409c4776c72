"""Holds a validation set out of the training set, as one must who has nothing but noisy labels.

The choice sees no labels: who cannot trust them could not balance the classes by them either.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lsncli.errors import LsnError

#: Beside the streams 0 and 1 of a subset's training and test part, which are drawn with the same seed.
_STREAM = 2


@dataclass(frozen=True, slots=True)
class Split:
    """Positions in the training set, int64 and ascending: those that are trained on, and those held out."""

    training: npt.NDArray[np.int64]
    validation: npt.NDArray[np.int64]


def hold_out(count: int, size: int | None, seed: int) -> Split | None:
    """A random ``size`` of ``count`` examples held out; None where nothing is to be held out.

    The choice depends on ``count`` and ``seed`` alone: a smaller validation set of the same seed lies inside a
    larger one. Raises :class:`LsnError` where no training example would be left.
    """
    if size is None:
        return None
    if not 1 <= size < count:
        raise LsnError(
            f"{size} validation examples cannot be held out of {count} training examples",
            where="data.validation_size",
            valid=f"1 to {count - 1}, or nothing for none",
        )
    generator = np.random.default_rng(np.random.SeedSequence(entropy=seed, spawn_key=(_STREAM,)))
    order = generator.permutation(count)
    return Split(np.sort(order[size:]), np.sort(order[:size]))
