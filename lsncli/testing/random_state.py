"""Watches the random states that all of a process shares, which no component may read or change."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from lsncli.testing.expectations import expect

_UNUSUAL = 987_654_321


@contextmanager
def untouched_random_state(who: str, *, torch_too: bool = True) -> Iterator[None]:
    """Fail where the block moves the global generators of ``random``, numpy or (``torch_too``) torch."""
    kept = _states()
    # A state that nobody else is in: who seeds a generator, as everybody does by 0, must be seen as well.
    random.seed(_UNUSUAL)
    np.random.seed(_UNUSUAL)
    torch: Any = sys.modules.get("torch")
    if torch is not None:
        torch.manual_seed(_UNUSUAL)
    before = _states()
    try:
        yield
        after = _states()
    finally:
        random.setstate(kept["random"])
        np.random.set_state(kept["numpy"])
        if torch is not None:
            torch.set_rng_state(kept["torch"])
    names = [name for name in before if name != "torch" or torch_too]
    moved = [name for name in names if not _equal(before[name], after[name])]
    expect(
        not moved,
        f"{who} draws from the global random state of {' and '.join(moved)}, or seeds it, which the whole process"
        " shares; draw from the generator that is handed over, or from one of your own",
    )


def expect_unseeded(who: str, act: Callable[[], Any]) -> None:
    """Fail where ``act`` seeds torch's generator: from two different states, it then leaves it in the same one."""
    import torch

    kept = torch.get_rng_state()
    ends = []
    try:
        for seed in (_UNUSUAL, _UNUSUAL + 1):
            torch.manual_seed(seed)
            act()
            ends.append(torch.get_rng_state())
    finally:
        torch.set_rng_state(kept)
    expect(
        not torch.equal(*ends),
        f"{who} seeds torch's generator, which is the run's: whatever the run draws after it (dropout, say) is the"
        " same in every step; draw from a torch.Generator of your own",
    )


def _states() -> dict[str, Any]:
    states = {"random": random.getstate(), "numpy": np.random.get_state(legacy=True)}
    if "torch" in sys.modules:
        states["torch"] = sys.modules["torch"].get_rng_state()
    return states


def _equal(one: Any, other: Any) -> bool:
    """Whether two states are the same: nested tuples, arrays and tensors."""
    if isinstance(one, tuple):
        return len(one) == len(other) and all(map(_equal, one, other))
    return bool(np.array_equal(one, other))
