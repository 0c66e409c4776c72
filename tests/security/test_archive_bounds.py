"""Archives of few bytes that promise many: refused before they take memory. What they name is never a path here."""

from __future__ import annotations

import gzip
import io
import lzma
import tarfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from lsncli.data import decoding
from lsncli.data.context import DataContext
from lsncli.data.prepare import prepare
from lsncli.data.xz import XzFile
from lsncli.errors import LsnError


def png(width: int, height: int) -> bytes:
    """A white picture; of 8192 x 8192 pixels it has 65 kB."""
    out = io.BytesIO()
    Image.new("L", (width, height), 255).save(out, "PNG")
    return out.getvalue()


def archive(path: Path, content: list[bytes]) -> Path:
    """A set of two classes whose images have these contents, one after another."""
    names = [f"train/{'ab'[i % 2]}/{i:03d}.png" for i in range(len(content) - 2)] + ["test/a/1.png", "test/b/1.png"]
    with tarfile.open(path, "w") as out:
        for name, data in zip(names, content, strict=True):
            info = tarfile.TarInfo(name)
            info.size = len(data)
            out.addfile(info, io.BytesIO(data))
    return path


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """The sizes of the images whose pixels were decoded."""
    found: list[tuple[int, int]] = []
    convert = Image.Image.convert

    def spying(self: Image.Image, *arguments: object, **options: object) -> Image.Image:
        found.append(self.size)
        return convert(self, *arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(Image.Image, "convert", spying)
    return found


def test_many_large_pictures_cost_one(tmp_path: Path, decoded: list[tuple[int, int]]) -> None:
    side = 2048
    bomb = archive(tmp_path / "bomb.tar", [png(side, side)] * 70)
    with pytest.raises(LsnError, match="unpacks to more than"):
        prepare("bomb", bomb, DataContext(tmp_path / "data"), max_bytes=side * side * 60)
    assert decoded == [(side, side)]


def test_large_pictures_behind_a_small_one_are_refused_by_their_header(
    tmp_path: Path, decoded: list[tuple[int, int]]
) -> None:
    bomb = archive(tmp_path / "bomb.tar", [png(2, 2), *[png(2048, 2048)] * 69])
    with pytest.raises(LsnError, match="images differ in size"):
        prepare("bomb", bomb, DataContext(tmp_path / "data"))
    assert decoded == [(2, 2)]


def test_a_picture_of_two_and_a_half_milliard_pixels(tmp_path: Path, decoded: list[tuple[int, int]]) -> None:
    data = bytearray(png(4, 4))
    data[16:24] = (50_000).to_bytes(4, "big") * 2
    data[29:33] = zlib.crc32(data[12:29]).to_bytes(4, "big")
    with pytest.raises(LsnError, match=r"'train/a/000.png' (has 50000 x 50000 pixels|cannot be decoded)"):
        prepare("bomb", archive(tmp_path / "b.tar", [bytes(data)] * 6), DataContext(tmp_path / "data"))
    assert not decoded


def test_what_is_read_ahead_is_bounded_in_bytes() -> None:
    # Chunks of 64 small images; of images that take a chunk's bytes, one each.
    small = iter([(str(i), b"x") for i in range(200)])
    assert len(decoding._chunk(small, 3072)) == 64
    large = iter([(str(i), b"x") for i in range(200)])
    assert len(decoding._chunk(large, decoding._CHUNK_BYTES)) == 1
    files = iter([(str(i), bytes(decoding._CHUNK_BYTES // 4)) for i in range(9)])
    assert len(decoding._chunk(files, 1)) == 4


def test_xz_streams_are_read_to_their_end_and_need_no_more_memory_than_allowed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "two.xz"
    parts = [bytes(range(256)) * 999, b"second" * 77]
    path.write_bytes(lzma.compress(parts[0]) + bytes(8) + lzma.compress(parts[1], preset=9))
    with XzFile(path) as file:
        read = b"".join(iter(lambda: file.read(1000), b""))
    assert read == b"".join(parts)
    # Preset 9 says in its header that it needs 65 MiB.
    monkeypatch.setattr("lsncli.data.xz.MAX_MEMORY", 2**20)
    path.write_bytes(lzma.compress(b"x" * 9999, preset=9))
    with XzFile(path) as file, pytest.raises(lzma.LZMAError, match=r"[Mm]emory"):
        file.read(1)


def test_a_cut_xz_stream_is_no_end(tmp_path: Path) -> None:
    path = tmp_path / "cut.xz"
    path.write_bytes(lzma.compress(bytes(9999))[:-20])
    with XzFile(path) as file, pytest.raises((EOFError, lzma.LZMAError)):
        b"".join(iter(lambda: file.read(1000), b""))


@pytest.mark.parametrize("compress", [bytes, gzip.compress, lzma.compress])
def test_a_member_far_longer_than_the_archive_is_not_waited_for(
    tmp_path: Path, compress: Callable[[bytes], bytes]
) -> None:
    header = tarfile.TarInfo("train/a/1.png")
    header.size = 2**62  # of which tarfile would read 10 KiB at a time
    path = tmp_path / "claims.tar"
    path.write_bytes(compress(header.tobuf(tarfile.GNU_FORMAT) + png(4, 4)))
    with pytest.raises(LsnError, match="a member is longer than the archive"):
        prepare("claims", path, DataContext(tmp_path / "data"))
