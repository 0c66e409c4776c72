"""The files of runs that come from another database: found in its folder, copied into ours, under our names.

A path in a database that came from elsewhere is a claim. It is followed only inside the folder of that database,
and only a file of the size and SHA-256 that the database names is copied; where it goes is not for it to say.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Literal

from lsncli.errors import LsnError
from lsncli.store.records import ArtifactEntry

#: copied: whole, and now in our folder. there: our folder has it already. missing, damaged: not there, or not what
#: the database says. refused: its path leads elsewhere. left: our database is on a server and names no files.
FileOutcome = Literal["copied", "there", "missing", "damaged", "refused", "left"]

#: A source, a run's key, and an artifact's name.
FileId = tuple[int, str, str]

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_KEY = re.compile(r"[0-9A-Za-z]{1,64}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_PORTION = 1 << 20
#: What an unfinished run goes on from; it never travels, and is no result.
_CHECKPOINT = "checkpoint.safetensors"
#: How the names of folders of weights end.
_WEIGHTS = ".checkpoints"


@dataclass(frozen=True, slots=True)
class Destination:
    """Our folder of weights, and its path as seen from our database's folder.

    claim: called before the first copy: says in the folder that it is our database's, and returns it; another one,
    where it has just become another database's.
    """

    folder: Path
    prefix: str
    claim: Callable[[], Path] | None = None

    def entry(self, key: str, theirs: ArtifactEntry) -> ArtifactEntry:
        """The file as our database will name it."""
        path = f"{self.prefix}/{key}/{PurePosixPath(theirs.path).name}"
        return ArtifactEntry(theirs.name, path, theirs.sha256, theirs.size)

    def path(self, key: str, theirs: ArtifactEntry) -> Path:
        """Where the file goes."""
        return self.folder / key / PurePosixPath(theirs.path).name


def is_inside(path: object) -> bool:
    """Whether an artifact's path names a file below the folder that it is relative to."""
    if not isinstance(path, str) or "\\" in path or "\0" in path:
        return False
    pure = PurePosixPath(path)
    return bool(pure.parts) and not pure.is_absolute() and ".." not in pure.parts


def find(folder: Path, entry: ArtifactEntry) -> Path | FileOutcome:
    """The file of an artifact below ``folder``, or why there is none; links that lead elsewhere count for none.

    Only the folder of weights itself may be a link: to a larger disk.
    """
    if not is_inside(entry.path):
        return "refused"
    first, *rest = PurePosixPath(entry.path).parts
    home = folder / first if rest and first.endswith(_WEIGHTS) else folder
    try:
        real = (folder / entry.path).resolve(strict=True)
        about = real.stat()
    except (OSError, RuntimeError, ValueError):
        return "missing"
    if not real.is_relative_to(home.resolve()) or not stat.S_ISREG(about.st_mode):
        return "refused"
    return real if about.st_size == entry.size else "damaged"


def sha256_of(path: Path, copy_to: Path | None = None) -> str:
    """SHA-256 of a file that is perhaps copied in the same reading, and then is on the disk."""
    state = hashlib.sha256()
    with ExitStack() as stack:
        source = stack.enter_context(path.open("rb"))
        copy = None if copy_to is None else stack.enter_context(copy_to.open("xb"))
        while portion := source.read(_PORTION):
            state.update(portion)
            if copy is not None:
                copy.write(portion)
        if copy is not None:
            copy.flush()
            os.fsync(copy.fileno())
    return state.hexdigest()


