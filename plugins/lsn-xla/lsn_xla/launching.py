"""The processes on the cores of a TPU: ``python -m lsn_xla ADDRESS``, with the connection's key on stdin.

``torch_xla.launch`` starts a process for every chip, and in it a thread for every core (one on all TPUs but v2 and
v3). Each of them connects to the executor's address and trains the runs that it is sent. Runs are independent: no
core waits for another, and nothing is replicated.
"""

from __future__ import annotations

import contextlib
import sys
import threading
from collections.abc import Callable, Iterator
from multiprocessing.connection import Client
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch
    from lsncli.engine.events import Event
    from lsncli.engine.settings import EngineSettings
    from lsncli.plan import RunSpec

_mine = threading.local()
#: Networks are initialised from torch's generator, of which the threads of a process have only one.
_beginning = threading.Lock()


def own_device() -> torch.device | None:
    """The device that torch_xla gave this thread; None in a process that it did not start."""
    return getattr(_mine, "device", None)


def main() -> None:
    """Start the workers, and wait until all have ended."""
    import torch_xla

    torch_xla.launch(work, args=(sys.argv[1], bytes.fromhex(sys.stdin.readline().strip())))


def work(ordinal: int, address: str, key: bytes) -> None:
    """The life of the worker on one core: train what comes, one run at a time, until the connection closes.

    Every message to a worker that trains asks it to stop, and so does the end of the connection.
    """
    import torch_xla
    import torch_xla.core.xla_model as xla_model
    from lsncli.plan import RunSpec

    _mine.device = torch_xla.device()
    # torch_xla.launch has made all cores the replicas of one program; these run programs of their own.
    xla_model.set_replication(_mine.device, [])
    with Client(address, authkey=key) as connection:
        try:
            settings: EngineSettings = connection.recv()
            while (message := connection.recv()) is not None:
                for event in _train(RunSpec.model_validate(message), settings, connection.poll):
                    # Without an executor the run stops by itself and leaves its checkpoint: go on until it has.
                    with contextlib.suppress(ConnectionError):
                        connection.send(event)
        except (EOFError, ConnectionError):
            return


def _train(spec: RunSpec, settings: EngineSettings, asked: Callable[[], bool]) -> Iterator[Event]:
    from lsncli.engine.training import train

    def stop() -> bool:
        try:
            return asked()
        except (EOFError, ConnectionError):
            return True

    events = train(spec, settings, stop)
    # All that is drawn from torch's generator before the first step is drawn before the first event.
    with _beginning:
        first = next(events)
    yield first
    yield from events
