"""A report of claims in words: blocks of text and plain grids, which every format for people draws."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from lsncli.report.claims.claim import Claim, ClaimResult, ClaimsReport, SettingResult
from lsncli.report.claims.inference import FEWEST_PAIRS
from lsncli.report.claims.verdicts import LEVEL, RULE, RULE_OF_EVERY, of_arms
from lsncli.report.wording import ABSENT, METRICS, unit_of

SUMMARY_COLUMNS = ("claim", "what the paper finds", "settings", "verdict", "after Holm")
#: Of hypotheses on a method that is not the paper's.
HYPOTHESIS_COLUMNS = ("hypothesis", "what is asked", "settings", "verdict", "after Holm")
DETAIL_COLUMNS = (
    "setting",
    "compared",
    "with",
    "pairs",
    "difference",
    "95 % interval",
    "d_z",
    "p",
    "Holm",
    "verdict",
)

#: Marks p of the test against a claim.
AGAINST = "against"

TITLE = "The paper's claims, tested"


@dataclass(frozen=True, slots=True)
class Block:
    """A heading, a line on what follows, a grid (columns and rows of text), and notes below it."""

    heading: str
    lead: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = ()


def title_of(report: ClaimsReport) -> str:
    """What the report is called: its own title, or the claims' with the recipe that they are tested on."""
    return report.title or (f"{TITLE}: {report.recipe}" if report.recipe else TITLE)


def blocks(report: ClaimsReport) -> list[Block]:
    """The summary of all claims first, then the settings of each claim that has any pair."""
    title = title_of(report)
    columns = HYPOTHESIS_COLUMNS if report.hypotheses else SUMMARY_COLUMNS
    lead = f"Profile {report.profile}. The last evaluation of each run, as in the paper's tables."
    summary = Block(title, lead, columns, tuple(_summary(result) for result in report.claims))
    return [
        summary,
        *(_details(result) for result in report.claims if any(s.statistics.n for s in result.settings)),
    ]


def rule(claims: Iterable[Claim]) -> str:
    """How the settings of ``claims`` are put together."""
    return f"{RULE} {RULE_OF_EVERY}" if any(claim.every for claim in claims) else RULE


def footnotes(report: ClaimsReport) -> list[str]:
    """How the tests were made and read, then what is particular to this report."""
    return [
        "Difference: compared minus reference, paired by seed; d_z = mean / sample standard deviation (ddof 1) of"
        " the differences. Interval: 95 %, t distribution. p: two-sided paired t-test against no difference; where"
        " all differences are equal the t-test has no answer, and p is that of the exact sign test.",
        "Claims with a margin: not-worse is a one-sided t-test that the compared runs trail by less than the margin"
        " (non-inferiority); equivalent is two one-sided t-tests that they differ by less than it. There, p is for"
        f" the claim, and one marked {AGAINST} for its opposite, whose test contradicts it. Both count as tests.",
        f"Verdicts of settings at the {100 * LEVEL:g} % level. {rule(result.claim for result in report.claims)}",
        f"Holm: the same verdicts with p adjusted over all {report.tests} tests of this report.",
        *report.notes,
    ]


def fill_line(report: ClaimsReport) -> str | None:
    """What introduces the commands that train the missing runs; None where none is missing."""
    return "Train the missing runs:" if report.fill else None


def _summary(result: ClaimResult) -> tuple[str, ...]:
    claim = result.claim
    return (
        claim.id,
        f"{claim.statement} ({claim.reference})",
        _counted(result),
        result.verdict,
        result.verdict_holm,
    )


def _counted(result: ClaimResult) -> str:
    """``6 supported, 2 undecided, 4 with too few runs``; settings as the claim's verdict counts them."""
    each = [(setting.comparison.arm, setting.verdict) for setting in result.settings]
    counts = Counter(of_arms(each) if result.claim.every else [verdict for _, verdict in each])
    few = counts.pop("not enough runs", 0)
    words = [
        f"{counts[verdict]} {verdict}" for verdict in ("supported", "contradicted", "undecided") if counts[verdict]
    ]
    return ", ".join([*words, *([f"{few} with too few runs"] if few else [])]) or "none"


def _details(result: ClaimResult) -> Block:
    claim = result.claim
    shown = [setting for setting in result.settings if setting.statistics.n]
    notes = [f"{_names(setting)}: {'; '.join(setting.dropped)}." for setting in shown if setting.dropped]
    if hidden := len(result.settings) - len(shown):
        notes.append(f"{hidden} more setting{'s' if hidden > 1 else ''} without any pair.")
    return Block(
        f"{claim.id}: {result.verdict}",
        f"{claim.statement} {_tested(claim)}",
        DETAIL_COLUMNS,
        tuple(_detail(claim, setting) for setting in shown),
        tuple(notes),
    )


def _tested(claim: Claim) -> str:
    what = claim.quantity or METRICS.get(claim.metric, claim.metric)
    margin = ""
    if claim.margin is not None:
        points = " percentage point" if claim.margin == 1 else " percentage points"
        margin = f"{claim.margin:g}{points if unit_of(claim.metric) else ''}"
    expected = {
        "higher": "higher is expected",
        "lower": "lower is expected",
        "not-worse": f"at most {margin} lower is expected",
        "equivalent": f"a difference within ±{margin} is expected",
    }[claim.expectation]
    return f"Compared: {what}; {expected}. Pairs: {claim.pairs}."


def _names(setting: SettingResult) -> str:
    comparison = setting.comparison
    return f"{comparison.setting}, {comparison.compared} with {comparison.reference}"


def _detail(claim: Claim, setting: SettingResult) -> tuple[str, ...]:
    found, comparison = setting.statistics, setting.comparison
    low, high = (signed(claim, bound) for bound in (found.ci_low, found.ci_high))
    return (
        comparison.setting,
        comparison.compared,
        comparison.reference,
        f"{found.n}" if found.n == setting.expected else f"{found.n}/{setting.expected}",
        signed(claim, found.mean),
        f"{low} … {high}" if found.ci_low is not None else ABSENT,
        ABSENT if found.effect_size is None else f"{found.effect_size:+.2f}",
        *_p_of(setting),
        setting.verdict,
    )


def _p_of(setting: SettingResult) -> tuple[str, str]:
    """p and p by Holm, of the test that decided: a margin is tested for the claim and against it."""
    if setting.statistics.n < FEWEST_PAIRS:
        return ABSENT, ABSENT
    p, p_holm = decisive(setting)
    against = f" {AGAINST}" if _spoke_against(setting) else ""
    return f"{p_words(p)}{against}", f"{p_words(p_holm)}{against}"


def decisive(setting: SettingResult) -> tuple[float | None, float | None]:
    """p and p by Holm of the test that decided, as they are shown."""
    if _spoke_against(setting):
        return setting.p_against, setting.p_against_holm
    return setting.p, setting.p_holm


def _spoke_against(setting: SettingResult) -> bool:
    return setting.p_against is not None and setting.verdict == "contradicted"


def signed(claim: Claim, value: float | None) -> str:
    """A difference with its sign: percentage points to two digits, other metrics to four."""
    if value is None or not math.isfinite(value):
        return ABSENT
    percent = not claim.quantity and unit_of(claim.metric)
    return f"{value:+.2f}" if percent else f"{value:+.4f}"


def p_words(p: float | None) -> str:
    """A p-value to two significant digits, or ``<0.001``."""
    if p is None:
        return ABSENT
    return "<0.001" if p < 0.001 else f"{p:#.2g}" if p < 0.1 else f"{p:.2f}"
