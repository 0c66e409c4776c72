"""NVIDIA GPUs as devices."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lsncli.backends.interface import Backend, Step

if TYPE_CHECKING:
    import torch
    from torch import nn


class CudaBackend(Backend):
    """bf16 autocast by default where the GPU has it; deterministic kernels; the step as one captured graph."""

    name = "cuda"
    recorded = True
    parallel = True

    def __init__(self) -> None:
        # Of the branches of a step, and of the step itself; they belong to the chosen device.
        self._streams: list[torch.cuda.Stream] = []
        self._stream: torch.cuda.Stream | None = None
        self._chosen: torch.device | None = None
        self._before: Callable[[], None] | None = None

    def unavailable(self) -> str | None:
        """Why there is no usable GPU; torch is imported only where the driver's device files exist."""
        if os.environ.get("CUDA_VISIBLE_DEVICES", "unset") == "":
            return "CUDA_VISIBLE_DEVICES is empty"
        if sys.platform == "linux" and not (Path("/dev/nvidiactl").exists() or Path("/dev/dxg").exists()):
            return "no NVIDIA driver on this machine"
        import torch

        if not torch.cuda.is_available():
            return "torch finds no usable CUDA device"
        return None

    def devices(self) -> list[str]:
        """``cuda:0``, ``cuda:1``, …"""
        import torch

        return [f"cuda:{i}" for i in range(torch.cuda.device_count())]

    def precisions(self) -> tuple[str, ...]:
        """bf16 first where the GPU computes it natively; before one is chosen, where any of them does."""
        import torch

        asked = range(torch.cuda.device_count()) if self._chosen is None else [self._chosen.index]
        native = any(torch.version.hip or torch.cuda.get_device_capability(one)[0] >= 8 for one in asked)
        return ("bf16", "fp32") if native else ("fp32",)

    def prepare(self, device: str, *, threads: int | None) -> torch.device:
        """Select the device and deterministic kernels."""
        # cuBLAS reads this when its first handle is made; without it its matrix products may differ.
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        import torch

        chosen = torch.device(device if ":" in device else "cuda:0")
        if self._before is None:
            put_back, device_before = kernel_settings(), torch.cuda.current_device()

            def before() -> None:
                put_back()
                torch.cuda.set_device(device_before)

            self._before = before
        torch.cuda.set_device(chosen)
        if chosen != self._chosen:
            self._chosen, self._streams, self._stream = chosen, [], None
        fixed_kernels()
        if threads is not None:
            torch.set_num_threads(threads)
        return chosen

    def release(self) -> None:
        """The kernels and precisions of before: other code in this process may want others."""
        if self._before is not None:
            self._before()
            self._before = None
        self._chosen, self._streams, self._stream = None, [], None

    def random_state(self) -> torch.Tensor:
        """Of the current device; what a repeated graph has drawn is counted."""
        import torch

        return torch.cuda.get_rng_state()

    def restore_random_state(self, state: torch.Tensor) -> None:
        """Of the current device."""
        import torch

        torch.cuda.set_rng_state(state)

    def room(self) -> int:
        """Of the current device: what the driver has, and what torch keeps of it without using it."""
        import torch

        free, _ = torch.cuda.mem_get_info()
        return int(free + torch.cuda.memory_reserved() - torch.cuda.memory_allocated())

    def autocast(self, precision: str) -> AbstractContextManager[Any]:
        """Autocast to bf16, or nothing."""
        import torch

        return torch.autocast("cuda", dtype=torch.bfloat16) if precision == "bf16" else nullcontext()

    def place(self, module: nn.Module, device: torch.device) -> nn.Module:
        """channels_last, which the tensor cores' convolutions want."""
        import torch

        return module.to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]

    def compile_step(self, step: Step) -> Step:
        """The step as a CUDA graph; all on one stream, as torch has 32 and then gives the first ones again."""
        import torch

        from lsncli.backends.cuda_graph import CapturedStep

        if self._stream is None:
            self._stream = torch.cuda.Stream()
        return CapturedStep(step, self._stream)

    def recording(self) -> bool:
        """Whether a graph is being captured on the current stream."""
        import torch

        return bool(torch.cuda.is_current_stream_capturing())

    def in_parallel(self, tasks: Sequence[Callable[[], None]]) -> None:
        """Each task on a stream of its own, begun after and joined with the current one; in a capture, branches.

        The n-th task always gets the same stream, so that its memory and its kernels are those of the step before.
        """
        if len(tasks) == 1:
            tasks[0]()
            return
        import torch

        current = torch.cuda.current_stream()
        while len(self._streams) < len(tasks):
            self._streams.append(torch.cuda.Stream())
        fork = current.record_event()
        begun = []
        try:
            for stream, task in zip(self._streams, tasks, strict=False):
                stream.wait_event(fork)
                begun.append(stream)
                with torch.cuda.stream(stream):
                    task()
        finally:
            # Also after an error: a branch that is never joined would spoil the capture that it is a part of.
            for stream in begun:
                current.wait_stream(stream)

    def synchronize(self) -> None:
        """Wait for the current device."""
        import torch

        torch.cuda.synchronize()

    def describe(self, device: str) -> dict[str, Any]:
        """Model, compute capability, driver-side versions."""
        import torch

        chosen = torch.device(device if ":" in device else "cuda:0")
        properties = torch.cuda.get_device_properties(chosen)
        return {
            "backend": self.name,
            "device": properties.name,
            "device_index": chosen.index,
            "capability": f"{properties.major}.{properties.minor}",
            "memory_bytes": properties.total_memory,
            "cuda": torch.version.cuda,
            "cudnn": torch.backends.cudnn.version(),
            "threads": torch.get_num_threads(),
            "memory_format": "channels_last",
        }


