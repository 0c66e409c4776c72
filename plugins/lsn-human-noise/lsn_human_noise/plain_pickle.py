"""Reads pickles of plain data and arrays of integers without running anything that they ask for.

A pickle is a program: it names functions and calls them. This reader knows seven names, those by which numpy and
torch write arrays and bytes, and gives each of them a stand-in of its own that only collects numbers. Every other
name ends the reading. No function of numpy is called before type, shape and length of an array have been checked.
"""

from __future__ import annotations

import math
import pickle
from collections.abc import Callable
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt


class UnsafePickleError(ValueError):
    """A pickle that holds more than plain data and arrays of integers."""


class PlainUnpickler(pickle.Unpickler):
    """Loads dictionaries, lists, text and numbers; arrays of integers come as :class:`PickledArray`."""

    def find_class(self, module: str, name: str) -> Any:
        """The stand-in for one of the known names; raises :class:`UnsafePickleError` for all others."""
        # numpy moved its core to numpy._core in version 2; files name either.
        module = {"__builtin__": "builtins"}.get(module, module.replace("numpy._core", "numpy.core"))
        known = _KNOWN.get((module, name))
        if known is None:
            raise UnsafePickleError(f"it asks for {module}.{name}, which no file of labels needs")
        return known

    def persistent_load(self, pid: Any) -> Any:
        """Raises :class:`UnsafePickleError`: torch's tensors lie outside the pickle, and arrays do not."""
        raise UnsafePickleError("it holds torch tensors, not numpy arrays")


class PickledType:
    """The stand-in for a numpy type, as pickles write it: its name, and its byte order as state."""

    def __init__(self, name: object, *rest: object) -> None:
        if not isinstance(name, str):
            raise UnsafePickleError(f"an array type is named by {type(name).__name__}")
        self.name, self.order = name, "="

    def __setstate__(self, state: Any) -> None:
        order = state[1] if isinstance(state, tuple) and len(state) > 1 else None
        if order not in ("<", ">", "=", "|"):
            raise UnsafePickleError(f"an array type has the byte order {order!r}")
        self.order = order

    @property
    def is_object(self) -> bool:
        """Whether arrays of this type hold Python objects."""
        return self.name in ("O", "O8", "object")

    @property
    def is_integer(self) -> bool:
        """Whether arrays of this type hold integers."""
        return self.name in ("i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8")

    def integers(self) -> np.dtype[Any]:
        """The numpy type; raises :class:`UnsafePickleError` unless it is one of integers."""
        if not self.is_integer:
            raise UnsafePickleError(f"it holds an array of type {self.name!r}; labels are integers")
        return np.dtype(self.name).newbyteorder(self.order)  # type: ignore[arg-type]


class PickledArray:
    """The stand-in for a numpy array: filled by its state, then read by :meth:`values` or :meth:`objects`."""

    def __init__(self, *arguments: object) -> None:
        self._shape: tuple[int, ...] = ()
        self._kind = PickledType("O")
        self._data: Any = None
        self._fortran = False

    def __setstate__(self, state: Any) -> None:
        if not isinstance(state, tuple) or len(state) != 5:
            raise UnsafePickleError("an array has no state as numpy writes it")
        _, shape, kind, fortran, data = state
        self._fill(shape, kind, bool(fortran), data)

    def _fill(self, shape: Any, kind: Any, fortran: bool, data: Any) -> None:
        sizes = shape if isinstance(shape, tuple) else (shape,)
        if not all(isinstance(size, int) and size >= 0 for size in sizes) or not isinstance(kind, PickledType):
            raise UnsafePickleError("an array has no shape or type as numpy writes them")
        self._shape, self._kind, self._fortran, self._data = sizes, kind, fortran, data

    @property
    def is_integer(self) -> bool:
        """Whether it says that it holds integers."""
        return self._kind.is_integer

    def values(self) -> npt.NDArray[np.int64]:
        """The integers, as a new int64 array; raises :class:`UnsafePickleError` for anything else."""
        kind = self._kind.integers()
        if isinstance(self._data, str):
            self._data = self._data.encode("latin1")
        if (
            not isinstance(self._data, bytes | bytearray)
            or len(self._data) != math.prod(self._shape) * kind.itemsize
        ):
            raise UnsafePickleError(f"an array of shape {self._shape} and type {kind} has other contents")
        flat = np.frombuffer(bytes(self._data), dtype=kind)
        shaped = flat.reshape(self._shape, order="F" if self._fortran else "C")
        if kind.kind == "u" and kind.itemsize == 8 and flat.size and int(flat.max()) > np.iinfo(np.int64).max:
            raise UnsafePickleError("an array holds numbers that are no labels")
        return shaped.astype(np.int64)

    def objects(self) -> list[Any]:
        """The objects of an array of objects, in order."""
        if (
            not self._kind.is_object
            or not isinstance(self._data, list)
            or len(self._data) != math.prod(self._shape)
        ):
            raise UnsafePickleError("an array of objects has other contents")
        return self._data


def _array_of_buffer(data: Any, kind: Any, shape: Any, order: Any = "C") -> PickledArray:
    """What numpy's ``_frombuffer`` makes, which it writes by pickle protocol 5."""
    array = PickledArray()
    array._fill(shape, kind, order == "F", data)
    return array


def _encoded(text: Any, encoding: Any = "latin1") -> bytes:
    """What protocol 2 writes bytes as: text in latin1."""
    if not isinstance(text, str) or encoding not in ("latin1", "latin-1"):
        raise UnsafePickleError(f"bytes are written as {type(text).__name__} in {encoding!r}")
    return text.encode("latin1")


def _no_bytes(*arguments: object) -> bytes:
    """What protocol 2 writes empty bytes as: a call without arguments."""
    if arguments:
        raise UnsafePickleError("it calls bytes with arguments")
    return b""


#: Passed to the reconstruction of an array to say that it is one; nothing can be done with it.
_ARRAY = "numpy.ndarray"

_KNOWN: dict[tuple[str, str], Callable[..., Any] | str] = {
    ("numpy", "dtype"): PickledType,
    ("numpy", "ndarray"): _ARRAY,
    ("numpy.core.multiarray", "_reconstruct"): PickledArray,
    ("numpy.core.numeric", "_frombuffer"): _array_of_buffer,
    ("_codecs", "encode"): _encoded,
    ("builtins", "bytes"): _no_bytes,
    ("collections", "OrderedDict"): dict,
}


def load_plain(file: BinaryIO) -> Any:
    """The next pickle of an open file; raises :class:`UnsafePickleError` where it is damaged or more than data."""
    try:
        return PlainUnpickler(file).load()
    except UnsafePickleError:
        raise
    except Exception as error:  # noqa: BLE001 - a damaged pickle may ask for anything
        raise UnsafePickleError(f"its pickle cannot be read ({type(error).__name__}: {error})") from None
