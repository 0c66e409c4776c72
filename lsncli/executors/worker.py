"""A worker process: receives lists of RunSpecs over its connection, trains each list, sends the events back."""

from __future__ import annotations

import contextlib
import os
import signal
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path

from lsncli.engine.settings import EngineSettings
from lsncli.executors.allocator import keep_freed_memory
from lsncli.plan import RunSpec
from lsncli.registry import registry

#: The message that asks a worker to stop what it trains. Every message to a worker that trains means
#: this, and so does the end of the connection; a lock shared between processes would not survive a worker that
#: is killed while it holds it.
STOP = None


def work(
    connection: Connection, settings: EngineSettings, threads: int, stacking: bool, replicas: int | None
) -> None:
    """A worker's life: train what comes, until the connection closes.

    Every list that comes is one run, or runs to be trained together, as ``stacking`` and ``replicas`` say. Where
    ``settings`` ask for no number of threads, it is ``threads``, or ``OMP_NUM_THREADS``, if that is fewer.
    """
    # Ctrl-C reaches the whole process group; the parent decides, and asks through the connection.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    keep_freed_memory()
    # The parent has already warned of plugins that do not load; once is enough.
    with Path(os.devnull).open("w") as nowhere, contextlib.redirect_stderr(nowhere):
        registry()
    import torch

    from lsncli.engine.together import train_together

    # What this process has by itself, and not what somebody asked for: stacks take one thread unless they are told.
    torch.set_num_threads(min(threads, torch.get_num_threads()))
    while True:
        try:
            message = connection.recv()
        except (EOFError, ConnectionError):
            return
        if message is STOP:
            return
        specs = [RunSpec.model_validate(plain) for plain in message]
        stop = partial(_asked_to_stop, connection)
        for event in train_together(specs, settings, stop, stacking=stacking, replicas=replicas):
            # Without a parent the run stops by itself and leaves its checkpoint: go on until it has.
            with contextlib.suppress(ConnectionError):
                connection.send(event)


def _asked_to_stop(connection: Connection) -> bool:
    try:
        return connection.poll()
    except ConnectionError:
        return True