def fixed_kernels() -> None:
    """Kernels that add up in a fixed order, and fp32 that is fp32."""
    import torch

    # Whatever has no such kernel (in a third party's loss, say) costs a warning.
    torch.use_deterministic_algorithms(True, warn_only=True)
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    torch.backends.cudnn.deterministic = True
    torch.backends.cudnn.benchmark = False
    # By default cuDNN would round the inputs of its convolutions to TF32's ten bits. The old switch first: torch
    # refuses to read it, in a plugin as well, where the new ones say something else.
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cudnn.conv.fp32_precision = "ieee"  # type: ignore[attr-defined]
    torch.backends.cudnn.rnn.fp32_precision = "ieee"  # type: ignore[attr-defined]
    torch.backends.cuda.matmul.fp32_precision = "ieee"


def kernel_settings() -> Callable[[], None]:
    """The settings of torch as they are, as a function that puts them back."""
    import torch

    owners_and_names = (
        (torch.utils.deterministic, "fill_uninitialized_memory"),
        (torch.backends.cudnn, "deterministic"),
        (torch.backends.cudnn, "benchmark"),
        *_old_switch(),
        (torch.backends.cudnn.conv, "fp32_precision"),  # type: ignore[attr-defined]
        (torch.backends.cudnn.rnn, "fp32_precision"),
        (torch.backends.cuda.matmul, "fp32_precision"),
    )
    values = [getattr(owner, name) for owner, name in owners_and_names]
    algorithms = torch.are_deterministic_algorithms_enabled()
    warning_only = torch.is_deterministic_algorithms_warn_only_enabled()
    threads = torch.get_num_threads()

    def put_back() -> None:
        for (owner, name), value in zip(owners_and_names, values, strict=True):
            setattr(owner, name, value)
        torch.use_deterministic_algorithms(algorithms, warn_only=warning_only)
        torch.set_num_threads(threads)

    return put_back


def _old_switch() -> list[tuple[Any, str]]:
    """cuDNN's switch for TF32, unless the new ones contradict it: then torch raises where it is read."""
    import torch

    try:
        torch.backends.cudnn.allow_tf32  # noqa: B018 - whether it can be read is the question
    except RuntimeError:
        return []
    return [(torch.backends.cudnn, "allow_tf32")]
