"""Measures a function against a reference in alternation and says whether the target is reached."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from lsncli.bench.alternation import Contestant, Repeated, Spread, alternate, ratios


@dataclass(frozen=True)
class Target:
    """``times`` the reference's time at most, or its speed at least."""

    times: float
    faster: bool = False

    def said_of(self, ratio: Spread) -> str:
        reached = ratio.median >= self.times if self.faster else ratio.median <= self.times
        sign = "≥" if self.faster else "≤"
        return f"target {sign} {self.times:g}: {'reached' if reached else 'SHORT'}"


def measure(
    functions: dict[str, Callable[[], object]],
    targets: dict[str, Target],
    *,
    rounds: int,
    seconds: float,
) -> dict[str, Spread]:
    """As :func:`compare`, for functions that are called again and again."""
    contestants = [Repeated(name, function) for name, function in functions.items()]
    return compare(contestants, targets, rounds=rounds, seconds=seconds)


def compare(
    contestants: Sequence[Contestant], targets: dict[str, Target], *, rounds: int, seconds: float
) -> dict[str, Spread]:
    """Print one line for each of ``contestants``; the first is the reference. The ratios by name are returned.

    A ratio is of times (how many times as long), or of speeds where the target is one of speed.
    """
    rates = alternate(contestants, rounds=rounds, seconds=seconds)
    width = max(len(contestant.name) for contestant in contestants)
    found = {}
    for contestant, measured in zip(contestants, rates, strict=True):
        target = targets.get(contestant.name)
        speedup = target is not None and target.faster
        ratio = Spread.of(ratios(measured, rates[0]) if speedup else ratios(rates[0], measured))
        found[contestant.name] = ratio
        print(
            f"  {contestant.name:{width}s}  {1e3 / Spread.of(measured).median:9.3f} ms"
            f"  ×{ratio.median:6.2f} ({ratio.low:.2f} … {ratio.high:.2f})"
            f"  {target.said_of(ratio) if target else ''}".rstrip()
        )
    return found
