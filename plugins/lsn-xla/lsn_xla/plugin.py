"""Registers the backend ``xla`` and the executor ``xla-launch``; imports neither torch nor torch_xla."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from lsncli import BackendInfo, ExecutorInfo, hookimpl

if TYPE_CHECKING:
    from lsncli.backends.interface import Backend
    from lsncli.executors.interface import Executor


def _xla(params: None, context: None) -> Backend:
    from lsn_xla.backend import XlaBackend

    return XlaBackend()


def _launch(params: None, context: None) -> Executor:
    from lsn_xla.executor import LaunchExecutor

    return LaunchExecutor()


@hookimpl
def lsn_backends(register: Callable[[BackendInfo], None]) -> None:
    """Register xla."""
    # Above the processor, which is always there; below a GPU, beside which PJRT_DEVICE may be set for other work.
    register(
        BackendInfo(
            name="xla", build=_xla, summary="TPUs (and XLA's own CPU device) through torch_xla; bf16", priority=5
        )
    )


@hookimpl
def lsn_executors(register: Callable[[ExecutorInfo], None]) -> None:
    """Register xla-launch."""
    register(
        ExecutorInfo(
            name="xla-launch",
            build=_launch,
            summary="A run at a time on every core of a TPU, started by torch_xla.launch",
        )
    )
