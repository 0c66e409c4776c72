"""The findings of "Does label smoothing mitigate label noise?" (Lukasik et al. 2020) as claims."""

from __future__ import annotations

from lsncli.report.claims.claim import Claim
from lsncli.report.claims.contrasts import Alphas, Contrast, same_alpha
from lsncli.report.claims.linear import QUANTITY, shrinkage_moves_back, smoothing_moves_back
from lsncli.report.claims.terms import BACKWARD, FORWARD, SMOOTHING, STANDARD

#: Percentage points of accuracy within which two methods count as equally good.
MARGIN = 1.0
#: The largest α of Table 4, whose findings on calibration are about it.
TABLE4_LARGEST = 0.2
#: Table 7's α, at which the paper finds smoothing "often competitive" with forward correction. With greater ones it
#: finds forward correction ahead, in Table 2 by two points from 0.1 on.
COMPETITIVE = 0.1
#: Table 4's α at which smoothing improves calibration, and from which on it worsens it.
CALIBRATING, WORSENING = 0.1, 0.2

ONLY_LOSS = "the same run with another loss, at the same seed"
ONLY_TEACHER = "the same student of a teacher with another loss, at the same seed"
_SLACK = 1e-9


def _well_above_against_near(alphas: Alphas) -> bool:
    return alphas.near_rate(alphas.reference) and alphas.well_above_rate(alphas.compared)


def _at_most(bound: float, alphas: Alphas) -> bool:
    return alphas.compared <= bound + _SLACK


_SMOOTHED = Contrast(STANDARD, SMOOTHING)
_NAMES = {SMOOTHING: "label smoothing", FORWARD: "forward correction", BACKWARD: "backward correction"}


def _alpha_above_noise(id: str, loss: str) -> Claim:
    return Claim(
        id=id,
        statement=f"For {_NAMES[loss]}, α well above the noise rate (α ≥ 2ρ) gives better test accuracy than α ≈ ρ"
        " (within ρ/4).",
        reference="Section 4.1, Figure 2",
        recipes=("figure2", "table2"),
        metric="test_accuracy",
        expectation="higher",
        pairs="the same run with another α of the same loss, at the same seed",
        comparisons=Contrast(loss, loss, where=_well_above_against_near),
    )


def _miscalibrates(id: str, loss: str) -> Claim:
    return Claim(
        id=id,
        statement=f"{_NAMES[loss].capitalize()} raises the expected calibration error over standard training"
        f" (α ≤ {TABLE4_LARGEST:g}).",
        reference="Section 4.1, Table 4",
        recipes=("table4",),
        metric="test_ece_100",
        expectation="higher",
        pairs=ONLY_LOSS,
        comparisons=Contrast(STANDARD, loss, where=lambda a: _at_most(TABLE4_LARGEST, a)),
    )


def _miscalibrates_more(id: str, loss: str) -> Claim:
    return Claim(
        id=id,
        statement=f"{_NAMES[loss].capitalize()} has a higher expected calibration error than label smoothing of the"
        f" same α (α ≤ {TABLE4_LARGEST:g}).",
        reference="Section 4.1, Table 4",
        recipes=("table4",),
        metric="test_ece_100",
        expectation="higher",
        pairs=ONLY_LOSS,
        comparisons=Contrast(SMOOTHING, loss, where=lambda a: same_alpha(a) and _at_most(TABLE4_LARGEST, a)),
    )


def _student_does_not_gain(id: str, loss: str) -> Claim:
    return Claim(
        id=id,
        statement=f"On many classes (at least 100) {_NAMES[loss]} on the student of a plain teacher changes its"
        f" test accuracy by less than {MARGIN:g} percentage point.",
        reference="Section 5, Table 5; the margin is lsn's",
        recipes=("table5",),
        metric="test_accuracy",
        expectation="equivalent",
        margin=MARGIN,
        pairs=ONLY_LOSS,
        comparisons=Contrast(STANDARD, loss, students=True, many_classes=True),
    )


