"""Arrays as bytes: compressed, in C order, little-endian, readable on any machine without running code."""

from __future__ import annotations

import math
import zlib
from typing import TYPE_CHECKING, Any

from lsncli.store.stored_values import UnreadableValueError, read_shape

if TYPE_CHECKING:
    import numpy.typing as npt

#: Histograms and tables of probabilities shrink little beyond this level, and it is several times faster than 9.
_LEVEL = 6

#: Largest array that is stored: far beyond any histogram, far below the memory.
MAX_BYTES = 2**28


def encode(array: npt.ArrayLike) -> dict[str, Any]:
    """``dtype``, ``shape`` and compressed ``data``; raises ValueError for arrays of Python objects."""
    import numpy as np

    values = np.asarray(array)
    if values.dtype.hasobject or values.dtype.names is not None:
        raise ValueError(f"arrays of {values.dtype} cannot be stored: only plain numbers, booleans and text")
    if values.nbytes > MAX_BYTES:
        raise ValueError(f"an array of {values.nbytes} bytes is more than can be stored ({MAX_BYTES})")
    values = values.astype(values.dtype.newbyteorder("<"), copy=False)
    return {
        "dtype": values.dtype.str,
        "shape": list(values.shape),
        "data": zlib.compress(values.tobytes(order="C"), _LEVEL),
    }


def decode(dtype: str, shape: list[int], data: bytes) -> npt.NDArray[Any]:
    """The array; it owns its memory and can be changed.

    No more is decompressed than type and shape ask for. Raises :class:`UnreadableValueError` for what
    :func:`encode` has not made.
    """
    import numpy as np

    try:
        kind = np.dtype(dtype) if isinstance(dtype, str) else None
        sizes = read_shape(shape)
        if kind is None or kind.hasobject or kind.names is not None or not isinstance(data, bytes):
            raise UnreadableValueError("an array of something else than numbers, booleans and text")
        expected = math.prod(sizes) * kind.itemsize
        if expected > MAX_BYTES:
            raise UnreadableValueError(f"an array of {expected} bytes")
        stream = zlib.decompressobj()
        content = stream.decompress(data, expected + 1)
        if len(content) != expected:
            raise UnreadableValueError(f"an array of {len(content)} bytes or more in the place of {expected}")
        return np.frombuffer(content, dtype=kind, count=math.prod(sizes)).reshape(sizes).copy()
    except UnreadableValueError:
        raise
    except (zlib.error, ValueError, TypeError, SyntaxError, OverflowError) as error:
        raise UnreadableValueError(f"an array cannot be read ({error})") from None
