"""Archives that are unsafe, damaged or oversized are refused in one message, and leave nothing behind."""

from __future__ import annotations

import gzip
import io
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from lsncli.data import sources
from lsncli.errors import LsnError

Files = dict[str, bytes]
Write = Callable[..., Path]
Refused = Callable[..., LsnError]


@pytest.mark.parametrize("name", ["../evil.png", "train/../../evil.png", "train/cat/.."])
def test_path_traversal(name: str, refused: Refused, files: Files, tarball: Write, zipped: Write) -> None:
    for path in (tarball(files | {name: b"x"}), zipped(files | {name: b"x"})):
        refused(path, r"leads out of its folder")


@pytest.mark.parametrize("name", ["/etc/evil.png", "C:/evil.png"])
def test_absolute_paths(name: str, refused: Refused, files: Files, tarball: Write, zipped: Write) -> None:
    for path in (tarball(files | {name: b"x"}), zipped(files | {name: b"x"})):
        refused(path, "has an absolute path")


def test_backslash_traversal_in_zip(refused: Refused, files: Files, zipped: Write) -> None:
    refused(zipped(files | {"..\\evil.png": b"x"}), "leads out of its folder")


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        (tarfile.SYMTYPE, "is a link to '/etc/passwd'"),
        (tarfile.LNKTYPE, "is a link to '/etc/passwd'"),
        (tarfile.FIFOTYPE, "neither a plain file nor a folder"),
        (tarfile.CHRTYPE, "neither a plain file nor a folder"),
    ],
)
def test_links_and_devices_in_tar(kind: bytes, reason: str, refused: Refused, files: Files, tarball: Write) -> None:
    info = tarfile.TarInfo("train/cat/9.png")
    info.type, info.linkname = kind, "/etc/passwd"
    refused(tarball({**files, info.name: info}), reason)


def test_link_in_zip(refused: Refused, files: Files, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "links.zip", "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
        link = zipfile.ZipInfo("train/cat/9.png")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
    refused(tmp_path / "links.zip", "is a link")


@pytest.mark.parametrize("compression", ["", "gz", "bz2", "xz"])
def test_archive_cut_off_anywhere(
    compression: str, refused: Refused, files: Files, tarball: Write, tmp_path: Path
) -> None:
    whole = tarball(files, compression).read_bytes()
    cut = tmp_path / "cut.tar"
    # Between two members too, where tar's own format does not show that something is missing.
    lengths = [len(whole) // 3, len(whole) * 2 // 3] if compression else [1024, 512 * 7, 512 * 7 + 100]
    for length in lengths:
        cut.write_bytes(whole[:length])
        refused(cut, r"cannot read 'cut.tar' to its end")


def test_checksum_of_gzip_is_verified(refused: Refused, files: Files, tarball: Write) -> None:
    path = tarball(files, "gz")
    data = bytearray(path.read_bytes())
    data[-8] ^= 0xFF  # the stored CRC-32 of the content
    path.write_bytes(data)
    refused(path, "to its end: CRC check failed")


def test_damaged_zips(refused: Refused, files: Files, zipped: Write) -> None:
    path = zipped(files)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    refused(path, "cannot read 'images.zip' to its end")
    data = bytearray(whole)
    data[whole.index(b"IDAT") + 8] ^= 0xFF
    path.write_bytes(data)
    refused(path, "'train/cat/0.png': Bad CRC")


def test_encrypted_zip(refused: Refused, files: Files, zipped: Write) -> None:
    path = zipped(files)
    data = bytearray(path.read_bytes())
    data[data.index(b"PK\x01\x02") + 8] |= 1  # the encryption flag in the directory
    path.write_bytes(data)
    refused(path, "is encrypted")


def test_what_is_no_archive(refused: Refused, tmp_path: Path) -> None:
    for content in (b"just some text", b""):
        (tmp_path / "notes.txt").write_bytes(content)
        error = refused(tmp_path / "notes.txt", "neither a folder nor an archive")
        assert ".tar.xz" in str(error)
    refused(tmp_path / "nowhere.tar", "cannot read .*nowhere.tar.*No such file")


def test_gzip_of_something_else(refused: Refused, tmp_path: Path) -> None:
    (tmp_path / "notes.gz").write_bytes(gzip.compress(b"just some text" * 100))
    refused(tmp_path / "notes.gz", "cannot read 'notes.gz' to its end")


def test_a_file_that_is_there_twice(refused: Refused, files: Files, tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "twice.tar", "w") as archive:
        for name, data in [*files.items(), ("train/cat/0.png", files["train/cat/0.png"])]:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    refused(tmp_path / "twice.tar", "'train/cat/0.png' is there twice")


@pytest.mark.parametrize("kind", ["gz", "zip"])
def test_archive_bomb(kind: str, refused: Refused, files: Files, tarball: Write, zipped: Write) -> None:
    zeros = files | {"train/cat/0.png": bytes(3_000_000)}
    path = tarball(zeros, "gz") if kind == "gz" else zipped(zeros, compression=zipfile.ZIP_DEFLATED)
    assert path.stat().st_size < 50_000
    error = refused(path, "unpacks to more than", max_bytes=1_000_000)
    assert "--max-gib" in str(error)


def test_file_too_large_for_an_image(
    refused: Refused,
    files: Files,
    tarball: Write,
    zipped: Write,
    folder: Write,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from lsncli.data import tarball as tar_module
    from lsncli.data import zipped as zip_module

    for module in (sources, tar_module, zip_module):
        monkeypatch.setattr(module, "MAX_FILE_BYTES", 10)
    for path in (tarball(files), zipped(files), folder(files)):
        refused(path, "'train/cat/0.png' is larger than the file of one image")


def test_huge_extended_header(refused: Refused, files: Files, tmp_path: Path) -> None:
    """A header that would be read into memory whole."""
    info = tarfile.TarInfo("././@PaxHeader")
    info.type, info.size = tarfile.XHDTYPE, 2**40
    path = tmp_path / "headers.tar"
    path.write_bytes(info.tobuf(tarfile.GNU_FORMAT) + bytes(1024))
    refused(path, "extended header of")
