"""ImageNet from its folders, played by three classes of tiny pictures."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from lsncli.components import DatasetInfo
from lsncli.data import catalogue, imagenet, stored
from lsncli.data.context import DataContext
from lsncli.data.imagenet import IMAGENET, ImageNet, ImageNetParams
from lsncli.data.readiness import make_ready
from lsncli.errors import LsnError
from lsncli.registry import Origin, Plugin, registry

WNIDS = ("n01440764", "n01443537", "n01484850")
SMALL = ImageNet(classes=3)
#: The least size: pictures of that size come through the resizing unchanged.
SIZE = 8
PARAMS = ImageNetParams(size=SIZE)


@pytest.fixture
def pictures(png: Callable[..., bytes]) -> dict[str, bytes]:
    """Two training and one validation picture per class; PNGs under the name that ImageNet's files have."""
    names = [f"train/{w}/{w}_{i}.JPEG" for w in WNIDS for i in range(2)]
    names += [f"val/{w}/ILSVRC2012_val_{i:08d}.JPEG" for i, w in enumerate(WNIDS)]
    return {name: png(seed, SIZE, SIZE) for seed, name in enumerate(names)}


@pytest.fixture
def place(context: DataContext) -> Callable[[dict[str, bytes]], Path]:
    def write(content: dict[str, bytes]) -> Path:
        for name, data in content.items():
            path = context.data_dir / "imagenet" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        return context.data_dir / "imagenet"

    return write


def drawn(seed: int) -> np.ndarray:
    """The pixels that the fixture ``png`` draws with a seed; PNG loses nothing."""
    return np.random.default_rng(seed).integers(0, 256, (SIZE, SIZE, 3), dtype=np.uint8)


def refusal(context: DataContext, params: ImageNetParams = PARAMS, builder: ImageNet = SMALL) -> str:
    with pytest.raises(LsnError) as caught:
        builder(params, context)
    if context.cache_dir.exists():
        assert list(context.cache_dir.iterdir()) == [], "nothing half-made may stay"
    return " ".join(str(caught.value).split())


def test_pictures_labels_and_classes(
    context: DataContext, place: Callable[[dict[str, bytes]], Path], pictures: dict[str, bytes]
) -> None:
    place(pictures)
    arrays = SMALL(PARAMS, context)
    assert arrays.class_names == WNIDS
    np.testing.assert_array_equal(arrays.train_images, np.stack([drawn(i) for i in range(6)]))
    np.testing.assert_array_equal(arrays.test_images, np.stack([drawn(i) for i in range(6, 9)]))
    assert arrays.train_labels.tolist() == [0, 0, 1, 1, 2, 2]
    assert arrays.test_labels.tolist() == [0, 1, 2]


def test_the_folder_is_read_once(
    context: DataContext, place: Callable[[dict[str, bytes]], Path], pictures: dict[str, bytes]
) -> None:
    folder = place(pictures)
    first = SMALL(PARAMS, context)
    shutil.rmtree(folder)
    again = SMALL(PARAMS, context)
    assert isinstance(again.train_images.base, np.memmap), "larger than memory: it must stay on the disk"
    np.testing.assert_array_equal(again.train_images, first.train_images)
    assert stored.problem(context.cache_dir / f"imagenet-{SIZE}") is None, "the digest must be that of the content"


def test_each_size_has_its_own_copy_and_the_default_one_the_sets_name(
    context: DataContext, place: Callable[[dict[str, bytes]], Path], pictures: dict[str, bytes]
) -> None:
    place(pictures)
    assert SMALL(PARAMS, context).image_shape == (SIZE, SIZE, 3)
    assert SMALL(ImageNetParams(), context).image_shape == (224, 224, 3)
    assert sorted(f.name for f in context.cache_dir.iterdir()) == ["imagenet", "imagenet-8"]


