"""The records of claims: what a claim says, what it compares, and what came out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lsncli.report.claims.inference import Paired
from lsncli.report.claims.verdicts import Expectation, Verdict

if TYPE_CHECKING:
    from lsncli.report.claims.evidence import Evidence


@dataclass(frozen=True, slots=True)
class Pair:
    """Two runs that differ by one thing. keys: of reference and compared, None where a run was never planned.

    Pairs that are computed on the spot, not trained, have no keys but their two ``values`` at once.
    """

    label: str
    keys: tuple[str | None, str | None] = (None, None)
    values: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class Comparison:
    """One setting of a claim: what is held fixed, the reference, what is compared with it, and the pairs.

    distinct: dotted keys of everything held fixed, to tell apart settings of equal description. arm: the same for
    all comparisons of the same runs with different references.
    """

    setting: str
    reference: str
    compared: str
    pairs: tuple[Pair, ...]
    distinct: Mapping[str, object] = field(default_factory=dict)
    arm: str = ""


@dataclass(frozen=True, slots=True)
class Claim:
    """A finding of the paper as a hypothesis.

    reference: where the paper says it. recipes: the shipped recipes whose runs it is tested on; none for a
    claim that is computed on the spot. comparisons: finds its settings among the runs. margin: in the unit of
    the report (percentage points for accuracies), for the expectations that need one. quantity: what is
    compared, where it is no metric of a run. pairs: how the pairs are formed, in words. every: whether it is about
    every reference that the same runs are compared with, and not about some of them.
    """

    id: str
    statement: str
    reference: str
    recipes: tuple[str, ...]
    metric: str
    expectation: Expectation
    pairs: str
    comparisons: Callable[[Evidence], list[Comparison]]
    margin: float | None = None
    quantity: str | None = None
    every: bool = False


@dataclass(frozen=True, slots=True)
class SettingResult:
    """What one setting came to.

    differences: compared minus reference, one per pair that is there, in the metric's unit. keys: the run keys
    of those pairs. expected: how many pairs were planned. dropped: why the others are not there. p: of the
    claim's own test (two-sided against zero, or for the claim where a margin is tested); p_against: for its
    opposite, where a margin is tested. p_holm, p_against_holm, verdict_holm: adjusted over all tests of the
    report.
    """

    comparison: Comparison
    differences: tuple[float, ...]
    keys: tuple[tuple[str, str], ...]
    expected: int
    dropped: tuple[str, ...]
    statistics: Paired
    verdict: Verdict
    p: float | None = None
    p_against: float | None = None
    p_holm: float | None = None
    p_against_holm: float | None = None
    verdict_holm: Verdict = "not enough runs"


@dataclass(frozen=True, slots=True)
class ClaimResult:
    """A claim with the results of its settings, and its verdict without and with Holm's adjustment."""

    claim: Claim
    settings: tuple[SettingResult, ...]
    verdict: Verdict
    verdict_holm: Verdict


@dataclass(frozen=True, slots=True)
class ClaimsReport:
    """All claims on the runs of one profile.

    recipe: the recipe whose runs they were tested on, None for each claim's own ones. tests: how many p-values
    Holm's adjustment is over. notes: on stand-ins, recipes that could not be read, and the like. fill: the
    commands that train what is missing. title: of the report; None for the paper's findings on its own recipes.
    hypotheses: whether the claims are not the paper's findings, but asked about a method that is not the paper's.
    """

    profile: str
    recipe: str | None
    claims: Sequence[ClaimResult]
    tests: int
    notes: tuple[str, ...] = ()
    fill: tuple[str, ...] = ()
    title: str | None = None
    hypotheses: bool = False
