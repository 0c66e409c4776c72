"""The ways in which the engine can train a model on this machine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial

import torch

from lsncli.backends.interface import Backend
from lsncli.bench.alternation import Contestant
from lsncli.bench.peer import Peer
from lsncli.bench.processes import ProcessSessions
from lsncli.bench.session import Session
from lsncli.bench.stacks import STACK, stacked_training
from lsncli.bench.workloads import Workload
from lsncli.data.arrays import Arrays
from lsncli.engine.settings import EngineSettings
from lsncli.engine.training import train_replicas

PEER = "peer"
#: Runs that take their steps together where the device works on several: the paper's repeats.
REPLICAS = 5


@dataclass(frozen=True, slots=True)
class Mode:
    """A way to train: ``runs`` at once with ``threads`` each, in ``processes``; the peer has no precision."""

    name: str
    precision: str
    threads: int
    build: Callable[[], Contestant]
    runs: int = 1
    processes: int = 1


def modes_for(
    workload: Workload,
    arrays: Arrays,
    backend: Backend,
    device: str,
    settings: EngineSettings,
    *,
    threads: int,
    quick: bool = False,
) -> list[Mode]:
    """The peer, then the engine's modes; ``quick`` leaves out processes, and what rarely pays.

    (One thread for images; several threads and bf16 for features.)

    threads: all that there are. Where a device other than the processor computes, neither threads nor processes
    of the processor are worth a mode of their own.
    """
    return list(_modes(workload, arrays, backend, device, settings, threads, quick))


def _modes(
    workload: Workload,
    arrays: Arrays,
    backend: Backend,
    device: str,
    settings: EngineSettings,
    threads: int,
    quick: bool,
) -> Iterator[Mode]:
    target = torch.device(device)
    # With features nothing is large enough to share: a second thread would only cost the peer its waiting.
    peer_threads = 1 if workload.dense else threads
    yield Mode(PEER, "fp32", peer_threads, partial(Peer, workload, arrays, target, peer_threads))
    on_processor = backend.name == "cpu"
    precisions = sorted(backend.precisions(), reverse=True)
    for precision in precisions[:1] if quick and workload.dense else precisions:
        chosen = replace(settings, device=device, precision=precision)
        counts = [threads, 1] if on_processor and threads > 1 else [threads]
        if quick:
            counts = counts[-1:] if workload.dense else counts[:1]
        for count in counts:
            name = f"{precision}, {_threads(count)}" if on_processor else precision
            specs = [workload.spec()]
            yield Mode(name, precision, count, partial(Session, name, specs, replace(chosen, threads=count)))
        if workload.dense and precision == "fp32" and (training := stacked_training()) is not None:
            # `lsn run` trains a single small run as a stack of one.
            for size in (1, STACK):
                name = f"{precision}, {size} runs stacked" if size > 1 else f"{precision}, a stack of one"
                specs = [workload.spec(seed) for seed in range(size)]
                # One thread: the products are too small to share, as a solo run's are.
                alone = replace(chosen, threads=1)
                yield Mode(name, precision, 1, partial(Session, name, specs, alone, training), runs=size)
        if backend.parallel and not workload.dense and not quick:
            name = f"{precision}, {REPLICAS} runs together"
            specs = [workload.spec(seed) for seed in range(REPLICAS)]
            training = partial(train_replicas, replicas=REPLICAS)
            yield Mode(name, precision, threads, partial(Session, name, specs, chosen, training), runs=REPLICAS)
        if on_processor and threads > 1 and not quick:
            name = f"{precision}, {threads} processes"
            specs = [workload.spec(seed) for seed in range(threads)]
            yield Mode(
                name,
                precision,
                1,
                partial(ProcessSessions, name, specs, replace(chosen, threads=1)),
                runs=threads,
                processes=threads,
            )


def _threads(count: int) -> str:
    return "1 thread" if count == 1 else f"{count} threads"
