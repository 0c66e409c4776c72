"""Reading .xz files with a bound on the memory that their header may ask for."""

from __future__ import annotations

import lzma
from pathlib import Path
from types import TracebackType
from typing import Self

#: ``xz -9`` needs 65 MiB to decompress; a header may ask for 4 GiB, which Python's own reader grants.
MAX_MEMORY = 2**29
_CHUNK = 2**16


class XzFile:
    """The content of an .xz file, of one stream or several, read from its beginning to its end.

    Reading raises :class:`lzma.LZMAError` for damage and for what needs too much memory, and EOFError for a file
    that is cut off.
    """

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb")
        self._stream = self._new()

    def read(self, size: int) -> bytes:
        """At most ``size`` bytes; none at the end."""
        while True:
            if self._stream.eof:
                rest = self._stream.unused_data or self._file.read(_CHUNK)
                # Between streams there may be zeros, in fours.
                while rest and not (rest := rest.lstrip(b"\0")):
                    rest = self._file.read(_CHUNK)
                if not rest:
                    return b""
                self._stream = self._new()
                data = self._stream.decompress(rest, size)
            else:
                more = self._file.read(_CHUNK) if self._stream.needs_input else b""
                if self._stream.needs_input and not more:
                    raise EOFError("the compressed stream is cut off")
                data = self._stream.decompress(more, size)
            if data:
                return data

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @staticmethod
    def _new() -> lzma.LZMADecompressor:
        return lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=MAX_MEMORY)
