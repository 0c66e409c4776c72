"""The real archives that developers keep beside the repository."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from lsncli.data.arrays import channel_statistics
from lsncli.data.cifar import CIFAR10_CLASSES
from lsncli.data.decoding import decode
from lsncli.data.layout import Layout, arrange
from lsncli.data.sources import Source, open_source

DATA = Path(__file__).parents[3] / "shared" / "data"

pytestmark = pytest.mark.images


def archive(name: str) -> Path:
    if not (DATA / name).is_file():
        pytest.skip(f"the archive {name} is not beside the repository")
    return DATA / name


@pytest.fixture(scope="module")
def cifar10() -> tuple[Source, Layout]:
    source = open_source(archive("cifar10-jpeg.tar.xz"))
    return source, arrange(source.entries(), source.path)


def check(layout: Layout, classes: int, train: int, test: int) -> None:
    """The sizes as the archives' own description counts them."""
    assert len(layout.class_names) == classes
    assert np.bincount(layout.labels["train"]).tolist() == [train] * classes
    assert np.bincount(layout.labels["test"]).tolist() == [test] * classes


def test_layout_of_cifar10(cifar10: tuple[Source, Layout]) -> None:
    check(cifar10[1], 10, 5000, 1000)
    assert cifar10[1].class_names == CIFAR10_CLASSES


def test_layout_of_tiny_imagenet() -> None:
    source = open_source(archive("tinyimagenet100-32.tar.xz"))
    check(arrange(source.entries(), source.path), 100, 500, 50)


def test_pixels_are_those_of_cifar10(cifar10: tuple[Source, Layout]) -> None:
    source, layout = cifar10
    first = {name for name, (split, row) in layout.rows.items() if split == "train" and row % 5000 < 100}
    assert Counter(name.split("/")[1] for name in first) == dict.fromkeys(layout.class_names, 100)
    images = np.stack([decode(n, d, size=None, source=source.path) for n, d in source.contents(first)])
    assert images.shape == (1000, 32, 32, 3)
    # CIFAR-10's well-known means are 0.4914, 0.4822, 0.4465, with deviations of pixels of about 0.25;
    # means of 1000 images scatter by about 0.15 / sqrt(1000), 0.005.
    mean, std = channel_statistics(images)
    np.testing.assert_allclose(mean, (0.4914, 0.4822, 0.4465), atol=0.025)
    np.testing.assert_allclose(std, (0.2470, 0.2435, 0.2616), atol=0.02)
