"""Folders and archives become the same data set."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import ExifTags, Image, ImageOps
from PIL.PngImagePlugin import PngInfo

from lsncli.data import catalogue, stored
from lsncli.data.context import DataContext
from lsncli.data.decoding import decode
from lsncli.data.prepare import Prepared, prepare
from lsncli.errors import LsnError

Files = dict[str, bytes]
Write = Callable[..., Path]


def arrays_of(result: Prepared) -> tuple[np.ndarray, np.ndarray]:
    loaded = stored.load(result.folder)
    return loaded.train_images, loaded.test_images


def test_folder_holds_exactly_the_pixels(
    context: DataContext, files: Files, folder: Write, expected: tuple[np.ndarray, np.ndarray]
) -> None:
    result = prepare("mine", folder(files), context)
    assert result.outcome == "prepared"
    arrays = catalogue.load("mine", {}, context)
    np.testing.assert_array_equal(arrays.train_images, expected[0])
    np.testing.assert_array_equal(arrays.test_images, expected[1])
    assert arrays.train_labels.tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2]
    assert arrays.test_labels.tolist() == [0, 0, 1, 1, 2, 2]
    assert arrays.class_names == ("cat", "dog", "emu")
    assert arrays.train_labels_clean
    assert arrays.digest == result.meta.digest
    np.testing.assert_allclose(result.meta.mean, (expected[0] / 255.0).mean((0, 1, 2)), rtol=1e-12)


def test_every_kind_of_source_gives_the_same_digest(
    context: DataContext, files: Files, folder: Write, tarball: Write, zipped: Write
) -> None:
    shuffled = dict(reversed(files.items()))
    below = {f"some-folder/{name}": data for name, data in files.items()}
    sources = [
        folder(files),
        folder(below, "nested"),
        tarball(files),
        tarball(shuffled, "gz", "a.tar.gz"),
        tarball(below, "xz", "b.tar.xz"),
        tarball({f"./{name}": data for name, data in files.items()}, "bz2", "c.tar.bz2"),
        zipped(files),
        zipped(below, "d.zip", zipfile.ZIP_DEFLATED),
        zipped({name.replace("/", "\\"): data for name, data in files.items()}, "e.zip"),
        tarball(files, "gz", "misnamed.zip"),
    ]
    digests = {prepare(f"set-{i}", path, context).meta.digest for i, path in enumerate(sources)}
    assert len(digests) == 1


def test_clutter_is_passed_over(context: DataContext, files: Files, folder: Write, tarball: Write) -> None:
    plain = prepare("plain", folder(files), context).meta.digest
    clutter = {
        "README.md": b"hello",
        "train/.DS_Store": b"x",
        "train/labels.csv": b"a,b",
        "train/cat/Thumbs.db": b"x",
        "train/cat/._0.png": b"x",
        "__MACOSX/train/cat/0.png": b"x",
    }
    assert prepare("cluttered", tarball(files | clutter), context).meta.digest == plain


def test_all_image_formats_decode(context: DataContext, png: Callable[..., bytes], folder: Write) -> None:
    suffixes = {"png": "PNG", "jpg": "JPEG", "JPEG": "JPEG", "bmp": "BMP", "webp": "WEBP", "gif": "GIF"}
    content = {
        f"{split}/{c}/{suffix}.{suffix}": png(format=kind)
        for split in ("train", "test")
        for c in "ab"
        for suffix, kind in suffixes.items()
    }
    meta = prepare("formats", folder(content), context).meta
    assert (meta.train_size, meta.test_size, meta.image_shape) == (12, 12, (6, 5, 3))


def test_grey_images_have_one_channel(
    context: DataContext, files: Files, folder: Write, png: Callable[..., bytes]
) -> None:
    grey = {name: png(i, mode="L") for i, name in enumerate(files)}
    assert prepare("grey", folder(grey), context).meta.image_shape == (6, 5, 1)
    # One coloured image makes all of them coloured, wherever in the order it comes.
    mixed = grey | {"train/dog/1.png": png(4)}
    result = prepare("mixed", folder(mixed, "mixed"), context)
    train, _ = arrays_of(result)
    alone, _ = stored.load(context.prepared_dir / "grey").train_images, None
    assert train.shape[1:] == (6, 5, 3)
    np.testing.assert_array_equal(train[0], np.repeat(alone[0], 3, axis=2))
    np.testing.assert_array_equal(train[8], np.repeat(alone[8], 3, axis=2))
    assert (train[4] != train[4][..., :1]).any()


def photo(orientation: int | bytes | None, kind: str, width: int = 20, height: int = 8) -> bytes:
    """Black above and white below, as the sensor has it, and how the camera was held."""
    pixels = np.zeros((height, width, 3), dtype=np.uint8)
    pixels[height // 2 :] = 255
    exif = Image.Exif()
    if isinstance(orientation, int):
        exif[ExifTags.Base.Orientation] = orientation
    out = io.BytesIO()
    data = exif.tobytes() if isinstance(orientation, int) else orientation or b""
    Image.fromarray(pixels).save(out, kind, exif=data)
    return out.getvalue()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("orientation", [2, 3, 4, 5, 6, 7, 8])
def test_photos_are_turned_upright(orientation: int, kind: str) -> None:
    data = photo(orientation, kind)
    with Image.open(io.BytesIO(data)) as image:
        upright = np.asarray(ImageOps.exif_transpose(image).convert("RGB"))
    turned = decode("x", data, size=None, source=Path("x"))
    np.testing.assert_array_equal(turned, upright)
    if orientation == 6:  # taken with the camera turned: what the sensor has at its left is above
        assert turned.shape == (20, 8, 3)
        assert turned[:, 0].min() > 200
        assert turned[:, -1].max() < 50


def test_a_png_is_turned_whatever_says_how_it_lies() -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    data = exif.tobytes()
    plain = photo(None, "PNG")
    old, xmp = PngInfo(), PngInfo()
    # As ImageMagick writes it, and as XMP has it.
    old.add_text("Raw profile type exif", f"\nexif\n{len(data):8}\n{data.hex()}\n")
    xmp.add_itxt("XML:com.adobe.xmp", '<rdf:Description tiff:Orientation="6"/>')
    for info in (old, xmp):
        out = io.BytesIO()
        Image.open(io.BytesIO(plain)).save(out, "PNG", pnginfo=info)
        assert decode("x", out.getvalue(), size=None, source=Path("x")).shape == (20, 8, 3)
    # The chunk may stand behind the pixels, where the header does not tell of it.
    chunk = b"eXIf" + data.removeprefix(b"Exif\0\0")
    late = len(chunk[4:]).to_bytes(4, "big") + chunk + zlib.crc32(chunk).to_bytes(4, "big")
    end = plain.rindex(b"IEND") - 4
    assert decode("x", plain[:end] + late + plain[end:], size=None, source=Path("x")).shape == (20, 8, 3)
    assert decode("x", plain, size=None, source=Path("x")).shape == (8, 20, 3)


def test_sizes_are_those_of_upright_photos(context: DataContext, folder: Write) -> None:
    content = {f"{s}/{c}/{k}.jpg": photo(1, "JPEG", 8, 20) for s in ("train", "test") for c in "ab" for k in "xy"}
    content["train/b/x.jpg"] = photo(6, "JPEG")
    assert prepare("phone", folder(content), context).meta.image_shape == (20, 8, 3)


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
@pytest.mark.parametrize("damaged", [b"Exif\0\0nonsense", b"Exif\0\0II*\0\xff\xff\xff\xff"])
def test_damaged_exif_data_turn_nothing(damaged: bytes) -> None:
    assert decode("x", photo(damaged, "JPEG"), size=None, source=Path("x")).shape == (8, 20, 3)


def test_resizing(context: DataContext, files: Files, folder: Write, png: Callable[..., bytes]) -> None:
    odd = files | {"train/cat/0.png": png(0, height=9, width=20)}
    assert prepare("small", folder(odd), context, size=4).meta.image_shape == (4, 4, 3)


def test_declarations_are_kept(context: DataContext, png: Callable[..., bytes], folder: Write) -> None:
    content = {f"{s}/{k}/x.png": png(k) for s in ("train", "test") for k in range(10)}
    result = prepare("ten", folder(content), context, stands_in_for="cifar10", noisy_labels=True)
    entry = catalogue.describe("ten", context.data_dir)
    assert entry.stands_in_for == "cifar10"
    assert catalogue.stand_ins(context.data_dir) == {"ten": "cifar10"}
    assert not catalogue.load("ten", {}, context).train_labels_clean
    assert result.meta.source == "images"
    # Nothing is taken back by being left out.
    again = prepare("ten", folder(content), context)
    assert again.outcome == "unchanged"
    assert "still declared, from before: --stands-in-for cifar10 --noisy-labels" in again.notes[0]
    assert again.meta.noisy_labels
    assert catalogue.stand_ins(context.data_dir) == {"ten": "cifar10"}
    assert not catalogue.load("ten", {}, context).train_labels_clean
    with pytest.raises(LsnError, match="declared to stand in for 'cifar10', not for 'cifar11'") as caught:
        prepare("ten", folder(content), context, stands_in_for="cifar11")
    assert "--force" in str(caught.value)
    # The same images, declared otherwise: only the record changes.
    again = prepare("ten", folder(content), context, force=True)
    assert again.outcome == "updated"
    assert again.notes == ("no longer declared: --stands-in-for cifar10 --noisy-labels",)
    assert catalogue.stand_ins(context.data_dir) == {}
    assert catalogue.load("ten", {}, context).train_labels_clean


def test_declarations_are_added_and_outlive_a_repair(context: DataContext, files: Files, folder: Write) -> None:
    result = prepare("mine", folder(files), context)
    assert catalogue.has_true_labels("mine", context.data_dir)
    again = prepare("mine", folder(files), context, noisy_labels=True)
    assert (again.outcome, again.notes) == ("updated", ("newly declared: --noisy-labels",))
    assert not catalogue.has_true_labels("mine", context.data_dir)
    # Of a set that is not on this machine nothing is known against it.
    assert catalogue.has_true_labels("elsewhere", context.data_dir)
    (result.folder / "test_labels.npy").unlink()
    repaired = prepare("mine", folder(files), context)
    assert repaired.outcome == "repaired"
    assert not catalogue.load("mine", {}, context).train_labels_clean


def test_again_costs_nothing_and_other_content_needs_force(
    context: DataContext, files: Files, tarball: Write, png: Callable[..., bytes]
) -> None:
    first = prepare("mine", tarball(files), context)
    assert prepare("mine", tarball(files, "xz", "same.tar.xz"), context).outcome == "unchanged"
    other = tarball(files | {"train/cat/0.png": png(99)}, name="other.tar")
    with pytest.raises(LsnError, match="exists with other content") as caught:
        prepare("mine", other, context)
    assert "--force" in str(caught.value)
    assert catalogue.describe("mine", context.data_dir).digest == first.meta.digest
    replaced = prepare("mine", other, context, force=True)
    assert replaced.outcome == "replaced"
    assert catalogue.describe("mine", context.data_dir).digest == replaced.meta.digest != first.meta.digest
    assert [f.name for f in context.prepared_dir.iterdir()] == ["mine"]


def test_progress_counts_files(context: DataContext, files: Files, folder: Write) -> None:
    told: list[tuple[str, int, int]] = []
    prepare("mine", folder(files), replace(context, progress=lambda *step: told.append(step)))
    assert ("decoding images", 15, 15) in told


def test_class_names_do_not_depend_on_unicode_form(context: DataContext, files: Files, tarball: Write) -> None:
    composed = {name.replace("emu", "\u00e9mu"): data for name, data in files.items()}
    decomposed = {name.replace("emu", "e\u0301mu"): data for name, data in files.items()}
    one = prepare("one", tarball(composed, name="one.tar"), context).meta
    two = prepare("two", tarball(decomposed, name="two.tar"), context).meta
    assert one.digest == two.digest
    assert one.class_names == ("cat", "dog", "\u00e9mu")