CLAIMS = (
    Claim(
        id="smoothing-denoises",
        statement="Label smoothing improves clean test accuracy under label noise.",
        reference="Section 4.1, Figure 2, Tables 2 and 7",
        recipes=("figure2", "table7", "table2"),
        metric="test_accuracy",
        expectation="higher",
        pairs=ONLY_LOSS,
        comparisons=_SMOOTHED,
    ),
    _alpha_above_noise("smoothing-alpha-above-noise", SMOOTHING),
    _alpha_above_noise("forward-alpha-above-noise", FORWARD),
    _alpha_above_noise("backward-alpha-above-noise", BACKWARD),
    Claim(
        id="competitive-with-forward",
        statement=f"Label smoothing with small α (α ≤ {COMPETITIVE:g}) trails forward correction of the same α by"
        f" less than {MARGIN:g} percentage point of test accuracy.",
        reference="Section 4.1, Table 7; the margin is lsn's",
        recipes=("figure2", "table7"),
        metric="test_accuracy",
        expectation="not-worse",
        margin=MARGIN,
        pairs=ONLY_LOSS,
        comparisons=Contrast(FORWARD, SMOOTHING, where=lambda a: same_alpha(a) and _at_most(COMPETITIVE, a)),
    ),
    Claim(
        id="forward-best-with-large-alpha",
        statement="Forward correction with α well above the noise rate (α ≥ 2ρ) has higher test accuracy than label"
        " smoothing of the same α.",
        reference="Section 4.1, Figure 2, Table 2",
        recipes=("figure2", "table2"),
        metric="test_accuracy",
        expectation="higher",
        pairs=ONLY_LOSS,
        comparisons=Contrast(SMOOTHING, FORWARD, where=lambda a: same_alpha(a) and a.well_above_rate(a.compared)),
    ),
    Claim(
        id="clean-part-improves",
        statement="Label smoothing improves accuracy on the training examples whose labels are right.",
        reference="Section 4.1, Table 3",
        recipes=("table3",),
        metric="train_accuracy_clean_true",
        expectation="higher",
        pairs=ONLY_LOSS,
        comparisons=_SMOOTHED,
    ),
    Claim(
        id="noisy-part-improves",
        statement="Label smoothing improves accuracy, against the true labels, on the training examples whose"
        " labels are wrong.",
        reference="Section 4.1, Table 3",
        recipes=("table3",),
        metric="train_accuracy_noisy_true",
        expectation="higher",
        pairs=ONLY_LOSS,
        comparisons=_SMOOTHED,
    ),
    Claim(
        id="noise-fitted-less",
        statement="Label smoothing reduces the fit to the wrong labels.",
        reference="Section 4.1, Table 3",
        recipes=("table3",),
        metric="train_accuracy_noisy_given",
        expectation="lower",
        pairs=ONLY_LOSS,
        comparisons=_SMOOTHED,
    ),
    Claim(
        id="small-alpha-calibrates",
        statement=f"Label smoothing with small α (α ≤ {CALIBRATING:g}) lowers the expected calibration error.",
        reference="Section 4.1, Table 4",
        recipes=("table4",),
        metric="test_ece_100",
        expectation="lower",
        pairs=ONLY_LOSS,
        comparisons=Contrast(STANDARD, SMOOTHING, where=lambda a: _at_most(CALIBRATING, a)),
    ),
    Claim(
        id="large-alpha-miscalibrates",
        statement=f"Label smoothing with larger α (α ≥ {WORSENING:g}) raises the expected calibration error.",
        reference="Section 4.1, Table 4",
        recipes=("table4",),
        metric="test_ece_100",
        expectation="higher",
        pairs=ONLY_LOSS,
        comparisons=Contrast(STANDARD, SMOOTHING, where=lambda a: a.compared >= WORSENING - _SLACK),
    ),
    _miscalibrates("forward-miscalibrates", FORWARD),
    _miscalibrates("backward-miscalibrates", BACKWARD),
    _miscalibrates_more("forward-miscalibrates-more", FORWARD),
    _miscalibrates_more("backward-miscalibrates-more", BACKWARD),
    Claim(
        id="smoothed-teacher-helps",
        statement="Label smoothing on the teacher improves the student's test accuracy.",
        reference="Section 5, Table 5, Figure 6",
        recipes=("table5", "figure6"),
        metric="test_accuracy",
        expectation="higher",
        pairs=ONLY_TEACHER,
        comparisons=Contrast(STANDARD, SMOOTHING, part="teacher", students=True),
    ),
    Claim(
        id="corrected-teacher-helps",
        statement="Forward correction on the teacher improves the student's test accuracy.",
        reference="Section 5, Table 5",
        recipes=("table5",),
        metric="test_accuracy",
        expectation="higher",
        pairs=ONLY_TEACHER,
        comparisons=Contrast(STANDARD, FORWARD, part="teacher", students=True),
    ),
    _student_does_not_gain("smoothed-student-does-not-gain", SMOOTHING),
    _student_does_not_gain("corrected-student-does-not-gain", FORWARD),
    Claim(
        id="smoothing-restores-separator",
        statement="On the linear problem, label smoothing brings the separator closer to the Bayes-optimal one.",
        reference="Section 4.2, Figure 5(a)",
        recipes=(),
        metric="distance",
        quantity=QUANTITY,
        expectation="lower",
        pairs="the same sample with the next larger α",
        comparisons=smoothing_moves_back,
    ),
    Claim(
        id="shrinkage-restores-separator",
        statement="On the linear problem, more L2 shrinkage does what label smoothing does: it brings the separator"
        " closer to the Bayes-optimal one.",
        reference="Section 4.2, Figure 5(b), Theorem 1",
        recipes=(),
        metric="distance",
        quantity=QUANTITY,
        expectation="lower",
        pairs="the same sample with the next larger penalty",
        comparisons=shrinkage_moves_back,
    ),
    Claim(
        id="backward-small-alpha-hurts",
        statement="Backward correction with small α (α ≤ ρ) has lower test accuracy than standard training.",
        reference="Section 4.1, Figure 2",
        recipes=("figure2", "table7"),
        metric="test_accuracy",
        expectation="lower",
        pairs=ONLY_LOSS,
        comparisons=Contrast(STANDARD, BACKWARD, where=lambda a: a.at_most_rate(a.compared)),
    ),
    Claim(
        id="backward-large-alpha-helps",
        statement="Backward correction with large α (α ≥ 2ρ) has higher test accuracy than standard training.",
        reference="Section 4.1, Figure 2",
        recipes=("figure2",),
        metric="test_accuracy",
        expectation="higher",
        pairs=ONLY_LOSS,
        comparisons=Contrast(STANDARD, BACKWARD, where=lambda a: a.well_above_rate(a.compared)),
    ),
)
