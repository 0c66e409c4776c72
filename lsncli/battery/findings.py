"""The paper's findings, asked of another noise model or architecture: what holds there of what the paper found."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from lsncli.report.claims.catalogue import CLAIMS
from lsncli.report.claims.claim import Claim, Comparison
from lsncli.report.claims.evidence import Evidence

#: The part of the battery that shows what a recipe of the paper's shows.
_PART_OF = {
    "figure2": "accuracy",
    "table2": "accuracy",
    "table7": "accuracy",
    "table3": "denoising",
    "table4": "calibration",
    "table5": "distillation",
    "figure6": "distillation",
}


@dataclass(frozen=True, slots=True)
class Among:
    """The comparisons of a finding among some runs: those of one choice of parameters."""

    keys: Collection[str]
    finding: Claim

    def __call__(self, evidence: Evidence) -> list[Comparison]:
        """The settings among the runs of ``evidence``."""
        return [each for each in self.finding.comparisons(evidence) if self._has(each)]

    def _has(self, comparison: Comparison) -> bool:
        return any(key in self.keys for pair in comparison.pairs for key in pair.keys)


def findings(choices: Mapping[str, Collection[str]]) -> tuple[Claim, ...]:
    """The paper's findings on trained runs, each for every choice: what holds with one would else speak for all.

    choices: the choices of parameters in words, empty for the only one, and the runs of each.
    """
    return tuple(_with(claim, told, keys) for claim in CLAIMS if claim.recipes for told, keys in choices.items())


def _with(claim: Claim, told: str, keys: Collection[str]) -> Claim:
    return replace(
        claim,
        id=f"{claim.id} {told}".rstrip(),
        statement=f"With {told}: {claim.statement}" if told else claim.statement,
        recipes=tuple(dict.fromkeys(_PART_OF[name] for name in claim.recipes)),
        comparisons=Among(keys, claim),
    )
