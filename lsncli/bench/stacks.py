"""Many tiny runs in one step, where this engine can do that."""

from __future__ import annotations

from importlib import import_module, util

from lsncli.bench.session import Training

#: Runs in the stack that is measured.
STACK = 20


def stacked_training() -> Training | None:
    """The engine's stacked training; None where it has none."""
    if util.find_spec("lsncli.engine.stacking") is None:
        return None
    training: Training = import_module("lsncli.engine.stacking").train_stack
    return training
