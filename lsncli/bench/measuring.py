"""``lsn bench``: measures every mode of every model."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch

from lsncli.backends.interface import Backend
from lsncli.backends.selection import select_backend
from lsncli.bench.alternation import alternate
from lsncli.bench.modes import modes_for
from lsncli.bench.result import BenchResult, Row
from lsncli.bench.workloads import BATCH_SIZE, Workload, write_data
from lsncli.data.arrays import Arrays
from lsncli.engine.provenance import software
from lsncli.engine.settings import EngineSettings
from lsncli.executors.processes import usable_cores

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class BenchSettings:
    """How long to measure. seconds: of a burst. limit: seconds in all, after which there are fewer rounds, but for
    every model one; None for no limit. quick: fewer modes."""

    rounds: int = 5
    seconds: float = 1.0
    limit: float | None = None
    quick: bool = False


QUICK = BenchSettings(seconds=0.25, limit=32.0, quick=True)


def measure(
    chosen: Sequence[Workload],
    settings: BenchSettings,
    *,
    device: str | None = None,
    tell: Tell = lambda message: None,
) -> BenchResult:
    """Measure ``chosen`` models in all modes, one model after the other, the modes of each in alternation.

    The data are synthetic and lie in a temporary folder. Raises :class:`LsnError` for a device that cannot be
    used, and if a measured run ends.
    """
    begin = time.perf_counter()
    backend, device_name = select_backend(device)
    threads_before = torch.get_num_threads()
    cores = usable_cores()
    load_before = _load()
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="lsn-bench-") as folder, ExitStack() as afterwards:
        afterwards.callback(torch.set_num_threads, threads_before)
        afterwards.callback(torch.set_flush_denormal, False)
        engine = EngineSettings(data_dir=Path(folder), download=False)
        data = write_data(chosen, Path(folder))
        for number, workload in enumerate(chosen):
            limit = None
            if settings.limit is not None:
                limit = (settings.limit - (time.perf_counter() - begin)) / (len(chosen) - number)
            one = replace(settings, limit=limit)
            rows += _measure_model(workload, data[workload.data], one, backend, device_name, engine, cores, tell)
    machine = {
        **backend.describe(device_name),
        "threads": cores,
        **{key: software()[key] for key in ("lsn", "python", "platform", "git")},
        "torch": str(torch.__version__),
        "load_before": load_before,
        "load_after": _load(),
    }
    how = {
        "rounds": settings.rounds,
        "burst_seconds": settings.seconds,
        "batch_size": BATCH_SIZE,
        "quick": settings.quick,
    }
    return BenchResult(machine, how, datetime.now(UTC).isoformat(timespec="seconds"), tuple(rows))


def _measure_model(
    workload: Workload,
    arrays: Arrays,
    settings: BenchSettings,
    backend: Backend,
    device: str,
    engine: EngineSettings,
    threads: int,
    tell: Tell,
) -> list[Row]:
    modes = modes_for(workload, arrays, backend, device, engine, threads=threads, quick=settings.quick)
    tell(f"{workload.model}: {len(modes)} modes in alternation")
    with ExitStack() as afterwards:
        contestants = []
        for mode in modes:
            contestant = mode.build()
            afterwards.callback(contestant.close)
            contestants.append(contestant)
        rates = alternate(
            contestants,
            rounds=settings.rounds,
            seconds=settings.seconds,
            limit=settings.limit,
            told=lambda done: tell(f"{workload.model}: round {done} of {settings.rounds}"),
        )
    if len(rates[0]) < settings.rounds:
        tell(
            f"{workload.model}: {len(rates[0])} rounds only, as this machine needs long; --rounds N takes its time"
        )
    return [
        Row(
            workload.model,
            mode.name,
            mode.precision,
            mode.runs,
            mode.threads,
            mode.processes,
            tuple(measured),
            tuple(rates[0]),
        )
        for mode, measured in zip(modes, rates, strict=True)
    ]


def _load() -> float | None:
    """The load of the machine over the last minute; whoever reads a result should know of other work."""
    try:
        return round(os.getloadavg()[0], 2)
    except (AttributeError, OSError):
        return None


def busy(machine: dict[str, Any]) -> bool:
    """Whether other work went on when the measurement began: more than a fifth of a core's time."""
    before = machine.get("load_before")
    return before is not None and before > 0.2 * (machine.get("cores") or 1)
