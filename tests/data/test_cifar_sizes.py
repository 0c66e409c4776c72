"""CIFAR at other sizes than its files': resized once, into a copy of its own, and never from a damaged one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from lsncli.data import catalogue, stored
from lsncli.data.cifar import CIFAR10_CLASSES
from lsncli.data.context import DataContext
from lsncli.data.prepare import fetch, prepare
from lsncli.data.readiness import make_ready
from lsncli.errors import LsnError

FOLDER = "cifar-10-batches-py"


@pytest.fixture
def images(small: dict[str, np.ndarray], context: DataContext, tmp_path: Path) -> dict[str, np.ndarray]:
    """The small batches, where lsn looks for them; returns their images by file."""
    context.data_dir.mkdir()
    (tmp_path / "original" / FOLDER).rename(context.data_dir / FOLDER)
    return small


def fitted(images: np.ndarray, size: int) -> np.ndarray:
    """What the documentation promises, by itself."""
    return np.stack(
        [
            np.asarray(ImageOps.fit(Image.fromarray(i), (size, size), method=Image.Resampling.LANCZOS))
            for i in images
        ]
    )


def whole(images: dict[str, np.ndarray]) -> np.ndarray:
    return np.concatenate([images[f"data_batch_{k}"] for k in range(1, 6)])


def change_last_byte(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize("size", [8, 16, 31])
def test_every_image_is_resized(size: int, images: dict[str, np.ndarray], context: DataContext) -> None:
    arrays = catalogue.load("cifar10", {"size": size}, context)
    np.testing.assert_array_equal(arrays.train_images, fitted(whole(images), size))
    np.testing.assert_array_equal(arrays.test_images, fitted(images["test_batch"], size))
    assert arrays.train_labels.tolist() == list(range(10)) * 5
    assert arrays.class_names == CIFAR10_CLASSES


def test_as_the_same_images_are_prepared(
    images: dict[str, np.ndarray], context: DataContext, tmp_path: Path
) -> None:
    """A user's folder of CIFAR's own images, prepared at that size, has the same pixels."""
    for part, pictures in (("train", whole(images)), ("test", images["test_batch"])):
        for number, picture in enumerate(pictures):
            place = tmp_path / "pictures" / part / f"{number % 10}"
            place.mkdir(parents=True, exist_ok=True)
            Image.fromarray(picture).save(place / f"{number:03d}.png")
    prepare("mine", tmp_path / "pictures", context, size=16)
    mine, own = (catalogue.load(n, p, context) for n, p in (("mine", {}), ("cifar10", {"size": 16})))
    for part in ("train", "test"):
        of_mine, of_own = (getattr(a, f"{part}_images") for a in (mine, own))
        order = np.argsort(getattr(own, f"{part}_labels"), kind="stable")
        np.testing.assert_array_equal(of_mine, of_own[order])


def test_each_size_has_its_copy(images: dict[str, np.ndarray], context: DataContext, tmp_path: Path) -> None:
    full = fetch("cifar10", context)
    assert full.image_shape == (32, 32, 3)
    assert [f.name for f in context.cache_dir.iterdir()] == ["cifar10"]
    first = catalogue.load("cifar10", {"size": 16}, context)
    assert sorted(f.name for f in context.cache_dir.iterdir()) == ["cifar10", "cifar10-16"]
    (context.data_dir / FOLDER).rename(tmp_path / "gone")
    again = catalogue.load("cifar10", {"size": 16}, context)
    assert again.digest == first.digest != full.digest
    assert stored.problem(context.cache_dir / "cifar10-16") is None, "the digest must be that of the content"
    np.testing.assert_array_equal(catalogue.load("cifar10", {}, context).train_images, whole(images))
    # What is listed is the set as it is without parameters.
    described = catalogue.describe("cifar10", context.data_dir)
    assert (described.image_shape, described.digest, described.available) == ((32, 32, 3), full.digest, True)
    assert set(catalogue.on_disk(context.data_dir)) == {"cifar10", "cifar10-16"}


def test_the_default_is_the_size_of_the_files(images: dict[str, np.ndarray], context: DataContext) -> None:
    arrays = catalogue.load("cifar10", {"size": 32}, context)
    np.testing.assert_array_equal(arrays.train_images, whole(images))
    assert [f.name for f in context.cache_dir.iterdir()] == ["cifar10"]


def test_a_smaller_size_is_made_of_undamaged_images(
    images: dict[str, np.ndarray], context: DataContext, tmp_path: Path
) -> None:
    """Resized, changed images would have a digest that fits them."""
    make_ready("cifar10", {}, context)
    change_last_byte(context.cache_dir / "cifar10" / "train_images.npy")
    make_ready("cifar10", {"size": 16}, context)
    arrays = catalogue.load("cifar10", {"size": 16}, context)
    np.testing.assert_array_equal(arrays.train_images, fitted(whole(images), 16))
    assert stored.changed(context.cache_dir / "cifar10") is None
    # A small copy that has changed is made again; where the full size cannot be had, nothing is.
    change_last_byte(context.cache_dir / "cifar10-16" / "train_images.npy")
    make_ready("cifar10", {"size": 16}, context)
    assert catalogue.load("cifar10", {"size": 16}, context).digest == arrays.digest
    (context.data_dir / FOLDER).rename(tmp_path / "gone")
    change_last_byte(context.cache_dir / "cifar10" / "train_images.npy")
    change_last_byte(context.cache_dir / "cifar10-16" / "train_images.npy")
    with pytest.raises(LsnError, match="cifar10 is not on this machine"):
        make_ready("cifar10", {"size": 16}, context)


def test_a_data_dir_that_cannot_be_written_still_serves(
    images: dict[str, np.ndarray], context: DataContext
) -> None:
    context.cache_dir.write_text("a file in the way")
    arrays = catalogue.load("cifar10", {"size": 16}, context)
    np.testing.assert_array_equal(arrays.test_images, fitted(images["test_batch"], 16))


@pytest.mark.parametrize("size", [0, 7, 33])
def test_sizes_that_cannot_be(size: int, context: DataContext) -> None:
    with pytest.raises(LsnError, match=r"size: input should be [\s\S]*8 ≤ size ≤ 32"):
        catalogue.load("cifar10", {"size": size}, context)
