"""The published formats, as torch and numpy write them in every version; and what is refused, unread."""

from __future__ import annotations

import io
import os
import pickle
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from lsncli import LsnError

from lsn_human_noise.label_files import read_label_file
from lsn_human_noise.plain_pickle import UnsafePickleError, load_plain

LABELS = {
    "clean_label": np.arange(300) % 10,
    "worse_label": (np.arange(300) * 7 + 3) % 10,
    "aggre_label": (np.arange(300) % 10).astype(np.int32),
    "random_label1": (np.arange(300) % 10).astype(np.uint8),
}


def with_torch(content: Any, path: Path, **how: Any) -> None:
    torch.save(content, path, **how)


def with_numpy(content: Any, path: Path) -> None:
    with path.open("wb") as file:
        np.save(file, content, allow_pickle=True)


WRITERS: dict[str, Callable[[Any, Path], None]] = {
    "torch archive": with_torch,
    "torch before 1.6": lambda content, path: with_torch(content, path, _use_new_zipfile_serialization=False),
    "torch, protocol 4": lambda content, path: with_torch(content, path, pickle_protocol=4),
    "torch, protocol 5": lambda content, path: with_torch(content, path, pickle_protocol=5),
    "numpy": with_numpy,
}


@pytest.mark.parametrize("writer", WRITERS)
def test_published_formats(writer: str, tmp_path: Path) -> None:
    WRITERS[writer](LABELS, tmp_path / "file")
    found = read_label_file(tmp_path / "file")
    assert found.keys() == LABELS.keys()
    for name, labels in LABELS.items():
        assert found[name].dtype == np.int64
        np.testing.assert_array_equal(found[name], labels)


@pytest.mark.parametrize("protocol", range(6))
def test_every_protocol_of_pickle(protocol: int) -> None:
    """Names of numpy's core before and after version 2, arrays in the order of Fortran and of other machines."""
    arrays = {
        "plain": np.arange(6),
        "fortran": np.asfortranarray(np.arange(6).reshape(2, 3)),
        "big-endian": np.arange(6).astype(">i4"),
        "column": np.arange(6).reshape(6, 1),
    }
    written = pickle.dumps(arrays, protocol=protocol)
    for content in (written, written.replace(b"numpy._core", b"numpy.core") if protocol < 4 else written):
        found = load_plain(io.BytesIO(content))
        for name, array in arrays.items():
            np.testing.assert_array_equal(found[name].values(), array)
            assert found[name].values().shape == array.shape


def test_other_entries_are_left_out(tmp_path: Path) -> None:
    content = OrderedDict(
        clean_label=np.arange(5),
        as_list=[4, 3, 2, 1, 0],
        column=np.arange(5).reshape(5, 1),
        matrix=np.eye(3, dtype=np.int64),
        text="noise",
        rate=0.4,
        shares=np.full(5, 0.5),
        nested={"a": 1},
        empty=np.zeros(0, dtype=np.int64),
    )
    for write in (with_torch, with_numpy):
        write(content, tmp_path / "file")
        found = read_label_file(tmp_path / "file")
        assert set(found) == {"clean_label", "as_list", "column"}
        assert found["as_list"].tolist() == [4, 3, 2, 1, 0]
        assert found["column"].tolist() == [0, 1, 2, 3, 4]


class Command:
    """Runs a command in whoever unpickles it."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (f"touch {self.trace}",)


@pytest.mark.parametrize("writer", WRITERS)
def test_code_is_not_run(writer: str, tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    WRITERS[writer]({"clean_label": np.arange(5), "extra": Command(trace)}, tmp_path / "file")
    with pytest.raises(LsnError, match=r"it asks for (posix|nt)\.system, which no file of labels needs"):
        read_label_file(tmp_path / "file")
    assert not trace.exists()
    # The trap is a real one: pickle itself would have run it.
    pickle.loads(pickle.dumps(Command(trace)))
    assert trace.exists()


@pytest.mark.parametrize(
    "program",
    [
        b"cbuiltins\neval\n(V1+1\ntR.",
        b"cnumpy\nload\n(V/etc/passwd\ntR.",
        b"cnumpy.core.multiarray\nscalar\n.",
        b"cnumpy.f2py.crackfortran\nmyeval\n.",
        b"ctorch\nload\n.",
        b"cbuiltins\ngetattr\n.",
        b"cnumpy\nndarray\n((I10\nI10\ntR.",  # the type itself cannot be called, to take memory
        b"cnumpy\ndtype\n(I3\ntR.",
        b"cbuiltins\nbytes\n(I1000000000\ntR.",
        b"c_codecs\nencode\n(Vabc\nVrot13\ntR.",
        b"I1\n",
        b"",
    ],
)
def test_other_programs_are_refused(program: bytes) -> None:
    with pytest.raises(UnsafePickleError):
        load_plain(io.BytesIO(program))


def test_arrays_that_lie_about_themselves_are_refused(tmp_path: Path) -> None:
    """A shape that promises more than there is must not be allocated."""
    honest = pickle.dumps({"clean_label": np.arange(5)}, protocol=2)
    assert b"K\x05\x85" in honest  # the shape (5,)
    for lie in (b"J\xff\xff\xff\x7f\x85", b"K\x04\x85", b"J\xff\xff\xff\xff\x85"):
        (tmp_path / "file").write_bytes(honest.replace(b"K\x05\x85", lie, 1))
        with pytest.raises(LsnError, match="an array"):
            read_label_file(tmp_path / "file")


def test_tensors_are_refused_with_a_reason(tmp_path: Path) -> None:
    torch.save({"clean_label": torch.arange(5)}, tmp_path / "file.pt")
    with pytest.raises(LsnError, match=r"torch(\._utils|.* tensors)"):
        read_label_file(tmp_path / "file.pt")


def _empty_archive(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("something", b"else")


@pytest.mark.parametrize(
    ("write", "told"),
    [
        (lambda path: path.write_bytes(b"not at all"), "cannot be read"),
        (lambda path: path.write_bytes(b"PK\x03\x04 broken"), "not a file of labels"),
        (_empty_archive, "an archive of something else"),
        (lambda path: with_numpy(np.arange(5), path), "not a dictionary"),
        (lambda path: path.write_bytes(b"\x93NUMPY\x07\x00"), "header"),
        (lambda path: with_torch([1, 2], path), "no dictionary"),
        (lambda path: with_torch({"note": "none"}, path), "holds no labels"),
    ],
)
def test_other_files_are_refused(write: Callable[[Path], Any], told: str, tmp_path: Path) -> None:
    write(tmp_path / "file")
    with pytest.raises(LsnError, match=told) as error:
        read_label_file(tmp_path / "file")
    assert error.value.where == str(tmp_path / "file")


def test_a_damaged_file_is_told_of(tmp_path: Path) -> None:
    with_torch(LABELS, tmp_path / "file")
    whole = (tmp_path / "file").read_bytes()
    for end in (10, len(whole) // 2, len(whole) - 30):
        (tmp_path / "file").write_bytes(whole[:end])
        with pytest.raises(LsnError, match="not a file of labels"):
            read_label_file(tmp_path / "file")
    with pytest.raises(LsnError, match="cannot read"):
        read_label_file(tmp_path / "missing")


def test_a_file_too_large_is_not_opened(tmp_path: Path) -> None:
    with (tmp_path / "file").open("wb") as file:
        file.truncate(65 * 2**20)
    with pytest.raises(LsnError, match="larger than 64 MiB"):
        read_label_file(tmp_path / "file")
