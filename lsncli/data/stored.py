"""Decoded data sets on disk: four .npy files and meta.json in one folder, written as a whole or not at all."""

from __future__ import annotations

import errno
import os
import re
import secrets
import shutil
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, ValidationError

from lsncli import __version__
from lsncli.data.arrays import Arrays, channel_statistics, content_digest
from lsncli.errors import LsnError
from lsncli.parameters import explain

FORMAT = 1
META = "meta.json"
#: Sets of more bytes are not read through before each batch: it would take longer than a few seconds.
MOST_READ_THROUGH = 2 * 2**30
#: What a set is called while it is replaced: NAME with the process and a random number, as :func:`reserve` says.
_ASIDE = re.compile(r"\.(.+)-[0-9]+-[0-9a-f]{8}-old")
_REPLACING_SECONDS = 60.0
PARTS = ("train_images", "train_labels", "test_images", "test_labels")


class StoredMeta(BaseModel):
    """What meta.json says. mean and std are the training images' per channel, in units of 0..1."""

    model_config = ConfigDict(extra="ignore", frozen=True, allow_inf_nan=False)

    format: int = FORMAT
    name: str
    class_names: tuple[str, ...]
    train_size: int
    test_size: int
    image_shape: tuple[int, int, int]
    digest: str
    source: str
    stands_in_for: str | None = None
    noisy_labels: bool = False
    created: str
    lsn_version: str
    mean: tuple[float, ...]
    std: tuple[float, ...]


def describe_arrays(name: str, arrays: Arrays, *, source: str, stands_in_for: str | None = None) -> StoredMeta:
    """The meta record of ``arrays``; ``source`` is a file's base name or a word on the origin."""
    mean, std = channel_statistics(arrays.train_images)
    return StoredMeta(
        name=name,
        class_names=arrays.class_names,
        train_size=len(arrays.train_images),
        test_size=len(arrays.test_images),
        image_shape=arrays.image_shape,
        digest=arrays.digest,
        source=source,
        stands_in_for=stands_in_for,
        noisy_labels=not arrays.train_labels_clean,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        lsn_version=__version__,
        mean=mean,
        std=std,
    )


def save(folder: Path, arrays: Arrays, meta: StoredMeta) -> None:
    """Write ``arrays`` as ``folder``, replacing what is there.

    Everything is written and flushed beside the folder first and then renamed, so that a crash leaves the
    old content or the new one. One between the two renames leaves the old one under a hidden name, from which the
    next look at the folder's neighbours brings it back (:func:`bring_back`). Raises :class:`LsnError` where the
    disk refuses.
    """
    staging = reserve(folder)
    try:
        for part in PARTS:
            with (staging / f"{part}.npy").open("wb") as file:
                np.save(file, np.ascontiguousarray(getattr(arrays, part)), allow_pickle=False)
                _flush(file)
        _write_meta(staging / META, meta)
        _flush_folder(staging)
        _put_in_place(staging, folder)
    except OSError as error:
        raise unwritable(folder, error) from None
    finally:
        # Gone after success; after a failure or an interrupt nothing half-written stays behind.
        shutil.rmtree(staging, ignore_errors=True)


def bring_back(parent: Path) -> None:
    """Give sets their names again that a crash has left without: it came while they stepped aside for new content.

    Nothing is done where that is not allowed, or where somebody may be replacing the set at this moment.
    """
    with suppress(OSError):
        for aside in sorted(parent.glob(".*-old")):
            found = _ASIDE.fullmatch(aside.name)
            # A rename changes the time of what is renamed; it takes no minute to the next one.
            if found and time.time() - aside.stat().st_ctime > _REPLACING_SECONDS:
                folder = parent / found[1]
                if not folder.exists():
                    aside.rename(folder)


def save_meta(folder: Path, meta: StoredMeta) -> None:
    """Replace meta.json alone, for the same arrays."""
    staging = folder / f".{META}-{secrets.token_hex(4)}"
    try:
        _write_meta(staging, meta)
        staging.replace(folder / META)
    except OSError as error:
        raise unwritable(folder, error) from None
    finally:
        staging.unlink(missing_ok=True)


def read_meta(folder: Path) -> StoredMeta:
    """What ``folder`` holds; raises :class:`LsnError` where meta.json is missing or damaged."""
    try:
        text = (folder / META).read_text(encoding="utf-8")
        meta = StoredMeta.model_validate_json(text)
    except OSError as error:
        raise damaged(folder, f"{META} cannot be read ({error.strerror or error})") from None
    except (UnicodeDecodeError, ValidationError) as error:
        reason = explain(error) if isinstance(error, ValidationError) else "not UTF-8"
        raise damaged(folder, f"{META} is not what lsn wrote: {reason}") from None
    if meta.format > FORMAT:
        raise LsnError(
            f"the data set in {folder} was prepared by a newer lsn ({meta.lsn_version})",
            where=str(folder / META),
            next="upgrade lsn, or prepare it again with this version",
        )
    return meta


