"""Measuring in alternation: every contestant in turn, round after round, so that a busy moment hits them all."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol


class Contestant(Protocol):
    """Something that works at a rate."""

    @property
    def name(self) -> str:
        """What tables call it."""
        ...

    def burst(self, seconds: float) -> float:
        """Work for about ``seconds``, at least one step; the rate, for example in images per second."""
        ...

    def close(self) -> None:
        """Give back what it holds: processes, threads."""
        ...


@dataclass(frozen=True, slots=True)
class Spread:
    """The median of several rounds, and the least and greatest of them."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """Of at least one value; raises ValueError for none."""
        if not values:
            raise ValueError("no rounds were measured")
        return cls(statistics.median(values), min(values), max(values))

    def plain(self) -> dict[str, float]:
        """As plain data."""
        return {"median": self.median, "low": self.low, "high": self.high}


def alternate(
    contestants: Sequence[Contestant],
    *,
    rounds: int,
    seconds: float,
    limit: float | None = None,
    told: Callable[[int], None] = lambda done: None,
) -> list[list[float]]:
    """The rates of every contestant: one list of ``rounds`` numbers each, in the order of ``contestants``.

    Each has a burst before the first round, which is not counted: libraries choose their kernels then. Every
    second round goes through the contestants backwards, so that none always follows the same one. No round but
    the first is begun that would end after ``limit`` seconds. ``told`` is called after every round.
    """
    begin = time.perf_counter()
    for contestant in contestants:
        contestant.burst(0.0)
    rates: list[list[float]] = [[] for _ in contestants]
    ready = time.perf_counter()
    for number in range(rounds):
        if number and limit is not None:
            now = time.perf_counter()
            # The next round takes about as long as those before.
            if now - begin + (now - ready) / number > limit:
                break
        order = range(len(contestants)) if number % 2 == 0 else reversed(range(len(contestants)))
        for index in order:
            rates[index].append(contestants[index].burst(seconds))
        told(number + 1)
    return rates


def ratios(rates: Sequence[float], reference: Sequence[float]) -> list[float]:
    """``rates`` over ``reference``, round by round: what disturbs a whole round drops out."""
    return [rate / other for rate, other in zip(rates, reference, strict=True)]


class Repeated:
    """A function as a contestant: its rate is calls per second, or ``amount`` per call."""

    def __init__(self, name: str, function: Callable[[], object], amount: float = 1.0) -> None:
        self.name = name
        self.function = function
        self.amount = amount

    def burst(self, seconds: float) -> float:
        """Call until ``seconds`` are over."""
        begin = time.perf_counter()
        calls = 0
        while True:
            self.function()
            calls += 1
            passed = time.perf_counter() - begin
            if passed >= seconds:
                return calls * self.amount / max(passed, 1e-9)

    def close(self) -> None:
        """Nothing to give back."""
