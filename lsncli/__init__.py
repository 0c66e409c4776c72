"""lsn: learning with noisy labels, from a recipe to the paper's tables.

The names exported here are the public interface for plugin authors. They are resolved on first use,
so that importing :mod:`lsncli` costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from lsncli.backends.interface import Backend
    from lsncli.components import (
        ArchitectureContext,
        ArchitectureInfo,
        BackendInfo,
        CheckContext,
        DatasetInfo,
        EstimatorContext,
        EstimatorInfo,
        ExecutorInfo,
        LossContext,
        LossInfo,
        NoiseContext,
        NoiseModelInfo,
        OptimizerInfo,
        ReportInfo,
        ScheduleInfo,
    )
    from lsncli.data.arrays import Arrays
    from lsncli.data.context import DataContext
    from lsncli.errors import LsnError
    from lsncli.hookspecs import hookimpl
    from lsncli.losses.interface import Loss, LossInputs, PreparingLoss
    from lsncli.noise.interface import NoiseModel
    from lsncli.parameters import Params

_HOME = {
    "ArchitectureContext": "lsncli.components",
    "ArchitectureInfo": "lsncli.components",
    "Arrays": "lsncli.data.arrays",
    "Backend": "lsncli.backends.interface",
    "BackendInfo": "lsncli.components",
    "CheckContext": "lsncli.components",
    "DataContext": "lsncli.data.context",
    "DatasetInfo": "lsncli.components",
    "EstimatorContext": "lsncli.components",
    "EstimatorInfo": "lsncli.components",
    "ExecutorInfo": "lsncli.components",
    "Loss": "lsncli.losses.interface",
    "LossContext": "lsncli.components",
    "LossInfo": "lsncli.components",
    "LossInputs": "lsncli.losses.interface",
    "LsnError": "lsncli.errors",
    "NoiseContext": "lsncli.components",
    "NoiseModel": "lsncli.noise.interface",
    "NoiseModelInfo": "lsncli.components",
    "OptimizerInfo": "lsncli.components",
    "Params": "lsncli.parameters",
    "PreparingLoss": "lsncli.losses.interface",
    "ReportInfo": "lsncli.components",
    "ScheduleInfo": "lsncli.components",
    "hookimpl": "lsncli.hookspecs",
}

__all__ = [
    "ArchitectureContext",
    "ArchitectureInfo",
    "Arrays",
    "Backend",
    "BackendInfo",
    "CheckContext",
    "DataContext",
    "DatasetInfo",
    "EstimatorContext",
    "EstimatorInfo",
    "ExecutorInfo",
    "Loss",
    "LossContext",
    "LossInfo",
    "LossInputs",
    "LsnError",
    "NoiseContext",
    "NoiseModel",
    "NoiseModelInfo",
    "OptimizerInfo",
    "Params",
    "PreparingLoss",
    "ReportInfo",
    "ScheduleInfo",
    "__version__",
    "hookimpl",
]


def __getattr__(name: str) -> Any:
    """Import a public name on first use (PEP 562)."""
    if name not in _HOME:
        raise AttributeError(f"module 'lsncli' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOME[name]), name)