@dataclass(slots=True)
class Files:
    """The files that a merge may bring: looked at, then copied beside their places, then put there.

    ``destination`` is None where none are brought; ``folder`` is where ours lie all the same, if anywhere.
    ``outcomes`` has one word per artifact, by source, run and name.
    """

    destination: Destination | None
    folder: Path | None
    outcomes: dict[FileId, FileOutcome] = field(default_factory=dict)
    _staging: Path | None = None
    _staged: dict[tuple[Path, str], Path] = field(default_factory=dict)
    _promised: dict[Path, str] = field(default_factory=dict)
    _placed: list[Path] = field(default_factory=list)
    _aside: dict[Path, Path] = field(default_factory=dict)
    _digests: dict[Path, str] = field(default_factory=dict)

    def has(self, key: str, theirs: ArtifactEntry, named: ArtifactEntry | None) -> bool:
        """Whether our folder has the file that our database has ``named``; so it is where none are brought."""
        if self.destination is None:
            return True
        place = self.destination.path(key, theirs)
        return named is not None and place.is_file() and self._digest(place) == named.sha256

    def look(self, source: int, folder: Path | None, key: str, entry: ArtifactEntry, *, copy: bool) -> FileOutcome:
        """Find a file, check it, and with ``copy`` copy it; what became of it.

        Raises :class:`LsnError` where our disk refuses the copy.
        """
        name = (source, key, entry.name)
        self.outcomes[name] = self._look(key, folder, entry, copy)
        return self.outcomes[name]

    def _look(self, key: str, folder: Path | None, entry: ArtifactEntry, copy: bool) -> FileOutcome:
        if self.destination is None or folder is None:
            return "left"
        name = PurePosixPath(entry.path).name if is_inside(entry.path) else ""
        odd = name == _CHECKPOINT or not _NAME.fullmatch(name) or not _KEY.fullmatch(key)
        if odd or not _SHA256.fullmatch(str(entry.sha256)):
            return "refused"
        place = self.destination.path(key, entry)
        if place.is_file() and place.stat().st_size == entry.size and self._digest(place) == entry.sha256:
            return "there"
        if self._promised.get(place) == entry.sha256:
            return "there"  # another source brings it
        found = find(folder, entry)
        if not isinstance(found, Path):
            return found
        try:
            if not copy:
                if sha256_of(found) != entry.sha256:
                    return "damaged"
                self._promised[place] = entry.sha256
                return "copied"
            part = self._part()
        except OSError:
            return "missing"  # without permission to read
        try:
            if sha256_of(found, part) != entry.sha256:
                part.unlink()
                return "damaged"
        except OSError as error:
            raise LsnError(
                f"the weights cannot be copied: {error.strerror or error}",
                where=str(self.destination.folder),
                next="make room there, or merge the results alone: --no-files",
            ) from None
        self._staged[place, entry.sha256] = part
        self._promised[place] = entry.sha256
        return "copied"

    def _digest(self, path: Path) -> str:
        """SHA-256 of a file of ours, read once; of one that cannot be read, none."""
        if path not in self._digests:
            try:
                self._digests[path] = sha256_of(path)
            except OSError:
                self._digests[path] = ""
        return self._digests[path]

    def _part(self) -> Path:
        assert self.folder is not None
        if self._staging is None:
            try:
                self.folder.mkdir(parents=True, exist_ok=True)
                self._staging = Path(tempfile.mkdtemp(prefix=".merge-", dir=self.folder))
            except OSError as error:
                raise LsnError(
                    f"the folder of the weights cannot be written: {error.strerror}",
                    where=str(self.folder),
                    next="make it writable"
                    + (", or merge the results alone: --no-files" if self.destination is not None else ""),
                ) from None
            self._claim()
        return self._staging / f"{len(self._staged)}-{len(self._aside)}"

    def _claim(self) -> None:
        claim = None if self.destination is None else self.destination.claim
        if claim is not None and claim() != self.folder:
            raise LsnError(
                "another database has just taken the folder of the weights",
                where=str(self.folder),
                next="try again: the weights then go to a folder of their own",
            )

    def put_new(self, wanted: Mapping[Path, str]) -> None:
        """Before the end of a transaction: put copies where nothing is, so that no stored run lacks its file."""
        try:
            for place, sha256 in wanted.items():
                part = self._staged.get((place, sha256))
                if part is not None and not place.exists():
                    place.parent.mkdir(parents=True, exist_ok=True)
                    part.rename(place)
                    self._placed.append(place)
        except OSError as error:
            raise LsnError(f"the weights cannot be written: {error.strerror}", where=str(place)) from None

    def set_aside(self, taken: Iterable[str], wanted: Mapping[Path, str]) -> None:
        """Before the end of a transaction: take away our files of runs whose results are theirs now.

        Not after it: a crash in between would leave their numbers with our weights, and a student would learn from
        the weights of another result. What a crash leaves now lacks its files, which another merge brings, or
        which are trained again.
        """
        if self.folder is None:
            return
        for key in taken:
            if not _KEY.fullmatch(key):
                continue
            for place in sorted((self.folder / key).glob("[!.]*")):
                if not place.is_file() or place.name == _CHECKPOINT:
                    continue
                if place in wanted and wanted[place] == self._digest(place):
                    continue
                part = self._part()
                try:
                    place.rename(part)
                except OSError as error:
                    raise LsnError(
                        f"the weights of a run whose results are replaced cannot be moved: {error.strerror}",
                        where=str(place),
                        next="make its folder writable",
                    ) from None
                self._aside[place] = part

    def take_back(self) -> None:
        """The transaction was not stored: remove what was put for it, and put back what was taken away."""
        for place in self._placed:
            place.unlink(missing_ok=True)
        for place, part in self._aside.items():
            part.replace(place)

    def put_rest(self, wanted: Mapping[Path, str]) -> None:
        """After the end of a transaction: put the other copies, in the place of files that are not wanted now."""
        for place, sha256 in wanted.items():
            part = self._staged.get((place, sha256))
            if part is not None and part.exists():
                place.parent.mkdir(parents=True, exist_ok=True)
                part.replace(place)

    def close(self) -> None:
        """Remove the copies that are not wanted, and what was taken away."""
        if self._staging is not None:
            shutil.rmtree(self._staging, ignore_errors=True)
