"""The launcher's process, seen from the executor: starts it, and takes in the workers that connect."""

from __future__ import annotations

import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from contextlib import suppress
from multiprocessing.connection import Connection, Listener
from pathlib import Path
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import Self

#: How long the workers may take to stop at a step after their connections were closed.
STOP_SECONDS = 60.0


class Launched:
    """The launcher's process and the connections of the workers that it has started."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="lsn-xla-")
        address, key = str(Path(self._folder.name) / "executor"), secrets.token_bytes(32)
        self._log = Path(self._folder.name) / "log"
        self._listener = Listener(address, "AF_UNIX", authkey=key)
        self._arrived: SimpleQueue[Connection] = SimpleQueue()
        self._closing = False
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()
        # In a session of its own: a Ctrl-C is for us to hear, and we ask the workers to stop.
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "lsn_xla", address],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        assert self.process.stdin is not None
        with suppress(BrokenPipeError):
            self.process.stdin.write(key.hex().encode() + b"\n")
            self.process.stdin.close()

    def _accept(self) -> None:
        while not self._closing:
            # Whoever does not know the key is no worker, and no reason to end.
            with suppress(Exception):
                self._arrived.put(self._listener.accept())

    def _stop_accepting(self) -> None:
        """End the thread: it waits for a connection, which it gets."""
        self._closing = True
        with suppress(OSError), socket.socket(socket.AF_UNIX) as nobody:
            nobody.connect(str(self._listener.address))
        self._accepting.join(10)
        self._listener.close()

    def arrived(self) -> list[Connection]:
        """The connections of the workers that have come since the last call."""
        found = []
        with suppress(Empty):
            while True:
                found.append(self._arrived.get_nowait())
        return found

    def last_words(self) -> str:
        """How the launcher ended: its exit code and the last line that it wrote."""
        # A worker that has died is followed by the launcher, after it has ended the others.
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(STOP_SECONDS)
        lines = [line for line in self._log.read_text(errors="replace").splitlines() if line.strip()]
        said = f": {lines[-1].strip()}" if lines else ""
        return f"torch_xla.launch ended with exit code {self.process.returncode}{said}"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        """Wait for the workers, whose connections are closed, unless an error (a second Ctrl-C) came out of it."""
        self._stop_accepting()
        try:
            self.process.wait(STOP_SECONDS if kind is None else 1)
        except subprocess.TimeoutExpired:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        self._folder.cleanup()
