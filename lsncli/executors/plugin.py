"""Registers the built-in executors."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from pydantic import Field, PositiveInt

from lsncli.components import ExecutorInfo
from lsncli.hookspecs import hookimpl
from lsncli.parameters import Params

if TYPE_CHECKING:
    from lsncli.executors.interface import Executor


class InProcessParams(Params):
    """Parameters of the in-process executor."""

    stack: PositiveInt = Field(1, description="The most runs of a small network that are trained in one step.")
    replicas: PositiveInt | None = Field(
        1,
        description="Runs of a larger network that take their steps together, on a GPU or with one teacher; without"
        " a number, as many as are the fastest.",
    )


class ProcessParams(InProcessParams):
    """Parameters of the process executor."""

    workers: PositiveInt | None = Field(
        None, description="Worker processes, which have the devices in turn; by default one per core."
    )


def _in_process(params: InProcessParams, context: None) -> Executor:
    from lsncli.executors.in_process import InProcessExecutor

    return InProcessExecutor(params.stack, params.replicas)


def _processes(params: ProcessParams, context: None) -> Executor:
    from lsncli.executors.processes import ProcessExecutor

    return ProcessExecutor(params.workers, params.stack, params.replicas)


@hookimpl
def lsn_executors(register: Callable[[ExecutorInfo], None]) -> None:
    """Register in-process and processes."""
    register(
        ExecutorInfo(
            name="in-process",
            build=_in_process,
            params=InProcessParams,
            summary="One run, or one stack of small runs, after another in this process",
        )
    )
    register(
        ExecutorInfo(
            name="processes",
            build=_processes,
            params=ProcessParams,
            summary="Several runs, or stacks of small runs, at once; a worker process per core or device",
        )
    )
