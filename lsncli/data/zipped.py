"""Reading zip archives, member by member."""

from __future__ import annotations

import lzma
import stat
import struct
import zipfile
import zlib
from collections.abc import Container, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from lsncli.data.sources import MAX_FILE_BYTES, Entry, limited, safe_parts, too_large, unreadable, unsafe

_ENCRYPTED = 0x1

#: What Python's reader and its decompressors raise on damaged or hostile archives. A MemoryError is among them: the
#: header of an LZMA member may ask for gigabytes.
_DAMAGE = (
    *(zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError, NotImplementedError, RuntimeError),
    *(ValueError, ArithmeticError, LookupError, TypeError, struct.error, MemoryError),
)


@dataclass(frozen=True, slots=True)
class ZipSource:
    """A zip archive; its members unpack to ``max_bytes`` at most."""

    path: Path
    max_bytes: int

    def entries(self) -> Iterator[Entry]:
        """Every member of the archive's directory."""
        with self._archive() as archive:
            # zipfile never unpacks more of a member than its directory says, so the sum is a true bound.
            if sum(info.file_size for info in archive.infolist()) > self.max_bytes:
                raise too_large(self.path, self.max_bytes)
            for info in archive.infolist():
                yield self._entry(info)

    def contents(self, wanted: Container[str]) -> Iterator[tuple[str, bytes]]:
        """The wanted members; each one's checksum is verified."""
        with self._archive() as archive:
            for info in archive.infolist():
                entry = self._entry(info)
                if entry.is_dir or entry.name not in wanted:
                    continue
                try:
                    with archive.open(info) as file:
                        data = file.read(MAX_FILE_BYTES + 1)
                except _DAMAGE as error:
                    raise unreadable(self.path, f"{entry.name!r}: {error or type(error).__name__}") from None
                yield entry.name, limited(self.path, entry.name, data)

    def _entry(self, info: zipfile.ZipInfo) -> Entry:
        # Some programs on Windows write backslashes, against the format.
        parts = safe_parts(self.path, info.filename.replace("\\", "/"))
        kind = stat.S_IFMT(info.external_attr >> 16)
        if kind == stat.S_IFLNK:
            raise unsafe(self.path, info.filename, "is a link")
        if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
            raise unsafe(self.path, info.filename, "is neither a plain file nor a folder")
        if info.flag_bits & _ENCRYPTED:
            raise unreadable(self.path, f"{info.filename!r} is encrypted")
        return Entry(info.filename, parts, info.is_dir() or info.filename.endswith("\\"))

    @contextmanager
    def _archive(self) -> Iterator[zipfile.ZipFile]:
        try:
            with zipfile.ZipFile(self.path) as archive:
                yield archive
        except _DAMAGE as error:
            raise unreadable(self.path, str(error) or type(error).__name__) from None
