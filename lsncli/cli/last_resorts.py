"""What is left to say when the system refuses, or somebody interrupts."""

from __future__ import annotations

import os
import sys
from contextlib import suppress

from lsncli.errors import LsnError


def refused(error: OSError) -> LsnError:
    """What the system would not do, and where; most often a disk that is full, or a folder that is gone."""
    return LsnError(
        f"the system refuses: {error.strerror or error}",
        where=None if error.filename is None else str(error.filename),
        next="make room, or see whether the folder is still there; lsn --debug … tells where in lsn it happened",
    )


def drop_output() -> None:
    """Let what could not be written go, else Python tries again at its end, and says so in its own way."""
    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


def in_the_wake_of_an_interrupt(error: BaseException) -> bool:
    """Whether it was raised while an interrupt was on its way out."""
    before = None if error.__suppress_context__ else error.__context__
    return isinstance(before, KeyboardInterrupt) or (before is not None and in_the_wake_of_an_interrupt(before))


def say_interrupted() -> None:
    """One word on standard error, if there still is one."""
    with suppress(OSError):
        sys.stderr.write("interrupted\n")
