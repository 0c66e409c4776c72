"""The handwritten digits that ship with scikit-learn: real images, no download."""

from __future__ import annotations

import gzip
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import numpy.typing as npt

from lsncli.data.arrays import Arrays
from lsncli.data.context import DataContext

#: Training images of every class; the other 797 of the 1797 images are the test set.
TRAIN_PER_CLASS = 100
CLASS_NAMES = tuple("0123456789")


def build_digits(params: object, context: DataContext) -> Arrays:
    """1000 training and 797 test images of 8×8 pixels, one channel.

    The pixels 0..16 of :func:`sklearn.datasets.load_digits` become 0..255 as ``round(x · 255 / 16)``. The
    split is part of the data set: see :func:`training_mask`.
    """
    rows = _rows()
    images = np.rint(rows[:, :-1].reshape(-1, 8, 8) * (255 / 16)).astype(np.uint8)[..., None]
    labels = rows[:, -1].astype(np.int64)
    train = training_mask(labels)
    return Arrays.of(images[train], labels[train], images[~train], labels[~train], CLASS_NAMES)


def _rows() -> npt.NDArray[np.float64]:
    """The 64 pixels and the label of each image: ``[1797, 65]``.

    scikit-learn's own file is read without importing scikit-learn, which takes a second that every worker
    would pay; where the file is not at its usual place, its loader is asked.
    """
    spec = find_spec("sklearn")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        path = Path(folder, "datasets", "data", "digits.csv.gz")
        if path.is_file():
            with gzip.open(path, "rt", encoding="ascii") as file:
                return np.loadtxt(file, delimiter=",", dtype=np.float64)
    from sklearn.datasets import load_digits

    bunch = load_digits()
    rows: npt.NDArray[np.float64] = np.column_stack((bunch.data, bunch.target)).astype(np.float64)
    return rows


def training_mask(labels: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """Which examples train: exactly 100 of every class, spread evenly over the file's order.

    Of a class with n examples, the k-th (from 0) trains where ⌊(k+1)·100/n⌋ > ⌊k·100/n⌋. A rule without
    random numbers stays the same with every seed, library version and machine.
    """
    mask = np.zeros(len(labels), dtype=np.bool_)
    for label in range(len(CLASS_NAMES)):
        members = np.flatnonzero(labels == label)
        k = np.arange(len(members))
        mask[members] = (k + 1) * TRAIN_PER_CLASS // len(members) > k * TRAIN_PER_CLASS // len(members)
    return mask
