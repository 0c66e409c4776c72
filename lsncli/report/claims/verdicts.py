"""When a setting supports a claim, and how the settings of a claim are put together."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

Verdict = Literal["supported", "contradicted", "undecided", "mixed", "not enough runs"]

#: How a claim is tested. higher, lower: the compared runs differ from the reference in this direction (two-sided
#: test); not-worse: they trail by less than a margin; equivalent: they differ by less than a margin.
Expectation = Literal["higher", "lower", "not-worse", "equivalent"]

LEVEL = 0.05

#: The rule of :func:`together`, for the reader of a report.
RULE = (
    "A claim is supported if at least one of its settings supports it and none contradicts it, contradicted if at"
    " least one contradicts it and none supports it, mixed if some do the one and some the other, undecided if no"
    " setting decides. Settings with fewer than 3 pairs are not tested; a claim without a tested setting has not"
    " enough runs."
)
#: What :func:`against_every` adds to it.
RULE_OF_EVERY = (
    "A hypothesis about a method of several α is about all of them: at each noise rate they count as one setting,"
    " which supports it only if every α does (that needs no adjustment for their number), and contradicts it if any"
    " does."
)


def on_setting(expectation: Expectation, mean: float, p: float, p_against: float | None = None) -> Verdict:
    """The verdict of one setting at the 5 % level.

    For ``higher`` and ``lower``, p is two-sided and the sign of ``mean`` decides what a small one means; for the
    margins, p speaks for the claim and ``p_against`` for its opposite.
    """
    if expectation in ("higher", "lower"):
        if p >= LEVEL or mean == 0:
            return "undecided"
        return "supported" if (mean > 0) == (expectation == "higher") else "contradicted"
    if p < LEVEL:
        return "supported"
    return "contradicted" if p_against is not None and p_against < LEVEL else "undecided"


def against_every(verdicts: Iterable[Verdict]) -> Verdict:
    """The verdict on what is claimed against each of several references, by :data:`RULE_OF_EVERY`.

    An intersection-union test: that it fails against some reference is rejected only where each test rejects.
    """
    each = set(verdicts)
    if "contradicted" in each:
        return "contradicted"
    if "undecided" in each:
        return "undecided"
    return "supported" if each == {"supported"} else "not enough runs"


def of_arms(verdicts: Iterable[tuple[str, Verdict]]) -> list[Verdict]:
    """One verdict for each arm, by :func:`against_every`; the arms' verdicts are told by the arm's name."""
    by_arm: dict[str, list[Verdict]] = {}
    for arm, verdict in verdicts:
        by_arm.setdefault(arm, []).append(verdict)
    return [against_every(each) for each in by_arm.values()]


def together(verdicts: Iterable[Verdict]) -> Verdict:
    """The verdict of a claim from those of its settings, by :data:`RULE`."""
    tested = [verdict for verdict in verdicts if verdict != "not enough runs"]
    supported, contradicted = "supported" in tested, "contradicted" in tested
    if supported and contradicted:
        return "mixed"
    if supported or contradicted:
        return "supported" if supported else "contradicted"
    return "undecided" if tested else "not enough runs"
