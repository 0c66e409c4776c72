"""Several runs at once, each in a process of its own, measured together."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Sequence
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Any

from lsncli.engine.settings import EngineSettings
from lsncli.errors import LsnError
from lsncli.executors.allocator import keep_freed_memory
from lsncli.plan import RunSpec

#: The time that a process may take to end after it was asked to.
END_SECONDS = 10.0


class ProcessSessions:
    """One :class:`~lsncli.bench.session.Session` per process; the rate is the sum of theirs."""

    def __init__(self, name: str, specs: Sequence[RunSpec], settings: EngineSettings) -> None:
        self.name = name
        methods = multiprocessing.get_all_start_methods()
        context: Any = multiprocessing.get_context("forkserver" if "forkserver" in methods else "spawn")
        self._workers: list[tuple[Any, Connection]] = []
        for number, spec in enumerate(specs):
            ours, theirs = context.Pipe()
            message = (f"{name}, process {number + 1}", spec.model_dump(mode="json"), settings)
            process = context.Process(target=serve, args=(theirs, *message), daemon=True)
            process.start()
            theirs.close()
            self._workers.append((process, ours))

    def burst(self, seconds: float) -> float:
        """Images per second of all processes together."""
        try:
            for _, connection in self._workers:
                connection.send(seconds)
            answers = [connection.recv() for _, connection in self._workers]
        except (EOFError, ConnectionError) as error:
            raise LsnError(f"{self.name}: a process ended before its time") from error
        for answer in answers:
            if isinstance(answer, LsnError):
                raise answer
        return float(sum(answers))

    def close(self) -> None:
        """End the processes."""
        for _, connection in self._workers:
            with suppress(ConnectionError):
                connection.send(None)
            connection.close()
        for process, _ in self._workers:
            process.join(END_SECONDS)
            if process.is_alive():
                process.terminate()
        self._workers = []


def serve(connection: Connection, name: str, spec: dict[str, Any], settings: EngineSettings) -> None:
    """The life of a process: every number that comes is the length of a burst; anything else is the end."""
    from lsncli.bench.session import Session

    keep_freed_memory()  # As the workers of `lsn run` do.
    # Ctrl-C reaches all processes; the parent decides, and closes the connection.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    session = Session(name, [RunSpec.model_validate(spec)], settings)
    with suppress(EOFError, ConnectionError):
        while (seconds := connection.recv()) is not None:
            try:
                connection.send(session.burst(seconds))
            except LsnError as error:
                connection.send(error)
                break
    session.close()
