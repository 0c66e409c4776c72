"""Many runs of a small network in one step: what each of them tells is what it would tell alone.

A run of a small network is mostly the overhead of calling kernels on a few numbers. A stack calls each kernel
once for all of its runs. A run that diverges or fails leaves the stack, and the others go on.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from itertools import groupby

import torch

from lsncli.backends.selection import select_backend
from lsncli.engine.events import Event
from lsncli.engine.learnt_loss import has_parameters
from lsncli.engine.lockstep import Lockstep
from lsncli.engine.run import Run, failure
from lsncli.engine.settings import EngineSettings
from lsncli.engine.stack_kinds import stack_kind
from lsncli.engine.stack_losses import loss_order
from lsncli.engine.stack_network import bytes_per_run
from lsncli.engine.stack_steps import StackSteps
from lsncli.engine.training import train
from lsncli.losses.interface import PreparingLoss
from lsncli.losses.stacked import family
from lsncli.plan import RunSpec

#: A stack takes no more memory than about this, in bytes; more runs are several stacks, one after another.
STACK_BYTES = 512 * 2**20


def train_stack(
    specs: Sequence[RunSpec], settings: EngineSettings, stop: Callable[[], bool] = lambda: False
) -> Iterator[Event]:
    """Train runs of one :func:`~lsncli.engine.stack_kinds.stack_kind` together, or go on from their checkpoints.

    Each run's events are of the kinds and in the order of :func:`~lsncli.engine.training.train`, those of
    different runs interleaved. When ``stop()`` becomes true, every run writes a checkpoint and ends as
    ``interrupted``. Its seconds are a run's share of the time that the stack took, and its images per second
    those of the whole stack.

    A single run is a stack of one: its numbers are those that it has in a larger stack, which differ by rounding
    from those of ``train``. A run that cannot be stacked is trained by ``train``.
    """
    alone = [spec for spec in specs if stack_kind(spec) is None]
    specs = [spec for spec in specs if spec not in alone]
    with ExitStack() as afterwards:
        try:
            backend, device_name = select_backend(settings.device)
            afterwards.callback(backend.release)
            # One thread where nobody says otherwise: several would wait for each other at every small product.
            device = backend.prepare(device_name, threads=settings.threads or 1)
        except Exception as error:  # noqa: BLE001 - told of as the end of every run
            yield from (failure(spec, error, 0, 0.0) for spec in specs)
            return
        if backend.traced:
            # Its programs call no kernels one by one, and every size of a stack would be another program.
            alone, specs = [*alone, *specs], []
        ready: list[_Ready] = []
        for number, spec in enumerate(specs, start=1):
            began = time.perf_counter()
            try:
                run = Run(spec, settings, backend, device_name, device, ready[0].run.work if ready else None)
                if _trains_alone(run):
                    alone.append(spec)
                else:
                    ready.append(_Ready(run, run.resume()))
            except Exception as error:  # noqa: BLE001 - one run's failure must not end the others
                yield failure(spec, error, 0, time.perf_counter() - began)
            if ready and (number == len(specs) or len(ready) >= _most(ready[0].run)):
                # Runs whose checkpoints are of different steps go on in stacks of their own.
                ready.sort(key=lambda one: (one.run.state.step, loss_order(one.run)))
                for _, group in groupby(ready, key=lambda one: one.run.state.step):
                    yield from _lockstep(list(group), settings, stop).events()
                ready = []
    for spec in alone:
        yield from train(spec, settings, stop)


def _trains_alone(run: Run) -> bool:
    """Whether the loss wants more than its logits: the batch, or parameters that are no part of the network.

    Or, on a device, random numbers from a generator that the runs would share: any loss that is not ours may.
    """
    loss = run.work.loss
    shares_generator = run.device.type != "cpu" and family(loss) is None
    return isinstance(loss, PreparingLoss) or has_parameters(loss) or shares_generator


def _most(run: Run) -> int:
    return max(1, STACK_BYTES // bytes_per_run(run.work.module, run.spec.train.batch_size))


def _lockstep(ready: Sequence[_Ready], settings: EngineSettings, stop: Callable[[], bool]) -> Lockstep:
    runs = [one.run for one in ready]
    steps = StackSteps(runs, [one.random for one in ready])
    return Lockstep(runs, [one.notice for one in ready], steps, settings, stop, stack=len(runs))


class _Ready:
    """A run before its first step, what it has to say of its checkpoint, and its state of torch's generator."""

    def __init__(self, run: Run, notice: str | None) -> None:
        self.run = run
        self.notice = notice
        self.random = torch.get_rng_state()