def test_each_size_is_made_ready(
    context: DataContext, place: Callable[[dict[str, bytes]], Path], pictures: dict[str, bytes]
) -> None:
    """The copy of one size says nothing of another."""
    info = DatasetInfo(name="photos", build=ImageNet("photos", 3), params=ImageNetParams)
    registry()._add(info, Plugin("photos-plugin", Origin("photos-dist", "1.0")))
    place(pictures).rename(context.data_dir / "photos")
    make_ready("photos", {}, context)
    assert [f.name for f in context.cache_dir.iterdir()] == ["photos"]
    make_ready("photos", {"size": SIZE}, context)
    assert sorted(f.name for f in context.cache_dir.iterdir()) == ["photos", "photos-8"]
    # A damaged one is made again, and the other one is left alone.
    copy, other = context.cache_dir / "photos-8", context.cache_dir / "photos" / "meta.json"
    before = other.stat().st_mtime_ns
    np.save(copy / "test_labels.npy", np.array([2, 1, 0]))
    assert stored.changed(copy)
    make_ready("photos", {"size": SIZE}, context)
    assert stored.changed(copy) is None
    assert other.stat().st_mtime_ns == before


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="the system does not tell of maps by /proc")
def test_no_file_is_mapped_when_the_copy_gets_its_name(
    context: DataContext,
    place: Callable[[dict[str, bytes]], Path],
    pictures: dict[str, bytes],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Windows would refuse the rename."""
    place(pictures)
    mapped: list[bool] = []
    rename = Path.rename

    def look(self: Path, target: Path) -> Path:
        if Path(target).name == f"imagenet-{SIZE}":
            mapped.append(str(self) in Path("/proc/self/maps").read_text())
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", look)
    SMALL(PARAMS, context)
    assert mapped == [False]


def test_grey_pictures_and_oblong_ones(
    context: DataContext,
    place: Callable[[dict[str, bytes]], Path],
    pictures: dict[str, bytes],
    png: Callable[..., bytes],
) -> None:
    first, second, *_ = pictures
    place({**pictures, first: png(0, SIZE, SIZE, mode="L"), second: png(1, 20, 50)})
    arrays = SMALL(PARAMS, context)
    grey = arrays.train_images[0]
    assert (grey == grey[..., :1]).all()
    assert arrays.image_shape == (SIZE, SIZE, 3)


def test_a_damaged_copy_is_made_again(
    context: DataContext, place: Callable[[dict[str, bytes]], Path], pictures: dict[str, bytes]
) -> None:
    place(pictures)
    SMALL(PARAMS, context)
    copy = context.cache_dir / f"imagenet-{SIZE}"
    (copy / "train_images.npy").write_bytes(b"nothing")
    np.testing.assert_array_equal(SMALL(PARAMS, context).train_images[0], drawn(0))


def test_progress_is_told(
    context: DataContext, place: Callable[[dict[str, bytes]], Path], pictures: dict[str, bytes]
) -> None:
    place(pictures)
    told: list[tuple[str, int, int]] = []
    SMALL(PARAMS, DataContext(context.data_dir, progress=lambda *args: told.append(args)))
    assert ("decoding imagenet/train", 6, 6) in told
    assert ("decoding imagenet/val", 3, 3) in told


# -- what can be wrong -----------------------------------------------------------------------------------


def test_without_the_folder_the_size_of_the_copy_is_said(context: DataContext) -> None:
    text = refusal(context, ImageNetParams())
    # 1,331,167 pictures of 224 * 224 * 3 bytes are 186.6 GiB, by hand.
    assert "imagenet is not on this machine" in text
    assert str(context.data_dir / "imagenet" / "val") in text
    assert "a copy of 187 GiB at 224 x 224" in text
    # 1,331,167 * 32 * 32 * 3 bytes are 3.8 GiB.
    assert "a copy of 4 GiB at 32 x 32" in refusal(context, ImageNetParams(size=32))


def test_without_validation_pictures(
    context: DataContext, place: Callable[[dict[str, bytes]], Path], pictures: dict[str, bytes]
) -> None:
    place({name: data for name, data in pictures.items() if name.startswith("train")})
    assert "imagenet has no folder val" in refusal(context)


def test_a_part_of_imagenet_is_not_imagenet(
    context: DataContext, place: Callable[[dict[str, bytes]], Path], pictures: dict[str, bytes]
) -> None:
    place(pictures)
    text = refusal(context, builder=IMAGENET)
    assert "imagenet has 1000 classes, and there are 3 folders in train/" in text
    assert "lsn data prepare" in text


def test_classes_that_differ(
    context: DataContext,
    place: Callable[[dict[str, bytes]], Path],
    pictures: dict[str, bytes],
    png: Callable[..., bytes],
) -> None:
    place({**pictures, "val/n09999999/a.JPEG": png()})
    assert "'n09999999' is in val/ only" in refusal(context)


def test_validation_pictures_that_nobody_sorted_into_folders(
    context: DataContext,
    place: Callable[[dict[str, bytes]], Path],
    pictures: dict[str, bytes],
    png: Callable[..., bytes],
) -> None:
    """As the official archive unpacks: val/ full of files."""
    place({**{n: d for n, d in pictures.items() if n.startswith("train")}, "val/ILSVRC2012_val_1.JPEG": png()})
    assert "'n01440764' is in train/ only, and 2 more" in refusal(context)


def test_an_empty_class(
    context: DataContext, place: Callable[[dict[str, bytes]], Path], pictures: dict[str, bytes]
) -> None:
    root = place(pictures)
    for file in (root / "val" / WNIDS[1]).iterdir():
        file.unlink()
    assert f"no image in val/{WNIDS[1]}" in refusal(context)


def test_a_damaged_picture_is_named(
    context: DataContext, place: Callable[[dict[str, bytes]], Path], pictures: dict[str, bytes]
) -> None:
    name = f"train/{WNIDS[2]}/{WNIDS[2]}_1.JPEG"
    place({**pictures, name: pictures[name][:40]})
    assert f"image '{name}' cannot be decoded" in refusal(context)


def test_a_disk_without_room_is_told_before_the_decoding(
    context: DataContext,
    place: Callable[[dict[str, bytes]], Path],
    pictures: dict[str, bytes],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    place(pictures)
    monkeypatch.setattr(imagenet.shutil, "disk_usage", lambda _: SimpleNamespace(free=2**30 // 2))
    monkeypatch.setattr(imagenet, "_bytes", lambda images, size: 3 * 2**30)
    assert "needs 3.0 GiB, and 0.5 GiB are free" in refusal(context)


@pytest.mark.parametrize("size", [0, 7, 513, "large", 32.5])
def test_wrong_sizes(context: DataContext, size: object) -> None:
    with pytest.raises(LsnError, match="size"):
        catalogue.load("imagenet", {"size": size}, context)


def test_the_catalogue_knows_it_without_its_pictures(
    context: DataContext, place: Callable[[dict[str, bytes]], Path], pictures: dict[str, bytes]
) -> None:
    described = catalogue.describe("imagenet", context.data_dir)
    assert (described.num_classes, described.train_size, described.test_size) == (1000, 1_281_167, 50_000)
    assert not described.available
    place(pictures)
    assert catalogue.describe("imagenet", context.data_dir).available
