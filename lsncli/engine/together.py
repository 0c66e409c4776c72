"""Trains runs that may be trained together, in the way that suits their kind."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from lsncli.engine.events import Event
from lsncli.engine.settings import EngineSettings
from lsncli.engine.stack_kinds import stack_kind
from lsncli.engine.stacking import train_stack
from lsncli.engine.training import train_replicas
from lsncli.plan import RunSpec


def train_together(
    specs: Sequence[RunSpec],
    settings: EngineSettings,
    stop: Callable[[], bool] = lambda: False,
    *,
    stacking: bool = False,
    replicas: int | None = None,
) -> Iterator[Event]:
    """The events of ``specs``: one run, or runs of one kind.

    With ``stacking``, small networks are trained by :func:`~lsncli.engine.stacking.train_stack`, even a single one:
    its numbers must not depend on how many others were left to train. All else, and ``replicas``, is the matter of
    :func:`~lsncli.engine.training.train_replicas`.
    """
    if stacking and stack_kind(specs[0]) is not None:
        return train_stack(specs, settings, stop)
    return train_replicas(specs, settings, stop, replicas)
