"""Reading tar archives as a stream, strictly: what is cut off or damaged is an error, not an early end."""

from __future__ import annotations

import bz2
import gzip
import lzma
import tarfile
import zlib
from collections.abc import Container, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

from lsncli.data.sources import (
    MAX_FILE_BYTES,
    Entry,
    limited,
    safe_parts,
    too_large,
    unreadable,
    unsafe,
)
from lsncli.data.xz import XzFile

#: Long names and extended headers are read into memory as a whole; no honest one is larger.
_MAX_HEADER_BYTES = 2**20
_LONG_HEADERS = (
    tarfile.XHDTYPE,
    tarfile.XGLTYPE,
    tarfile.SOLARIS_XHDTYPE,
    tarfile.GNUTYPE_LONGNAME,
    tarfile.GNUTYPE_LONGLINK,
)

#: Reads beyond the end, one after the other, that an archive as it should be never needs.
_MOST_EMPTY = 16


def is_plain_tar(path: Path) -> bool:
    """Whether an uncompressed file starts with the header of a tar archive (empty files do not)."""
    try:
        with path.open("rb") as file:
            tarfile.TarInfo.frombuf(file.read(tarfile.BLOCKSIZE), "utf-8", "surrogateescape")
    except (tarfile.TarError, OSError):
        return False
    return True


@dataclass(frozen=True, slots=True)
class TarSource:
    """A tar archive, compressed or not; ``compression`` is gz, bz2, xz or None."""

    path: Path
    compression: str | None
    max_bytes: int

    def entries(self) -> Iterator[Entry]:
        """Every member; the whole archive is read, checksums of the compression included."""
        with self._archive() as archive:
            for member in archive:
                yield self._entry(member)

    def contents(self, wanted: Container[str]) -> Iterator[tuple[str, bytes]]:
        """The wanted members."""
        with self._archive() as archive:
            for member in archive:
                entry = self._entry(member)
                if entry.is_dir or entry.name not in wanted:
                    continue
                file = archive.extractfile(member)
                data = b"" if file is None else file.read(MAX_FILE_BYTES + 1)
                yield entry.name, limited(self.path, entry.name, data)

    def _entry(self, member: tarfile.TarInfo) -> Entry:
        parts = safe_parts(self.path, member.name)
        if member.issym() or member.islnk():
            raise unsafe(self.path, member.name, f"is a link to {member.linkname!r}")
        if not (member.isdir() or member.isreg()) or member.issparse():
            raise unsafe(self.path, member.name, "is neither a plain file nor a folder")
        return Entry(member.name, parts, member.isdir())

    @contextmanager
    def _archive(self) -> Iterator[tarfile.TarFile]:
        try:
            with self._decompressed() as raw:
                stream = _Bounded(raw, self.path, self.max_bytes)
                with tarfile.open(fileobj=cast("IO[bytes]", stream), mode="r|", tarinfo=_StrictTarInfo) as archive:
                    yield archive
                    # What follows the end mark is read too: the compression's checksum stands at the end.
                    while stream.read(2**20):
                        pass
        except (tarfile.TarError, EOFError, lzma.LZMAError, zlib.error, OSError) as error:
            raise unreadable(self.path, str(error) or type(error).__name__) from None

    def _decompressed(self) -> IO[bytes]:
        if self.compression == "gz":
            return cast("IO[bytes]", gzip.open(self.path))
        if self.compression == "bz2":
            return cast("IO[bytes]", bz2.open(self.path))
        if self.compression == "xz":
            return cast("IO[bytes]", XzFile(self.path))
        return self.path.open("rb")


class _Bounded:
    """Reads from ``raw``; raises once more than ``max_bytes`` have come out of it, or long after its end.

    tarfile skips a member by reading it away, block by block, and does not look whether anything comes: behind a
    header that claims 2⁶⁰ bytes it would read nothing for years.
    """

    def __init__(self, raw: IO[bytes], path: Path, max_bytes: int) -> None:
        self._raw = raw
        self._path = path
        self._max_bytes = max_bytes
        self._seen = 0
        self._empty = 0

    def read(self, size: int) -> bytes:
        data = self._raw.read(size)
        self._seen += len(data)
        if self._seen > self._max_bytes:
            raise too_large(self._path, self._max_bytes)
        self._empty = 0 if data else self._empty + 1
        if self._empty > _MOST_EMPTY:
            raise EOFError("a member is longer than the archive")
        return data


class _StrictTarInfo(tarfile.TarInfo):
    """Tells an archive's end from its being cut off: tarfile itself takes either for the end."""

    @classmethod
    def fromtarfile(cls, tarfile: tarfile.TarFile) -> _StrictTarInfo:
        try:
            return super().fromtarfile(tarfile)
        except _EndOfArchive:
            raise
        except _HeaderError as error:
            raise _ReadError(f"no valid header where one should be ({error})") from None
        except (ValueError, ArithmeticError, LookupError, TypeError) as error:
            # Whatever an extended header says is believed by the parser, a size of "x" included.
            raise _ReadError(f"an extended header that cannot be read ({error})") from None

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> _StrictTarInfo:
        info = super().frombuf(buf, encoding, errors)
        if info.type in _LONG_HEADERS and info.size > _MAX_HEADER_BYTES:
            raise _ReadError(f"an extended header of {info.size} bytes")
        return info


# The first is not in the type stubs; the others because a parameter above is called like the module.
_EndOfArchive: type[Exception] = vars(tarfile)["EOFHeaderError"]
_HeaderError = tarfile.HeaderError
_ReadError = tarfile.ReadError
