"""Who claims runs: one process on one machine, and whether it still lives.

A process number alone says little: after a while the system gives it to another process, and in another container
it means another one. So a claim also keeps the boot of the machine with the process namespace, and the moment at
which the process began. Where the system does not tell these (it has no ``/proc``, or hides in it what belongs to
other users), only heartbeats decide.
"""

from __future__ import annotations

import os
import socket
import uuid
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

_PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class Claimant:
    """One batch: ``token`` names it and no other, ever; the rest is where it runs."""

    token: str
    host: str
    pid: int
    machine: str | None
    process_start: int | None

    @classmethod
    def this_process(cls) -> Claimant:
        """A new claimant in this process."""
        pid = os.getpid()
        return cls(uuid.uuid4().hex, socket.gethostname(), pid, this_machine(), process_start(pid))


@dataclass(frozen=True, slots=True)
class ClaimEntry:
    """A claim as stored. ``silent`` is the time since its last heartbeat, in seconds of the database's clock."""

    key: str
    token: str
    host: str
    pid: int
    machine: str | None
    process_start: int | None
    since: datetime
    heartbeat: datetime
    silent: float

    @property
    def who(self) -> str:
        """The claimant in words."""
        return f"process {self.pid} on {self.host}"

    def lives(self) -> bool | None:
        """Whether its process exists; None where that cannot be told: it is on another machine, or hidden."""
        if self.machine is None or self.process_start is None or self.machine != this_machine():
            return None
        try:
            return _read_start(self.pid) == self.process_start
        except OSError:
            # No entry: it has ended, or /proc is mounted with hidepid and it is another user's.
            return None if _exists(self.pid) else False

    @property
    def sleeps_with_us(self) -> bool:
        """Whether it is, or may be, on this machine, so that it stands still whenever this process does."""
        here = this_machine()
        if self.machine is None or here is None:
            return self.host == socket.gethostname()
        return self.machine == here


def this_machine() -> str | None:
    """The boot of this machine and the process namespace; None where the system does not tell them."""
    try:
        boot = (_PROC / "sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        namespace = (_PROC / "self/ns/pid").readlink()
    except (OSError, ValueError):
        return None
    return f"{boot} {namespace}"


def process_start(pid: int) -> int | None:
    """When a living process began, in ticks since the boot; None for one that has ended or is not known."""
    try:
        return _read_start(pid)
    except OSError:
        return None


def _read_start(pid: int) -> int | None:
    """As :func:`process_start`; raises OSError for a process that ``/proc`` has no entry of, or a hidden one."""
    stat = (_PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
    # The second field is the program's name in brackets, and may hold anything, brackets and spaces too.
    fields = stat.rpartition(")")[2].split()
    # A zombie has ended, whether or not its parent has asked for it. Field 22 of proc(5) is the start.
    return None if not fields or fields[0] in "ZX" else int(fields[19])


def _exists(pid: int) -> bool:
    """Whether some process has this number. Asked only where there is a ``/proc``: elsewhere 0 is a signal, too."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        # Another user's.
        return True
    return True
