"""Images, folders, names and places that cannot be used cost one message, and leave nothing behind."""

from __future__ import annotations

import io
import os
import struct
import tarfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from lsncli.data import decoding, stored
from lsncli.data.context import DataContext
from lsncli.data.prepare import prepare
from lsncli.errors import LsnError

Files = dict[str, bytes]
Write = Callable[..., Path]
Refused = Callable[..., LsnError]


def test_corrupt_image_is_named(refused: Refused, files: Files, tarball: Write) -> None:
    half = files["test/dog/1.png"][:60]
    refused(tarball(files | {"test/dog/1.png": half}), "'test/dog/1.png' cannot be decoded")
    refused(tarball(files | {"test/dog/1.png": b""}), "'test/dog/1.png' cannot be decoded")
    error = refused(tarball(files | {"test/dog/1.png": b"%!PS-Adobe"}), "'test/dog/1.png'")
    assert "PNG" in error.what


def test_folders_of_the_wrong_shape(
    context: DataContext, refused: Refused, files: Files, folder: Write, png: Callable[..., bytes]
) -> None:
    train = {k: v for k, v in files.items() if k.startswith("train")}
    refused(folder(train, "a"), "has no class folder in test/")
    refused(folder({"x.png": png()}, "b"), r"neither train/ nor test/ at its top \(it has 'x.png'\)")
    error = refused(folder(files | {"train/fox/0.png": png()}, "c"), "only in train/: 'fox'")
    assert "in both train/ and test/" in (error.next or "")
    refused(folder(files | {"train/0.png": png()}, "d"), "is in no class folder")
    refused(folder(files | {"train/cat/deep/0.png": png()}, "e"), "lies deeper")
    refused(folder(files | {"train/cat/0.tif": png()}, "f"), "'train/cat/0.tif' is not an image")
    cats = {k: v for k, v in files.items() if "/cat/" in k}
    refused(folder(cats, "g"), "there is only one class, 'cat'")
    two = folder(cats, "h")
    for split in ("train", "test"):
        (two / split / "empty").mkdir()
    refused(two, "no image in class 'empty' of train/")
    (context.data_dir.parent / "nothing").mkdir()
    refused(context.data_dir.parent / "nothing", "it is empty")


def test_class_folders_alone_are_no_empty_folder(
    refused: Refused, files: Files, folder: Write, tarball: Write
) -> None:
    flat = {name.removeprefix("train/"): data for name, data in files.items() if name.startswith("train/")}
    for source in (folder(flat, "flat"), tarball(flat)):
        error = refused(source, r"neither train/ nor test/ at its top \(it has 'cat/', 'dog/', 'emu/'\)")
        assert "make the folders train/ and test/" in (error.next or "")


def test_class_without_images_on_one_side_alone(refused: Refused, files: Files, folder: Write) -> None:
    path = folder(files)
    (path / "train" / "11").mkdir()
    error = refused(path, "only in train/, without an image: '11'")
    assert "remove what is empty" in (error.next or "")


def test_empty_class_in_an_archive(refused: Refused, files: Files, tarball: Write) -> None:
    extra: dict[str, object] = {}
    for split in ("train", "test"):
        extra[f"{split}/fox"] = info = tarfile.TarInfo(f"{split}/fox")
        info.type = tarfile.DIRTYPE
    refused(tarball({**files, **extra}), "no image in class 'fox' of train/")


def test_class_name_that_cannot_be_printed(refused: Refused, files: Files, tarball: Write) -> None:
    odd = {name.replace("emu", "e\x1b[31mmu"): data for name, data in files.items()}
    refused(tarball(odd), "is not printable text")


def test_images_of_differing_size_are_both_named(
    refused: Refused, files: Files, tarball: Write, png: Callable[..., bytes]
) -> None:
    odd = files | {"train/dog/1.png": png(4, height=7, width=8)}
    error = refused(tarball(odd), r"'train/cat/0.png' has 5 x 6 pixels, 'train/dog/1.png' has 8 x 7")
    assert "--size" in str(error)


