"""What the noise really did: stored with every run."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lsncli.noise.draws import checked_labels
from lsncli.noise.interface import Labels, Matrix


@dataclass(frozen=True, eq=False, slots=True)
class RealisedNoise:
    """The noise of one set of labels.

    rate: share of labels that differ from the true ones (0 for no labels).
    counts: ``[L, L]`` int64, counts[i, j] = number of examples of true class i labelled j.
    """

    rate: float
    counts: Labels

    @property
    def transition(self) -> Matrix:
        """The counts as shares of each true class, ``[L, L]``; a class without examples has a row of NaN."""
        totals = self.counts.sum(axis=1, keepdims=True)
        shares: Matrix = np.where(totals > 0, self.counts / np.maximum(totals, 1), np.nan)
        return shares


def realised_noise(true: npt.ArrayLike, noisy: npt.ArrayLike, num_classes: int) -> RealisedNoise:
    """Compare labels ``[N]`` before and after; raises ValueError if they are not as many.

    Raises LsnError if a label is outside 0 … L−1.
    """
    before, after = checked_labels(true, num_classes), checked_labels(noisy, num_classes)
    if len(before) != len(after):
        raise ValueError(f"{len(before)} true labels and {len(after)} noisy ones cannot be compared")
    flat = np.bincount(before * num_classes + after, minlength=num_classes * num_classes)
    rate = float((before != after).mean()) if len(before) else 0.0
    return RealisedNoise(rate, flat.reshape(num_classes, num_classes).astype(np.int64))
