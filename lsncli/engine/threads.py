"""How many threads a run is trained with: where it goes on from a checkpoint, those that it was begun with."""

from __future__ import annotations

import os

from lsncli.backends.interface import Backend
from lsncli.backends.selection import select_precision
from lsncli.engine.checkpoint import recorded_threads
from lsncli.engine.settings import EngineSettings
from lsncli.plan import RunSpec


def threads_of(spec: RunSpec, settings: EngineSettings, backend: Backend, usual: int) -> int:
    """The threads of a run that a process of ``usual`` threads trains.

    Sums that are split among threads are rounded by their number: a run must keep its own, however many others were
    left to train when it was begun. Where this machine has no such number of cores, it is ``usual``: the run would
    wait for threads that wait for each other.
    """
    path = settings.checkpoint_path(spec.key)
    if path is None or not path.exists():
        return usual
    precision = select_precision(backend, settings.precision)
    begun = recorded_threads(path, {"key": spec.key, "precision": precision, "backend": backend.name})
    return begun if begun is not None and begun <= max(usual, os.cpu_count() or 1) else usual
