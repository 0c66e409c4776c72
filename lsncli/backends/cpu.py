"""The processor as a device."""

from __future__ import annotations

import os
import platform
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lsncli.backends.interface import Backend

if TYPE_CHECKING:
    import torch
    from torch import nn


class CpuBackend(Backend):
    """Always there. fp32 is the default; bf16 autocast pays where the processor has bf16 instructions."""

    name = "cpu"

    def __init__(self) -> None:
        self._threads_before: int | None = None

    def unavailable(self) -> str | None:
        """Never unavailable."""
        return None

    def devices(self) -> list[str]:
        """One device, whatever the number of cores."""
        return ["cpu"]

    def precisions(self) -> tuple[str, ...]:
        """fp32 and bf16 (computed in software, slowly, on processors without bf16 instructions)."""
        return ("fp32", "bf16")

    def prepare(self, device: str, *, threads: int | None) -> torch.device:
        """Set the number of threads; results are reproducible for an equal number."""
        import torch

        self._threads_before = torch.get_num_threads()
        if threads is not None:
            torch.set_num_threads(threads)
        # Denormal numbers cost a hundred times as much and change nothing that is measured here.
        torch.set_flush_denormal(True)
        return torch.device("cpu")

    def release(self) -> None:
        """The threads that there were, and denormal numbers again: other code in this process may need them."""
        import torch

        if self._threads_before is not None:
            torch.set_num_threads(self._threads_before)
            torch.set_flush_denormal(False)

    def autocast(self, precision: str) -> AbstractContextManager[Any]:
        """Autocast to bf16, or nothing."""
        if precision != "bf16":
            return nullcontext()
        from lsncli.backends.cpu_bf16 import bf16_autocast

        return bf16_autocast()

    def place(self, module: nn.Module, device: torch.device) -> nn.Module:
        """channels_last, the layout that oneDNN's convolutions and the uint8 images already have."""
        import torch

        return module.to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]

    def synchronize(self) -> None:
        """Nothing to wait for."""

    def describe(self, device: str) -> dict[str, Any]:
        """Processor, cores and threads."""
        import torch

        return {
            "backend": self.name,
            "device": processor_name(),
            "cores": os.cpu_count(),
            "threads": torch.get_num_threads(),
            "memory_format": "channels_last",
            "capability": torch.backends.cpu.get_cpu_capability(),
        }


def processor_name() -> str:
    """The processor's model name, as far as the system tells it."""
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()
