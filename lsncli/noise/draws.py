"""Drawing noisy labels from a transition matrix, or for a given number of examples."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from lsncli.errors import LsnError
from lsncli.noise.interface import Labels, Matrix


def checked_labels(labels: npt.ArrayLike, num_classes: int) -> Labels:
    """The labels as int64 ``[N]``; raises LsnError if one is outside 0 … L−1, or there are under two classes."""
    array = np.asarray(labels)
    if num_classes < 2:
        raise LsnError(f"label noise needs at least two classes, not {num_classes}")
    if array.ndim != 1 or array.dtype.kind not in "iu":
        raise LsnError(f"labels must be one row of integers, not {array.dtype} of shape {array.shape}")
    if len(array) and (array.min() < 0 or array.max() >= num_classes):
        raise LsnError(f"labels lie between {array.min()} and {array.max()}", valid=f"0 to {num_classes - 1}")
    return array.astype(np.int64, copy=False)


def selected(count: int, rate: float, generator: np.random.Generator, *, exact: bool) -> npt.NDArray[np.bool_]:
    """Which of ``count`` examples are hit: each with probability ``rate``, or exactly round(rate · count).

    The same generator state with a higher rate hits a superset, in either mode.
    """
    if not exact:
        return generator.random(count) < rate
    hit = np.zeros(count, dtype=np.bool_)
    hit[generator.permutation(count)[: round(rate * count)]] = True
    return hit


def independent_draws(labels: Labels, transition: Matrix, generator: np.random.Generator) -> Labels:
    """Every label drawn for itself from its row of ``transition`` ``[L, L]``."""
    chances = generator.random(len(labels))
    noisy = labels.copy()
    for label, where in _by_class(labels):
        row = transition[label]
        edges = np.cumsum(row)
        # Rounding may leave the last edge a little under 1, where a chance could fall past the end.
        edges[np.flatnonzero(row)[-1] :] = 1.0
        noisy[where] = np.searchsorted(edges, chances[where], side="right")
    return noisy


def exact_draws(labels: Labels, transition: Matrix, generator: np.random.Generator) -> Labels:
    """As many labels of each kind as :func:`exact_counts` says, chosen at random within each class."""
    noisy = labels.copy()
    for label, where in _by_class(labels):
        counts = exact_counts(len(where), transition[label])
        noisy[generator.permutation(where)] = np.repeat(np.arange(len(counts)), counts)
    return noisy


def exact_counts(total: int, probabilities: Matrix) -> Labels:
    """Whole numbers ``[L]`` nearest to total · probabilities that sum to ``total`` (largest remainders).

    Each differs from its expectation by less than 1; of equal remainders, the lower class is served first.
    """
    expected = total * probabilities
    # A product like 2.9999999999999996 is a rounded 3, not a 2 with the largest remainder of all.
    counts: Labels = np.floor(expected + 1e-9).astype(np.int64)
    missing = total - int(counts.sum())
    counts[np.argsort(-np.round(expected - counts, 9), kind="stable")[:missing]] += 1
    return counts


def _by_class(labels: Labels) -> Iterator[tuple[int, npt.NDArray[np.intp]]]:
    """Every class that occurs, with its examples' positions; one sort instead of a scan for each class."""
    order = np.argsort(labels, kind="stable")
    present, starts = np.unique(labels[order], return_index=True)
    # The piece before the first start is empty.
    for label, where in zip(present, np.split(order, starts)[1:], strict=True):
        yield int(label), where
