"""The hooks that a plugin may implement.

A plugin is a module (or object) named by an entry point of group ``lsn``. Its functions are marked with
:data:`hookimpl` and receive a ``register`` callable; the built-in components use the very same hooks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import pluggy

if TYPE_CHECKING:
    import typer

    from lsncli.components import (
        ArchitectureInfo,
        BackendInfo,
        DatasetInfo,
        EstimatorInfo,
        ExecutorInfo,
        LossInfo,
        NoiseModelInfo,
        OptimizerInfo,
        ReportInfo,
        ScheduleInfo,
    )

PROJECT = "lsn"
ENTRY_POINT_GROUP = "lsn"
#: The distribution of lsn itself, by which plugins require it; a stranger's package is called ``lsn``.
DISTRIBUTION = "lsncli"

_F = TypeVar("_F", bound=Callable[..., Any])
_hookspec = pluggy.HookspecMarker(PROJECT)
_hookimpl = pluggy.HookimplMarker(PROJECT)


def hookspec(function: _F) -> _F:
    """Mark a hook specification, keeping its type."""
    return _hookspec(function)


def hookimpl(function: _F) -> _F:
    """Mark a function of a plugin as the implementation of the hook of the same name."""
    return _hookimpl(function)


@hookspec
def lsn_losses(register: Callable[[LossInfo], None]) -> None:
    """Register losses: ``build(params, LossContext)`` returns ``(logits [B, L], targets, inputs) -> [B]``."""


@hookspec
def lsn_noise_models(register: Callable[[NoiseModelInfo], None]) -> None:
    """Register noise models: ``build(params, NoiseContext)`` returns a ``NoiseModel``.

    It has ``apply(labels, num_classes, generator, features=None)`` and ``transition(num_classes)``; the
    generator is the only source of randomness.
    """


@hookspec
def lsn_architectures(register: Callable[[ArchitectureInfo], None]) -> None:
    """Register architectures: ``build(params, ArchitectureContext)`` returns a ``torch.nn.Module``.

    Images ``[B, C, H, W]`` in, logits ``[B, L]`` out of a last linear layer.
    """


@hookspec
def lsn_backends(register: Callable[[BackendInfo], None]) -> None:
    """Register device backends: ``build(None, None)`` returns a ``Backend``."""


@hookspec
def lsn_datasets(register: Callable[[DatasetInfo], None]) -> None:
    """Register data sets: ``build(params, DataContext)`` returns ``Arrays``."""


@hookspec
def lsn_estimators(register: Callable[[EstimatorInfo], None]) -> None:
    """Register estimators of the transition matrix: ``build(params, EstimatorContext)`` returns a function.

    It takes probabilities ``[N, L]`` and noisy labels ``[N]`` and returns T ``[L, L]``; where its ``needs`` hold
    ``"prelogits"``, it takes ``prelogits=`` ``[N, D]`` as well.
    """


@hookspec
def lsn_optimizers(register: Callable[[OptimizerInfo], None]) -> None:
    """Register optimisers: ``build(params, parameters)`` returns a ``torch.optim.Optimizer``."""


@hookspec
def lsn_schedules(register: Callable[[ScheduleInfo], None]) -> None:
    """Register learning-rate schedules: ``build(params, total_steps)`` returns ``step -> factor``."""


@hookspec
def lsn_executors(register: Callable[[ExecutorInfo], None]) -> None:
    """Register executors: where runs are trained, and how many at once."""


@hookspec
def lsn_reports(register: Callable[[ReportInfo], None]) -> None:
    """Register report formats: ``build(None, None)`` returns ``Table -> str`` (:mod:`lsncli.report.table`)."""


@hookspec
def lsn_commands(app: typer.Typer) -> None:
    """Add commands to ``lsn``; ``app`` is the Typer application.

    A command or group may not have the name of one that is already there.
    """


@hookspec
def lsn_run_started(key: str, spec: Mapping[str, Any]) -> None:
    """Observe that a run starts to train; ``spec`` is the RunSpec as plain data."""


@hookspec
def lsn_run_finished(key: str, spec: Mapping[str, Any], status: str, metrics: Mapping[str, float]) -> None:
    """Observe that a run ended; ``status`` is done, diverged, failed or interrupted.

    An observer takes only the arguments that it names. One that raises, or would end the program, is told of in a
    warning and does no harm.
    """
