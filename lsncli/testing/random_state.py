"""Watches the random states that all of a process shares, which no component may read or change."""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from lsncli.testing.expectations import expect


@contextmanager
def untouched_random_state(who: str, *, torch_too: bool = True) -> Iterator[None]:
    """Fail where the block moves the global generators of ``random``, numpy or (``torch_too``) torch."""
    before = _states()
    yield
    after = _states()
    names = [name for name in before if name != "torch" or torch_too]
    moved = [name for name in names if before[name] != after[name]]
    expect(
        not moved,
        f"{who} draws from the global random state of {' and '.join(moved)}, which the whole process shares;"
        " draw from the generator that is handed over, or from one of your own",
    )


def _states() -> dict[str, object]:
    numpy_state: Any = np.random.get_state(legacy=True)
    states: dict[str, object] = {
        "random": random.getstate(),
        "numpy": (numpy_state[0], numpy_state[1].tobytes(), *numpy_state[2:]),
    }
    if "torch" in sys.modules:
        states["torch"] = bytes(sys.modules["torch"].get_rng_state().numpy())
    return states
