"""Compares the numbers of a run with those of its repetition: to the bit, and otherwise by how much they differ."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

Likeness = Literal["identical", "close", "different"]

#: What is measured of the machine, not of the run.
TIMES = frozenset({"images_per_second"})
#: Arrays that seeds alone decide: no rounding can change them.
EXACT = frozenset({"noise_transition_counts"})


@dataclass(frozen=True, slots=True)
class Difference:
    """Two numbers that are not the same; ``size`` is |stored − found| / max(1, |stored|, |found|)."""

    what: str
    stored: float
    found: float
    size: float


def worst(parts: Sequence[Likeness]) -> Likeness:
    """The least alike of ``parts``."""
    order: tuple[Likeness, ...] = ("identical", "close", "different")
    return max(parts, key=order.index)


def compare_metrics(
    stored: Mapping[str, Sequence[tuple[int, float]]], found: Mapping[tuple[str, int], float], tolerance: float
) -> tuple[Likeness, Difference | None]:
    """Every number at every step; one that only one of the two has makes them different."""
    before = {(name, step): value for name, rows in stored.items() for step, value in rows if name not in TIMES}
    now = {(name, step): float(value) for (name, step), value in found.items() if name not in TIMES}
    differences = []
    for name, step in [*before, *(key for key in now if key not in before)]:
        one, other = before.get((name, step)), now.get((name, step))
        where = f"{name} at step {step}"
        if one is None or other is None:
            there = [math.nan if value is None else value for value in (one, other)]
            differences.append(Difference(where, there[0], there[1], math.inf))
        elif not (one == other or (math.isnan(one) and math.isnan(other))):
            differences.append(Difference(where, one, other, _size(one, other)))
    return _judged(differences, tolerance)


def compare_weights(stored: Path, found: Path, tolerance: float) -> tuple[Likeness, Difference | None]:
    """Every tensor of two files of weights; a file that cannot be read is different."""
    from lsncli.engine.tensor_file import UnusableCheckpointError, read_tensors

    try:
        before = {name: value.detach().numpy() for name, value in read_tensors(stored)[0].items()}
    except UnusableCheckpointError as error:
        return "different", Difference(f"the stored weights: {error}", math.nan, math.nan, math.inf)
    now = {name: value.detach().numpy() for name, value in read_tensors(found)[0].items()}
    if {n: (v.shape, v.dtype) for n, v in before.items()} != {n: (v.shape, v.dtype) for n, v in now.items()}:
        return "different", Difference("other weights' names or shapes", math.nan, math.nan, math.inf)
    differences = []
    for name, value in before.items():
        if value.tobytes() == now[name].tobytes():
            continue
        one, other = (np.atleast_1d(array.astype(np.float64)).reshape(-1) for array in (value, now[name]))
        sizes = np.abs(one - other) / np.maximum(1, np.maximum(np.abs(one), np.abs(other)))
        at = int(np.argmax(np.where(np.isnan(sizes), np.inf, sizes)))
        differences.append(
            Difference(f"weight {name}", float(one[at]), float(other[at]), _size(one[at], other[at]))
        )
    return _judged(differences, tolerance)


def compare_arrays(
    stored: Mapping[tuple[str, int], npt.NDArray[Any]], found: Mapping[tuple[str, int], npt.NDArray[Any]]
) -> tuple[tuple[str, ...], Likeness]:
    """The names of the arrays that are not the same to the bit, and what that says.

    Most are counts of examples, whose differences by rounding have no size that could be judged: they are *close*,
    unless seeds alone decide them, or only one of the two has them.
    """
    names = [*stored, *(key for key in found if key not in stored)]
    other = [key for key in names if key not in stored or key not in found or not _same(stored[key], found[key])]
    severe = any(key[0] in EXACT or key not in stored or key not in found for key in other)
    likeness: Likeness = "different" if severe else "close" if other else "identical"
    return tuple(dict.fromkeys(name for name, _ in other)), likeness


def _same(one: npt.NDArray[Any], other: npt.NDArray[Any]) -> bool:
    return one.dtype == other.dtype and one.shape == other.shape and one.tobytes() == other.tobytes()


def _size(one: float, other: float) -> float:
    size = abs(one - other) / max(1.0, abs(one), abs(other))
    return math.inf if math.isnan(size) else float(size)


def _judged(differences: list[Difference], tolerance: float) -> tuple[Likeness, Difference | None]:
    largest = max(differences, key=lambda difference: difference.size, default=None)
    if largest is None:
        return "identical", None
    return ("close" if largest.size <= tolerance else "different"), largest
