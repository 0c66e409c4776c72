"""The C library's memory, in a process that only trains."""

from __future__ import annotations

import sys

# From malloc.h of glibc; mallopt(3).
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
#: The most that a C int holds, 2 GiB: more than a training step frees at once on a processor.
_KEPT_BYTES = 2**31 - 1
#: The most that glibc takes (HEAP_MAX_SIZE / 2 where a pointer has 64 bits).
_HEAP_BYTES = 32 * 2**20


def keep_freed_memory() -> bool:
    """Let glibc keep freed memory for the next step; whether it does.

    As it comes, glibc gives the memory of a step's largest tensors back to the system when they are freed. The
    next step asks for it again, and the system clears it page by page. The setting holds for the whole process,
    which keeps as much memory as it once needed: for worker processes, not for a process that is somebody else's.
    Nothing happens where the C library is another one.
    """
    if not sys.platform.startswith("linux"):
        return False
    import ctypes

    library = ctypes.CDLL(None)
    # musl has no mallopt.
    mallopt = getattr(library, "mallopt", None)
    if mallopt is None:
        return False
    return bool(mallopt(_M_MMAP_THRESHOLD, _HEAP_BYTES) and mallopt(_M_TRIM_THRESHOLD, _KEPT_BYTES))
