"""What glibc does with the memory that a training process has freed."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

#: Prints by how many MiB the process shrinks when it frees 200 MiB, in blocks that are no larger than a tensor of a
#: training step. After them nothing is allocated, so that they lie at the end of the heap.
PROGRAM = """
import ctypes, os, sys
from pathlib import Path
from lsncli.executors.allocator import keep_freed_memory

if sys.argv[1] == "kept":
    assert keep_freed_memory()
library = ctypes.CDLL(None)
library.malloc.restype = ctypes.c_void_p
library.malloc.argtypes, library.free.argtypes = [ctypes.c_size_t], [ctypes.c_void_p]


def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") // 2**20


blocks = [library.malloc(4 * 2**20) for _ in range(50)]
for block in blocks:
    ctypes.memset(block, 1, 4 * 2**20)
before = resident()
for block in blocks:
    library.free(block)
print(before - resident())
"""


def mebibytes_given_back(how: str) -> int:
    done = subprocess.run([sys.executable, "-c", PROGRAM, how], capture_output=True, text=True, check=True)
    return int(done.stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the C library is not glibc")
def test_freed_memory_is_kept() -> None:
    # The first number says that there was something to keep.
    assert mebibytes_given_back("as it comes") > 150
    assert mebibytes_given_back("kept") < 20
