"""Where images come from: a folder or an archive, read as a stream and never unpacked to disk."""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Container, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from lsncli.errors import LsnError

GIB = 2**30
#: Most that an archive may unpack to, unless the user says otherwise: what no compressed bomb needs.
DEFAULT_MAX_BYTES = 50 * GIB
#: Most that the file of one image may hold.
MAX_FILE_BYTES = GIB // 4

ARCHIVES = "a folder, or an archive: .tar, .tar.gz, .tar.bz2, .tar.xz, .zip"
_COMPRESSED = {b"\x1f\x8b": "gz", b"BZh": "bz2", b"\xfd7zXZ\x00": "xz"}
_ZIP = (b"PK\x03\x04", b"PK\x05\x06")


@dataclass(frozen=True, slots=True)
class Entry:
    """One file or folder of a source: its name there, and its path in parts (Unicode form NFC)."""

    name: str
    parts: tuple[str, ...]
    is_dir: bool


class Source(Protocol):
    """A place with files; can be gone through twice, first for the names and then for the content."""

    @property
    def path(self) -> Path:
        """The folder or the archive."""
        ...

    def entries(self) -> Iterator[Entry]:
        """Every file and folder. Raises :class:`LsnError` for an unsafe name, a link or damage."""
        ...

    def contents(self, wanted: Container[str]) -> Iterator[tuple[str, bytes]]:
        """Name and content of the files whose names are ``wanted``, in the source's own order."""
        ...


def open_source(path: Path, *, max_bytes: int = DEFAULT_MAX_BYTES, every_file: bool = False) -> Source:
    """The source at ``path``, recognised by its content, not by its name.

    every_file: of a folder, list all files at any depth, not only those that can be images in class folders.
    Raises :class:`LsnError` where there is nothing, or nothing that lsn reads.
    """
    from lsncli.data.tarball import TarSource, is_plain_tar
    from lsncli.data.zipped import ZipSource

    if os.path.isdir(path):  # noqa: PTH112 - false, unlike Path's, for a name that no folder can have
        return FolderSource(path, every_file)
    try:
        with path.open("rb") as file:
            start = file.read(8)
    except OSError as error:
        raise LsnError(
            f"cannot read {str(path)!r}: {error.strerror or error}", valid=ARCHIVES, next="check the path"
        ) from None
    if start.startswith(_ZIP):
        return ZipSource(path, max_bytes)
    for magic, compression in _COMPRESSED.items():
        if start.startswith(magic):
            return TarSource(path, compression, max_bytes)
    if is_plain_tar(path):
        return TarSource(path, None, max_bytes)
    raise LsnError(
        f"{path.name!r} is neither a folder nor an archive that lsn reads", where=str(path), valid=ARCHIVES
    )


