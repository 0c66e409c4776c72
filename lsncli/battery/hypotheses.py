"""What the battery asks of a loss, in the manner of the paper's claims: paired over seeds, each with a verdict."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from itertools import product

from lsncli.plan import ComponentSpec, RunSpec
from lsncli.report.claims.catalogue import MARGIN, ONLY_LOSS, ONLY_TEACHER
from lsncli.report.claims.claim import Claim, Comparison
from lsncli.report.claims.contrasts import comparison_of, loss_of
from lsncli.report.claims.evidence import Evidence
from lsncli.report.claims.pairing import Arm, Part, settings
from lsncli.report.claims.terms import BACKWARD, FORWARD, SMOOTHING, STANDARD
from lsncli.report.claims.verdicts import Expectation

Losses = Collection[str]

#: The paper's methods: in an id, in a sentence, and as a loss.
_METHODS = (
    ("smoothing", "label smoothing", SMOOTHING),
    ("forward", "forward correction", FORWARD),
    ("backward", "backward correction", BACKWARD),
)


def identity(loss: ComponentSpec) -> str:
    """One loss with its parameters, told apart from all others."""
    return loss.model_dump_json()


@dataclass(frozen=True, slots=True)
class Against:
    """Compares a candidate with the losses of one name, at equal data, noise, training and seed.

    label: of the candidate. own: its :func:`identity`, in all spellings. candidates: those of every candidate,
    which none is compared with. reference: the name. part: whose loss it is, the run's own or its teacher's.
    noisy: whether with label noise or without.
    """

    label: str
    own: Losses
    candidates: Losses
    reference: str
    part: Part = "loss"
    noisy: bool = True

    def __call__(self, evidence: Evidence) -> list[Comparison]:
        """The settings among the runs of ``evidence``."""
        fitting = [arm for arm in evidence.arms if self._fits(arm.spec, evidence)]
        return [
            self._called(comparison_of(reference, compared, self.part, evidence))
            for together in settings(fitting, self.part).values()
            for reference, compared in product(together, together)
            if self._compares(reference, compared)
        ]

    def _called(self, comparison: Comparison) -> Comparison:
        """By the name that the candidate has in the tables."""
        return replace(comparison, compared=f"teacher: {self.label}" if self.part == "teacher" else self.label)

    def _fits(self, spec: RunSpec, evidence: Evidence) -> bool:
        noisy = evidence.terms.rate(spec) != 0
        return noisy == self.noisy and (spec.teacher is not None) == (self.part == "teacher")

    def _compares(self, reference: Arm, compared: Arm) -> bool:
        first, second = loss_of(reference.spec, self.part), loss_of(compared.spec, self.part)
        known = identity(first) in self.candidates
        return not known and first.name == self.reference and identity(second) in self.own


def hypotheses(
    name: str, losses: Mapping[str, Losses], noisy: Collection[bool] = (True, False)
) -> tuple[Claim, ...]:
    """The hypotheses on the loss ``name``.

    losses: what it is called with each choice of parameters, and what it is then (see :func:`identity`). Each has
    hypotheses of its own: what holds with one choice would else speak for all of them. noisy: whether there are
    runs with label noise (True) and without (False); what is about the others is not asked.
    """
    every = frozenset[str]().union(*losses.values())
    several = len(losses) > 1
    each = [
        _of_one(label, own, every, label.removeprefix(name) if several else "") for label, own in losses.items()
    ]
    asked = (claim for alike in zip(*each, strict=True) for claim in alike)
    return tuple(c for c in asked if not isinstance(c.comparisons, Against) or c.comparisons.noisy in noisy)


def _of_one(label: str, own: Losses, every: Losses, told: str) -> tuple[Claim, ...]:
    """Of one choice of parameters, which ``told`` says where there are several."""

    def ask(
        id: str,
        part: str,
        statement: str,
        metric: str,
        expectation: Expectation,
        comparisons: Callable[[Evidence], list[Comparison]],
        reference: str,
    ) -> Claim:
        return Claim(
            id=f"{id}{told}",
            statement=f"{label} {statement}",
            reference=f"as {reference}",
            recipes=(part,),
            metric=metric,
            expectation=expectation,
            margin=MARGIN if expectation == "not-worse" else None,
            pairs=ONLY_TEACHER if part == "distillation" else ONLY_LOSS,
            comparisons=comparisons,
            every=True,
        )

    def against(reference: str, part: Part = "loss", noisy: bool = True) -> Against:
        return Against(label, own, every, reference, part, noisy)

    figure, table3, table4, table5 = "Figure 2 and Table 7", "Table 3", "Table 4", "Table 5"
    accuracy, ece = "test_accuracy", "test_ece_100"
    point = f"{MARGIN:g} percentage point"
    return (
        ask(
            "denoises",
            "accuracy",
            "improves clean test accuracy under label noise over standard training.",
            accuracy,
            "higher",
            against(STANDARD),
            figure,
        ),
        *(
            ask(
                f"beats-{short}",
                "accuracy",
                f"has higher test accuracy under label noise than {method} of every α tried.",
                accuracy,
                "higher",
                against(loss),
                figure,
            )
            for short, method, loss in _METHODS
        ),
        ask(
            "competitive-with-forward",
            "accuracy",
            f"trails forward correction of every α tried by less than {point} of test accuracy under label noise.",
            accuracy,
            "not-worse",
            against(FORWARD),
            figure,
        ),
        ask(
            "harmless-without-noise",
            "accuracy",
            f"trails standard training by less than {point} of test accuracy where no label is wrong.",
            accuracy,
            "not-worse",
            against(STANDARD, noisy=False),
            figure,
        ),
        ask(
            "clean-part-improves",
            "denoising",
            "improves accuracy on the training examples whose labels are right over standard training.",
            "train_accuracy_clean_true",
            "higher",
            against(STANDARD),
            table3,
        ),
        ask(
            "noisy-part-improves",
            "denoising",
            "improves accuracy, against the true labels, on the training examples whose labels are wrong.",
            "train_accuracy_noisy_true",
            "higher",
            against(STANDARD),
            table3,
        ),
        ask(
            "noise-fitted-less",
            "denoising",
            "reduces the fit to the wrong labels against standard training.",
            "train_accuracy_noisy_given",
            "lower",
            against(STANDARD),
            table3,
        ),
        ask(
            "calibrates",
            "calibration",
            "lowers the expected calibration error against standard training.",
            ece,
            "lower",
            against(STANDARD),
            table4,
        ),
        *(
            ask(
                f"calibrates-better-than-{short}",
                "calibration",
                f"has a lower expected calibration error than {method} of every α tried.",
                ece,
                "lower",
                against(loss),
                table4,
            )
            for short, method, loss in _METHODS
        ),
        ask(
            "teaches",
            "distillation",
            "on the teacher improves the student's test accuracy.",
            accuracy,
            "higher",
            against(STANDARD, "teacher"),
            table5,
        ),
        ask(
            "teaches-better-than-smoothing",
            "distillation",
            "on the teacher gives a better student than label smoothing there.",
            accuracy,
            "higher",
            against(SMOOTHING, "teacher"),
            table5,
        ),
        ask(
            "teaches-better-than-forward",
            "distillation",
            "on the teacher gives a better student than forward correction there.",
            accuracy,
            "higher",
            against(FORWARD, "teacher"),
            table5,
        ),
    )
