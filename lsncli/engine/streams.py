"""Random numbers: one CPU stream per concern, each a function of (seed, concern, epoch or step).

The same numbers come out on every device, for any number of runs at once, and after a resume, because nothing
is ever drawn from a stream that something else advanced.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

Concern = Literal["initialisation", "order", "crops", "flips", "noise", "library", "preparation"]

_NUMBER: dict[Concern, int] = {
    "initialisation": 0,
    "order": 1,
    "crops": 2,
    "flips": 3,
    "noise": 4,
    "library": 5,
    "preparation": 6,
}


def stream(seed: int, concern: Concern, epoch: int = 0) -> np.random.Generator:
    """The generator for one concern of one run in one epoch; ``preparation`` counts steps instead of epochs."""
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, _NUMBER[concern], epoch])))


def torch_seed(seed: int, concern: Concern) -> int:
    """A 63-bit seed for torch's own generator, for what draws from it (initialisation, dropout)."""
    return int(stream(seed, concern).integers(2**63 - 1))
