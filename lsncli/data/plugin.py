"""Registers the built-in data sets."""

from __future__ import annotations

from collections.abc import Callable

from lsncli.components import DatasetInfo
from lsncli.data.cifar import CIFAR10, CIFAR10_CLASSES, CIFAR100, CIFAR100_CLASSES, FULL_SIZE, CifarParams
from lsncli.data.digits import CLASS_NAMES, build_digits
from lsncli.data.imagenet import CLASSES, IMAGENET, TEST_SIZE, TRAIN_SIZE, ImageNetParams
from lsncli.hookspecs import hookimpl

_CIFAR_PAPER = "Krizhevsky, Learning Multiple Layers of Features from Tiny Images (2009)"


@hookimpl
def lsn_datasets(register: Callable[[DatasetInfo], None]) -> None:
    """Register digits, cifar10, cifar100 and imagenet."""
    register(
        DatasetInfo(
            name="digits",
            build=build_digits,
            summary="Handwritten digits, 8×8 grey, shipped with scikit-learn: no download",
            reference="Alpaydin and Kaynak, Optical Recognition of Handwritten Digits, UCI (1998)",
            num_classes=10,
            image_shape=(8, 8, 1),
            class_names=CLASS_NAMES,
            train_size=1000,
            test_size=797,
        )
    )
    for build, class_names in ((CIFAR10, CIFAR10_CLASSES), (CIFAR100, CIFAR100_CLASSES)):
        register(
            DatasetInfo(
                name=build.name,
                build=build,
                params=CifarParams,
                summary=f"Photographs of {len(class_names)} kinds of things, 32×32 RGB or smaller",
                reference=_CIFAR_PAPER,
                num_classes=len(class_names),
                image_shape=(FULL_SIZE, FULL_SIZE, 3),
                class_names=class_names,
                train_size=50_000,
                test_size=10_000,
            )
        )
    register(
        DatasetInfo(
            name=IMAGENET.name,
            build=IMAGENET,
            params=ImageNetParams,
            summary="Photographs of 1000 kinds of things, as RGB squares of a chosen size",
            reference="Russakovsky et al., ImageNet Large Scale Visual Recognition Challenge, IJCV 2015",
            num_classes=CLASSES,
            image_shape=None,  # the size is a parameter
            train_size=TRAIN_SIZE,
            test_size=TEST_SIZE,
        )
    )