@dataclass(frozen=True, slots=True)
class FolderSource:
    """A folder of the user's own. Links are followed: whoever made them can read what they point to."""

    path: Path
    every_file: bool = False

    def entries(self) -> Iterator[Entry]:
        """The folders and files that matter: two levels below ``train`` and ``test``, the top where neither is."""
        if self.every_file:
            yield from self._files_below(self.path, frozenset())
            return
        root = self._root()
        if not self._has_split(root):
            # No data set; but who refuses it can say what is there instead.
            for child in self._children(root):
                yield self._entry(child, root, is_dir=child.is_dir())
            return
        for split in ("train", "test"):
            if (root / split).is_dir():
                yield self._entry(root / split, root, is_dir=True)
                for child in self._children(root / split):
                    is_dir = child.is_dir()
                    yield self._entry(child, root, is_dir=is_dir)
                    if is_dir:
                        for file in self._children(child):
                            yield self._entry(file, root, is_dir=file.is_dir())

    def contents(self, wanted: Container[str]) -> Iterator[tuple[str, bytes]]:
        """The wanted files."""
        for entry in self.entries():
            if entry.name in wanted and not entry.is_dir:
                try:
                    with (self.path / entry.name).open("rb") as file:
                        data = file.read(MAX_FILE_BYTES + 1)
                except OSError as error:
                    raise _refused(self.path, entry.name, error) from None
                yield entry.name, limited(self.path, entry.name, data)

    def _files_below(self, folder: Path, above: frozenset[Path]) -> Iterator[Entry]:
        """Every file at any depth; a link that leads to a folder above it is not followed again."""
        own = folder.resolve()
        if own in above:
            return
        for child in self._children(folder):
            if child.is_dir():
                yield from self._files_below(child, above | {own})
            else:
                yield self._entry(child, self.path, is_dir=False)

    def _root(self) -> Path:
        """The folder itself, or its one subfolder that holds train/ or test/."""
        if self._has_split(self.path):
            return self.path
        below = [child for child in self._children(self.path) if child.is_dir() and self._has_split(child)]
        return below[0] if len(below) == 1 else self.path

    @staticmethod
    def _has_split(folder: Path) -> bool:
        return (folder / "train").is_dir() or (folder / "test").is_dir()

    def _children(self, folder: Path) -> list[Path]:
        try:
            return sorted(folder.iterdir())
        except OSError as error:
            raise _refused(self.path, str(folder), error) from None

    def _entry(self, path: Path, root: Path, *, is_dir: bool) -> Entry:
        name = path.relative_to(self.path).as_posix()
        return Entry(name, normal(path.relative_to(root).parts), is_dir)


def safe_parts(archive: Path, name: str) -> tuple[str, ...]:
    """The parts of a member's name.

    Raises :class:`LsnError` for a name that would lead out of the folder where one unpacks. Nothing is
    unpacked here, but an archive with such names is not one to trust with anything.
    """
    parts = name.split("/")
    if name.startswith("/") or re.match(r"[A-Za-z]:", name):
        raise unsafe(archive, name, "has an absolute path")
    if ".." in parts:
        raise unsafe(archive, name, "leads out of its folder ('..')")
    return normal(tuple(part for part in parts if part not in ("", ".")))


def normal(parts: tuple[str, ...]) -> tuple[str, ...]:
    """Parts in Unicode form NFC: file systems differ in the form, and class names must not."""
    return tuple(unicodedata.normalize("NFC", part) for part in parts)


def unsafe(archive: Path, name: str, reason: str) -> LsnError:
    """The error for a member that no honest archive of images has."""
    return LsnError(
        f"archive {archive.name!r} is refused: its member {name!r} {reason}",
        where=str(archive),
        valid="files and folders with relative paths: train/<class>/<image>, test/<class>/<image>",
        next="if you trust its origin, unpack it yourself and give the folder",
    )


def unreadable(source: Path, reason: str) -> LsnError:
    """The error for a source that is damaged, cut off or not readable."""
    return LsnError(
        f"cannot read {source.name!r} to its end: {reason}",
        where=str(source),
        next="it may be damaged or cut off: get it again and compare its checksum",
    )


def _refused(source: Path, name: str, error: OSError) -> LsnError:
    """The error for a file or folder in ``source`` that the system does not open."""
    return LsnError(
        f"cannot read {name!r}: {error.strerror or error}",
        where=str(source),
        next="see who may read it (chmod), or take it out",
    )


def too_large(source: Path, max_bytes: int) -> LsnError:
    """The error for a source that unpacks to more than is allowed."""
    return LsnError(
        f"{source.name!r} unpacks to more than {max_bytes / GIB:g} GiB",
        where=str(source),
        next="if that is right, allow more: --max-gib N",
    )


def limited(source: Path, name: str, data: bytes) -> bytes:
    """``data``, if it is of a size that the file of one image can have."""
    if len(data) > MAX_FILE_BYTES:
        raise LsnError(
            f"{name!r} is larger than the file of one image may be ({MAX_FILE_BYTES / GIB:g} GiB)",
            where=str(source),
        )
    return data
