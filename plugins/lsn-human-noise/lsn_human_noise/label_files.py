"""The published label files of CIFAR-10N and CIFAR-100N: a dictionary of arrays as ``.pt`` or ``.npy``.

``.pt`` is what ``torch.save`` writes: a ZIP archive with one pickle in it, or (before torch 1.6) pickles in a row.
``.npy`` is what ``numpy.save`` writes of a dictionary: a header, and a pickle of an array that holds it.
"""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
from lsncli import LsnError
from numpy.lib import format as npy

from lsn_human_noise.plain_pickle import PickledArray, UnsafePickleError, load_plain

Labels = npt.NDArray[np.int64]

#: No published file is larger than a few megabytes, and no such pickle either.
LARGEST = 64 * 2**20
#: What torch wrote before a pickle, before it wrote archives.
_OLD_TORCH = 0x1950A86A20F9469CFC6C


def read_label_file(path: Path) -> dict[str, Labels]:
    """The arrays of the file by name, each int64 ``[N]``; entries that are no arrays of integers are left out.

    No code of the file is run. Raises LsnError where the file cannot be read or is anything else.
    """
    try:
        if path.stat().st_size > LARGEST:
            raise UnsafePickleError(f"it is larger than {LARGEST // 2**20} MiB")
        with path.open("rb") as file:
            content = _dictionary(file)
        labels = {name: found for name, value in content.items() if (found := _labels(value)) is not None}
    except (UnsafePickleError, zipfile.BadZipFile, EOFError) as error:
        raise LsnError(
            f"{path.name} is not a file of labels: {error}",
            where=str(path),
            valid="a dictionary of arrays of integers, as torch.save (.pt) or numpy.save (.npy) writes it",
            next="get the published file again",
        ) from None
    except OSError as error:
        raise LsnError(f"cannot read {path.name}: {error.strerror or error}", where=str(path)) from None
    if not labels:
        raise LsnError(f"{path.name} holds no labels", where=str(path))
    return labels


def _dictionary(file: BinaryIO) -> Mapping[Any, Any]:
    start = file.read(6)
    file.seek(0)
    if start.startswith(b"PK"):
        content = load_plain(BytesIO(_pickle_of_archive(file)))
    elif start == npy.MAGIC_PREFIX:
        content = _of_npy(file)
    else:
        content = load_plain(file)
        if content == _OLD_TORCH:
            load_plain(file)  # version of the protocol
            load_plain(file)  # the system's byte order and sizes
            content = load_plain(file)
    if not isinstance(content, dict):
        raise UnsafePickleError("it holds no dictionary")
    return content


def _pickle_of_archive(file: BinaryIO) -> bytes:
    with zipfile.ZipFile(file) as archive:
        entries = [info for info in archive.infolist() if info.filename.rpartition("/")[2] == "data.pkl"]
        if len(entries) != 1 or entries[0].file_size > LARGEST:
            raise UnsafePickleError("it is an archive of something else than one pickle of labels")
        return archive.read(entries[0])


def _of_npy(file: BinaryIO) -> Any:
    """The dictionary in an array of one object."""
    try:
        version = npy.read_magic(file)
        read = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}[version]
        shape, _, kind = read(file)
    except (ValueError, KeyError) as error:
        raise UnsafePickleError(f"its header cannot be read ({error})") from None
    if shape != () or kind != np.dtype(object):
        raise UnsafePickleError(f"it holds an array of type {kind} and shape {shape}, not a dictionary")
    array = load_plain(file)
    if isinstance(array, PickledArray):
        return array.objects()[0]
    return array


def _labels(value: Any) -> Labels | None:
    """A row of integers; None for what has another shape or is none."""
    if isinstance(value, PickledArray) and value.is_integer:
        array = value.values()
    elif isinstance(value, list) and value and all(type(entry) is int for entry in value):
        try:
            array = np.array(value, dtype=np.int64)
        except OverflowError:
            return None
    else:
        return None
    flat = array.reshape(-1)
    # A column [N, 1] is a row too; a matrix is something else.
    return flat if len(flat) and max(array.shape) == len(flat) else None
