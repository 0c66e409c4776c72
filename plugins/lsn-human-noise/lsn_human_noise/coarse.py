"""CIFAR-100 with its 20 superclasses as classes: the data set of CIFAR-100N's coarse labels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from lsncli.data.arrays import Arrays
from lsncli.data.cifar import CIFAR100, CifarParams
from lsncli.data.context import DataContext
from lsncli.noise.cifar import CIFAR100_SUPERCLASSES

SUPERCLASSES = tuple(CIFAR100_SUPERCLASSES)
_COARSE = {fine: number for number, names in enumerate(CIFAR100_SUPERCLASSES.values()) for fine in names}


class CoarseCifar100:
    """Builds the set from the fine labels; both are numbered alphabetically, as the authors do."""

    def available(self, data_dir: Path) -> bool:
        """Whether CIFAR-100 is there."""
        return CIFAR100.available(data_dir)

    def image_shape(self, params: CifarParams) -> tuple[int, int, int]:
        """As of CIFAR-100: height, width and channels."""
        return CIFAR100.image_shape(params)

    def __call__(self, params: CifarParams, context: DataContext) -> Arrays:
        """50,000 training and 10,000 test images; raises LsnError where CIFAR-100 cannot be had."""
        fine = CIFAR100(params, context)
        coarse = np.array([_COARSE[name] for name in fine.class_names], dtype=np.int64)
        return Arrays.of(
            fine.train_images,
            coarse[fine.train_labels],
            fine.test_images,
            coarse[fine.test_labels],
            SUPERCLASSES,
        )
