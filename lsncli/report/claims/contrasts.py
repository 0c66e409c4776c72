"""Contrasts: which arms of a setting a claim compares, told by losses, α and the noise rate."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

from lsncli.plan import ComponentSpec, RunSpec
from lsncli.report.claims.claim import Comparison, Pair
from lsncli.report.claims.dotted import dotted
from lsncli.report.claims.evidence import Evidence
from lsncli.report.claims.pairing import Arm, Part, Seeds, match, settings
from lsncli.report.claims.terms import STANDARD

#: ``many`` classes, as CIFAR-100 has.
MANY_CLASSES = 100


@dataclass(frozen=True, slots=True)
class Alphas:
    """The α of the reference (0 for standard training) and of the compared runs, and the noise rate ρ."""

    reference: float
    compared: float
    rate: float | None

    def near_rate(self, alpha: float) -> bool:
        """α ≈ ρ: at most a quarter of ρ away, which takes in the theory's L/(L-1)·ρ from five classes on."""
        return bool(self.rate) and _at_most(abs(alpha - (self.rate or 0)), (self.rate or 0) / 4)

    def at_most_rate(self, alpha: float) -> bool:
        """α ≤ ρ."""
        return bool(self.rate) and _at_most(alpha, self.rate or 0)

    def well_above_rate(self, alpha: float) -> bool:
        """α well above ρ: at least twice."""
        return bool(self.rate) and _at_most(2 * (self.rate or 0), alpha)


def _at_most(value: float, bound: float) -> bool:
    """value ≤ bound, up to rounding: 2·0.2 must not exceed a recipe's 0.4."""
    return value <= bound or math.isclose(value, bound, rel_tol=1e-9)


def _any(alphas: Alphas) -> bool:
    return True


def same_alpha(alphas: Alphas) -> bool:
    """The same α on both sides."""
    return alphas.reference == alphas.compared


@dataclass(frozen=True, slots=True)
class Contrast:
    """Compares arms under label noise that are the same but for one loss.

    reference, compared: names of losses, one each: as one setting can support a claim, a claim on two methods
    would be supported by one of them. A loss other than standard counts only with an α above 0; where both are the
    same loss, they differ by α alone. where: on which α. part: whose loss it is; with ``students`` the runs are
    distilled students, the loss of the other part being standard, else runs without a teacher. many_classes: only
    data of at least 100 classes.
    """

    reference: str
    compared: str
    where: Callable[[Alphas], bool] = _any
    part: Part = "loss"
    students: bool = False
    many_classes: bool = False

    def __call__(self, evidence: Evidence) -> list[Comparison]:
        """The settings among the runs of ``evidence``."""
        fitting = [arm for arm in evidence.arms if self._fits(arm.spec, evidence)]
        return [
            comparison
            for together in settings(fitting, self.part).values()
            for comparison in self._of_setting(together, evidence)
        ]

    def _fits(self, spec: RunSpec, evidence: Evidence) -> bool:
        if evidence.terms.rate(spec) == 0 or (spec.teacher is not None) != self.students:
            return False
        if spec.teacher is not None:
            fixed = spec.teacher.loss if self.part == "loss" else spec.loss
            if fixed.name != STANDARD:
                return False
        return not self.many_classes or (evidence.terms.classes(spec) or 0) >= MANY_CLASSES

    def _of_setting(self, together: list[Arm], evidence: Evidence) -> Iterator[Comparison]:
        for reference, compared in product(together, together):
            first, second = loss_of(reference.spec, self.part), loss_of(compared.spec, self.part)
            if (first.name, second.name) != (self.reference, self.compared) or reference is compared:
                continue
            if first.name == second.name and _without_alpha(first) != _without_alpha(second):
                continue
            before, after = self._alpha(first, evidence), self._alpha(second, evidence)
            if before is None or after is None:
                continue
            if self.where(Alphas(before, after, evidence.terms.rate(reference.spec))):
                yield comparison_of(reference, compared, self.part, evidence)

    @staticmethod
    def _alpha(loss: ComponentSpec, evidence: Evidence) -> float | None:
        """α, 0 of standard training; None for a loss that does not count."""
        return 0.0 if loss.name == STANDARD else evidence.terms.alpha(loss) or None


def _without_alpha(loss: ComponentSpec) -> dict[str, Any]:
    plain = loss.model_dump(mode="json")
    return {**plain, "params": {key: value for key, value in plain["params"].items() if key != "alpha"}}


def loss_of(spec: RunSpec, part: Part) -> ComponentSpec:
    """The loss that is compared: the run's own, or its teacher's."""
    return spec.teacher.loss if part == "teacher" and spec.teacher is not None else spec.loss


def comparison_of(reference: Arm, compared: Arm, part: Part, evidence: Evidence) -> Comparison:
    """The comparison of two arms that differ by the loss of ``part`` alone, paired by seed."""
    whose = "teacher: " if part == "teacher" else ""
    held = ("teacher.loss.",) if part == "teacher" else ("loss.", "transition.")
    return Comparison(
        setting=evidence.terms.setting_words(reference.spec),
        reference=whose + evidence.terms.loss_words(loss_of(reference.spec, part)),
        compared=whose + evidence.terms.loss_words(loss_of(compared.spec, part)),
        pairs=tuple(Pair(_label(seeds), (a, b)) for seeds, a, b in match(reference, compared)),
        distinct={
            key: value
            for key, value in dotted(reference.spec, evidence.terms.components).items()
            if not key.startswith(held)
        },
        arm=compared.spec.key,
    )


def _label(seeds: Seeds) -> str:
    """``seed 3``; with the noise's where it does not follow."""
    seed, noise, *_ = seeds
    return f"seed {seed}" if noise in (seed, 0) else f"seed {seed}, noise seed {noise}"
