"""XLA devices as a backend of lsn: TPUs, and XLA's own CPU device, on which the tests run.

torch_xla records the operations on its tensors and compiles them when they are asked for. What makes a step fast is
that it is one program, that the same program serves every step, and that nobody waits for it:

- a step begins and ends with ``torch_xla.sync()``, which starts the program that has been recorded, if any, and
  returns at once: what an evaluation or a new epoch leaves behind is no part of the step;
- what changes from step to step is data of the program and no constant in it: the numbers of the batch and of the
  step are counted on the device (``traced`` makes the engine do so), and torch_xla hands over the learning rate;
- the processor looks at a value only where the engine would wait for any device: at evaluations, for the progress,
  every 200 steps for divergence.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import wraps
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, ClassVar

from lsncli.backends.interface import Backend, Step

from lsn_xla.availability import device_kind, reason_unavailable, tpu_chips

if TYPE_CHECKING:
    import torch
    from torch import nn


class XlaBackend(Backend):
    """bf16 autocast by default on a TPU, fp32 on XLA's CPU device."""

    name = "xla"
    traced: ClassVar[bool] = True
    # The runtime takes all chips for the first process that starts it; xla-launch knows how to divide them.
    process_per_device: ClassVar[bool] = False

    def __init__(self) -> None:
        self._threads_before: int | None = None
        self._seed = self._steps = 0

    def unavailable(self) -> str | None:
        """Why there is no usable XLA device; torch_xla is imported only where there may be one."""
        return reason_unavailable()

    def devices(self) -> list[str]:
        """``xla:0``, ``xla:1``, …: the devices of this process.

        On a TPU the chips are counted without starting the runtime, which would keep them from other processes.
        """
        if device_kind() == "TPU":
            return [f"xla:{i}" for i in range(tpu_chips())]
        return [f"xla:{i}" for i in range(int(os.environ.get("CPU_NUM_DEVICES", "1")))]

    def precisions(self) -> tuple[str, ...]:
        """bf16 first on a TPU, whose matrix units compute in it."""
        return ("bf16", "fp32") if device_kind() == "TPU" else ("fp32", "bf16")

    def prepare(self, device: str, *, threads: int | None) -> torch.device:
        """Start the runtime and choose the device.

        A worker of :class:`~lsn_xla.executor.LaunchExecutor` has the one that torch_xla gave it, whatever is asked.
        """
        import torch
        import torch_xla
        from torch_xla.backends import get_mat_mul_precision, set_mat_mul_precision

        if self._threads_before is None:
            self._threads_before = torch.get_num_threads()
        if threads is not None:
            torch.set_num_threads(threads)
        # fp32 means fp32: by default a TPU rounds the factors of a product to bf16. It is set once in a process, so
        # that the warning against setting it several times, which is given whenever it is set, need not be read.
        if get_mat_mul_precision() != "highest":
            logging.getLogger("torch_xla.backends").setLevel(logging.ERROR)
            set_mat_mul_precision("highest")
        from lsn_xla.launching import own_device

        return own_device() or torch_xla.device(int(device.partition(":")[2] or 0))

    def release(self) -> None:
        """The threads that there were. The runtime stays, and its precision of products, which is nobody else's."""
        import torch

        if self._threads_before is not None:
            torch.set_num_threads(self._threads_before)
            self._threads_before = None

    def seed(self, number: int) -> None:
        """Seed the device's generator, from which dropout draws."""
        self._seed, self._steps = number, 0
        _set_generator(number)

    def random_state(self) -> torch.Tensor:
        """The seed and the number of steps since.

        Not torch_xla's own state, which moves on whenever somebody looks at the device.
        """
        import torch

        return torch.tensor([self._seed, self._steps])

    def restore_random_state(self, state: torch.Tensor) -> None:
        """Draw from the next step on what would have been drawn after that many steps."""
        if state.shape != (2,) or state.is_floating_point():
            raise ValueError("no generator's state on an XLA device: a seed and a number of steps are expected")
        self._seed, self._steps = state.tolist()

    def autocast(self, precision: str) -> AbstractContextManager[Any]:
        """Autocast to bf16, or nothing."""
        import torch

        return torch.autocast("xla", dtype=torch.bfloat16) if precision == "bf16" else nullcontext()

    def place(self, module: nn.Module, device: torch.device) -> nn.Module:
        """Move a module; XLA chooses the memory layout itself."""
        from lsn_xla.batch_norm import keep_unbiased_variance

        module = module.to(device)
        keep_unbiased_variance(module)
        return module

    def compile_step(self, step: Step) -> Step:
        """The step as a program of its own, started at its end without a wait for it.

        It draws from a seed of its own, so that what is drawn does not depend on how often a program was started in
        between, which is a matter of the clock (progress is told twice a second).
        """
        import torch_xla

        @wraps(step)
        def started() -> None:
            torch_xla.sync()
            _set_generator(self._seed, self._steps)
            self._steps += 1
            step()
            torch_xla.sync()

        return started

    def synchronize(self) -> None:
        """Start what has been recorded, and wait until the device has done it."""
        import torch_xla
        import torch_xla.core.xla_model as xla_model

        torch_xla.sync(wait=True)
        xla_model.wait_device_ops()

    def describe(self, device: str) -> dict[str, Any]:
        """Kind of the device, chips, versions."""
        import torch

        return {
            "backend": self.name,
            "device": f"XLA {device_kind()}",
            "chips": tpu_chips(),
            "torch_xla": version("torch_xla"),
            "threads": torch.get_num_threads(),
            "memory_format": "chosen by XLA",
        }


def _set_generator(*numbers: int) -> None:
    """Seed the generator of this thread's device from ``numbers``, which are at least 0."""
    import numpy as np
    import torch_xla.core.xla_model as xla_model

    set_state: Callable[[int], None] = xla_model.set_rng_state
    # Of the state's 64 bits the lower ones are used.
    set_state(int(np.random.SeedSequence(numbers).generate_state(1)[0]) >> 1)
