"""Registers the built-in backends."""

from __future__ import annotations

from collections.abc import Callable

from lsncli.backends.interface import Backend
from lsncli.components import BackendInfo
from lsncli.hookspecs import hookimpl


def _cpu(params: None, context: None) -> Backend:
    from lsncli.backends.cpu import CpuBackend

    return CpuBackend()


def _cuda(params: None, context: None) -> Backend:
    from lsncli.backends.cuda import CudaBackend

    return CudaBackend()


@hookimpl
def lsn_backends(register: Callable[[BackendInfo], None]) -> None:
    """Register cpu and cuda."""
    register(BackendInfo(name="cpu", build=_cpu, summary="The processor; channels_last, bf16 on request"))
    register(
        BackendInfo(name="cuda", build=_cuda, summary="NVIDIA GPUs; channels_last, bf16 autocast", priority=10)
    )