def test_sixteen_bits_and_animations(refused: Refused, files: Files, tarball: Write) -> None:
    out = io.BytesIO()
    Image.new("I;16", (5, 6)).save(out, "PNG")
    refused(tarball(files | {"train/cat/1.png": out.getvalue()}), "'train/cat/1.png' has pixels of kind")
    out = io.BytesIO()
    frames = [Image.new("RGB", (5, 6), colour) for colour in ("red", "blue")]
    frames[0].save(out, "GIF", save_all=True, append_images=frames[1:])
    refused(tarball(files | {"train/cat/1.gif": out.getvalue()}), "'train/cat/1.gif' is animated")


def test_image_that_unpacks_to_very_many_pixels(refused: Refused, files: Files, tarball: Write) -> None:
    """A PNG of a few bytes whose header claims 60,000 x 60,000 pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    bomb = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")
    refused(tarball(files | {"train/cat/0.png": bomb}), r"'train/cat/0.png' .*(pixels|bomb)")


def test_image_above_our_own_pixel_limit(
    refused: Refused, files: Files, tarball: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decoding, "MAX_PIXELS", 29)
    refused(tarball(files), "'train/cat/0.png' has 5 x 6 pixels, more than the 29")


def test_decoded_images_beyond_the_limit(refused: Refused, files: Files, folder: Write) -> None:
    # 15 images of 6 x 5 x 3 bytes are 1350.
    refused(folder(files), "unpacks to more than", max_bytes=1349)


@pytest.mark.parametrize("name", ["Mine", "my_set", "-x", "x-", "a--b", "", "a/b", "..", "x" * 65, "é"])
def test_impossible_names(name: str, context: DataContext, files: Files, folder: Write) -> None:
    with pytest.raises(LsnError, match="is not a name for a data set"):
        prepare(name, folder(files), context)


def test_registered_names_are_taken(context: DataContext, files: Files, folder: Write) -> None:
    with pytest.raises(LsnError, match="'cifar10' is the name of a registered data set") as caught:
        prepare("cifar10", folder(files), context)
    assert "--stands-in-for cifar10" in str(caught.value)


def test_stand_in_of_another_number_of_classes(refused: Refused, files: Files, folder: Write) -> None:
    error = refused(folder(files), "3 classes cannot stand in for 'cifar10', which has 10", stands_in_for="cifar10")
    assert error.where == "--stands-in-for"


def test_stand_in_for_itself_and_for_a_stranger(
    context: DataContext, refused: Refused, files: Files, folder: Write
) -> None:
    refused(folder(files), "cannot stand in for itself", stands_in_for="mine")
    result = prepare("mine", folder(files), context, stands_in_for="cifar20")
    assert "'cifar20' is not known here" in result.notes[0]
    assert "cifar10" in result.notes[0]


@pytest.mark.parametrize("size", [0, -3, 100_000])
def test_impossible_size(size: int, refused: Refused, files: Files, folder: Write) -> None:
    refused(folder(files), "cannot be resized", size=size)


def test_data_dir_that_cannot_be_made(files: Files, folder: Write, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(LsnError, match="cannot write the data set 'mine'") as caught:
        prepare("mine", folder(files), DataContext(tmp_path / "file" / "data"))
    assert "--data-dir" in str(caught.value)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
def test_read_only_data_dir(files: Files, folder: Write, tmp_path: Path) -> None:
    (tmp_path / "locked").mkdir(mode=0o555)
    with pytest.raises(LsnError, match="Permission denied"):
        prepare("mine", folder(files), DataContext(tmp_path / "locked"))


def test_full_disk_leaves_nothing_behind(
    refused: Refused, files: Files, folder: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(stored.np, "save", full)
    refused(folder(files), "cannot write the data set 'mine': No space left on device")
