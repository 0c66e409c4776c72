"""What a numeric check says."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Check:
    """A statement, the number that was measured, and the bound that it must keep.

    relation: ``"<="`` for a deviation that must not exceed ``tolerance``; ``">="`` for a difference that must be at
    least ``tolerance``, where the statement is that something is *not* so.
    """

    name: str
    source: str
    statement: str
    measured: float
    tolerance: float
    relation: Literal["<=", ">="] = "<="

    @property
    def holds(self) -> bool:
        """The verdict; a number that is not finite never holds."""
        if not math.isfinite(self.measured):
            return False
        # numpy's own booleans would not be JSON's.
        return bool(self.measured <= self.tolerance if self.relation == "<=" else self.measured >= self.tolerance)


Group = Callable[[], Iterable[Check]]


def all_checks() -> list[Check]:
    """Every check, in the order of the paper; the same numbers each time."""
    from lsncli.theory.correction import correction_checks
    from lsncli.theory.least_squares import least_squares_checks
    from lsncli.theory.regulariser import regulariser_checks
    from lsncli.theory.saturation import saturation_checks

    groups: tuple[Group, ...] = (correction_checks, saturation_checks, regulariser_checks, least_squares_checks)
    return [check for group in groups for check in group()]