def load(folder: Path, meta: StoredMeta | None = None) -> Arrays:
    """The arrays of ``folder``, mapped into memory and read as they are needed.

    Sizes, types and label range are checked; the digest is not (see :func:`problem`). The mapping is
    copy-on-write, or read-only where a file is larger than the memory: a change by the caller never reaches it.
    Raises :class:`LsnError` where a file is missing or damaged.
    """
    meta = meta or read_meta(folder)
    images = {"train": (meta.train_size, *meta.image_shape), "test": (meta.test_size, *meta.image_shape)}
    parts: dict[str, Any] = {}
    for part in PARTS:
        split, what = part.split("_")
        shape = images[split] if what == "images" else images[split][:1]
        parts[part] = _open(folder, part, shape, np.dtype(np.uint8 if what == "images" else np.int64))
    try:
        return Arrays(
            **parts,
            class_names=meta.class_names,
            digest=meta.digest,
            train_labels_clean=not meta.noisy_labels,
        )
    except ValueError as error:
        raise damaged(folder, str(error)) from None


def problem(folder: Path) -> str | None:
    """What is wrong with ``folder``, the digest of the whole content included; None if nothing is."""
    try:
        meta = read_meta(folder)
        arrays = load(folder, meta)
        found = content_digest(
            arrays.train_images,
            arrays.train_labels,
            arrays.test_images,
            arrays.test_labels,
            meta.class_names,
        )
    except LsnError as error:
        return error.what
    except OSError as error:
        return f"{folder} cannot be read ({error.strerror or error})"
    if found != meta.digest:
        return f"the content in {folder} has changed: its digest is {found[:12]}…, not {meta.digest[:12]}…"
    return None


def changed(folder: Path) -> str | None:
    """Why the content of ``folder`` is not what was once written there; None if it is.

    Results would be stored under a digest that is not theirs. Sets beyond :data:`MOST_READ_THROUGH` are taken as
    they are; ``lsn data verify`` reads those too.
    """
    try:
        size = sum((folder / f"{part}.npy").stat().st_size for part in PARTS)
    except OSError:
        size = 0  # something is missing, which is soon said
    reason = problem(folder) if size <= MOST_READ_THROUGH else None
    return reason and reason.removeprefix(f"the decoded data set {folder.name!r} is damaged: ")


def refuse_changed(folder: Path) -> None:
    """Raise :class:`LsnError` where the content of ``folder`` is not what was prepared; see :func:`changed`."""
    if reason := changed(folder):
        raise damaged(folder, reason)


def damaged(folder: Path, reason: str) -> LsnError:
    """The error for a folder that cannot be used."""
    return LsnError(
        f"the decoded data set {folder.name!r} is damaged: {reason}",
        where=str(folder),
        next=f"prepare it again, with the options of before: lsn data prepare {folder.name} SOURCE --force",
    )


def unwritable(folder: Path, error: OSError) -> LsnError:
    """The error for a folder that cannot be written."""
    return LsnError(
        f"cannot write the data set {folder.name!r}: {error.strerror or error}",
        where=str(folder),
        next="choose a folder that you can write, with enough space: --data-dir DIR (or LSN_DATA_DIR)",
    )


def reserve(folder: Path) -> Path:
    """Create an empty staging folder beside ``folder``, which shows early that writing is possible."""
    staging = folder.parent / f".{folder.name}-{os.getpid()}-{secrets.token_hex(4)}"
    try:
        staging.mkdir(parents=True)
    except OSError as error:
        raise unwritable(folder, error) from None
    return staging


def _open(folder: Path, part: str, shape: tuple[int, ...], dtype: np.dtype[Any]) -> npt.NDArray[Any]:
    try:
        array = _mapped(folder / f"{part}.npy")
    except (OSError, ValueError, EOFError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise damaged(folder, f"{part}.npy cannot be read ({reason})") from None
    if not isinstance(array, np.ndarray) or array.dtype != dtype or array.shape != shape:
        found = f"{array.dtype} {list(array.shape)}" if isinstance(array, np.ndarray) else "something else"
        raise damaged(folder, f"{part}.npy holds {found}, not {dtype} {list(shape)}")
    return np.asarray(array)


def _mapped(path: Path) -> Any:
    """A file as an array that is mapped into memory, copy-on-write where the system allows that.

    Linux counts what may be written as memory that is taken, and refuses a file of more than it has: such a one can
    only be read.
    """
    try:
        return np.load(path, mmap_mode="c", allow_pickle=False)
    except OSError as error:
        if error.errno != errno.ENOMEM:
            raise
        return np.load(path, mmap_mode="r", allow_pickle=False)


def _write_meta(path: Path, meta: StoredMeta) -> None:
    with path.open("w", encoding="utf-8") as file:
        file.write(meta.model_dump_json(indent=2) + "\n")
        _flush(file)


def _flush(file: Any) -> None:
    file.flush()
    os.fsync(file.fileno())


def _flush_folder(folder: Path) -> None:
    if os.name == "posix":  # elsewhere a folder cannot be opened, and a rename is durable by itself
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _put_in_place(staging: Path, folder: Path) -> None:
    """Rename ``staging`` to ``folder``; a folder that is there steps aside first, and back on failure."""
    aside = folder.parent / f"{staging.name}-old"
    replaced = folder.exists()
    if replaced:
        folder.rename(aside)
    try:
        staging.rename(folder)
    except OSError:
        # Somebody may have brought it back.
        if replaced and aside.exists():
            aside.rename(folder)
        raise
    _flush_folder(folder.parent)
    shutil.rmtree(aside, ignore_errors=True)
