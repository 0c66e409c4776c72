"""Table 1: the smearing matrices for a number of classes and an α, and what each does to class probabilities."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from lsncli.errors import LsnError, UnknownNameError
from lsncli.losses.matrices import (
    alpha_of_rate,
    rate_of_alpha,
    symmetric_backward,
    symmetric_transition,
)
from lsncli.report.listing import Column, Listing, computed_cell

Array = npt.NDArray[np.float64]

#: Up to so many classes the matrices are written out.
WRITTEN_OUT = 3
DEFAULT_CLASSES, MAX_CLASSES = 10, 2000
DEFAULT_ALPHA = 0.1
#: Random distributions p* on which every matrix is tried, the same each time.
TRIALS = 1000
SEED = 0
_BELOW_LIMIT = "below (L-1)/L, where no label says anything"

SOURCE = (
    "M. Lukasik, S. Bhojanapalli, A. K. Menon, S. Kumar: Does label smoothing mitigate label noise? (ICML 2020),"
    " Table 1, section 3; https://arxiv.org/abs/2003.02819"
)


@dataclass(frozen=True, slots=True)
class Setting:
    """What the matrices are computed for. α = L/(L−1) · ρ, where ρ is the flip rate of symmetric noise."""

    classes: int = DEFAULT_CLASSES
    alpha: float = DEFAULT_ALPHA

    @property
    def rate(self) -> float:
        """ρ."""
        return rate_of_alpha(self.alpha, self.classes)


@dataclass(frozen=True, slots=True)
class Smearing:
    """A row of the table: the matrix M, and what fitting to the smeared distribution should give.

    applied_to: the distributions that the labels come from, ``[N, L]``, given p*. expected: Mᵀ times these.
    """

    method: str
    loss: str
    symbols: str
    effect: str
    matrix: Array
    applied_to: Callable[[Array], Array]
    expected: Callable[[Array], Array]

    def deviation(self, clean: Array) -> float:
        """The largest difference between Mᵀ times the labels' distribution and what is expected."""
        return float(np.abs(self.fitted(clean) - self.expected(clean)).max())

    def kept(self, clean: Array) -> int:
        """For how many distributions the most probable label of p* stays the most probable one."""
        return int((self.fitted(clean).argmax(axis=1) == clean.argmax(axis=1)).sum())

    def fitted(self, clean: Array) -> Array:
        """Mᵀ times each labels' distribution (§3.3), ``[N, L]``; distributions are rows here."""
        return self.applied_to(clean) @ self.matrix


def setting_of(settings: Iterable[tuple[str, Any]]) -> Setting:
    """The setting that ``--set`` asks for: ``classes``, and ``alpha`` or else ``rate``.

    Raises :class:`LsnError` for another key, or a value that is not possible.
    """
    given: dict[str, Any] = {}
    for key, value in settings:
        if key not in ("classes", "alpha", "rate"):
            raise UnknownNameError.of("setting of table 1", key, ("classes", "alpha", "rate"), where=f"--set {key}")
        given[key] = value
    classes = given.get("classes", DEFAULT_CLASSES)
    if isinstance(classes, bool) or not isinstance(classes, int) or not 2 <= classes <= MAX_CLASSES:
        raise LsnError(
            f"classes = {classes!r} is not a number of classes",
            where="--set classes",
            valid=f"a whole number from 2 to {MAX_CLASSES}",
        )
    if "alpha" in given and "rate" in given:
        raise LsnError(
            "alpha and rate say the same thing twice",
            where="--set",
            next="leave one of the two out: alpha = L/(L-1) · rate",
        )
    if "rate" in given:
        rate = _number("rate", given["rate"], (classes - 1) / classes, _BELOW_LIMIT)
        alpha = alpha_of_rate(rate, classes)
        if alpha >= 1:
            raise _impossible("rate", rate, _BELOW_LIMIT, ": its α = L/(L-1) · rate is 1 but for rounding")
        return Setting(classes, alpha)
    return Setting(classes, _number("alpha", given.get("alpha", DEFAULT_ALPHA), 1.0, "below 1"))


def smearing_table(setting: Setting) -> Listing:
    """Table 1 for ``setting``, each matrix with a numeric check of what the paper says of it."""
    clean = np.random.default_rng(SEED).dirichlet(np.full(setting.classes, 0.5), TRIALS)
    methods = smearings(setting)
    written = setting.classes <= WRITTEN_OUT
    rows, cells, extra = [], [], []
    for method in methods:
        diagonal, other = float(method.matrix[0, 0]), float(method.matrix[0, 1])
        deviation, kept = method.deviation(clean), method.kept(clean)
        shown = (_written(method.matrix),) if written else (diagonal, other)
        rows.append((method.method, method.symbols, *shown, method.effect, deviation, f"{kept}/{TRIALS}"))
        row = {"loss.name": method.loss, "loss.alpha": setting.alpha}
        cells += [
            computed_cell(row, {"entry": "diagonal"}, "smearing_matrix", diagonal),
            computed_cell(row, {"entry": "off-diagonal"}, "smearing_matrix", other),
            computed_cell(row, {"check": "effect"}, "largest_deviation", deviation),
            computed_cell(row, {"check": "argmax"}, "preserved_fraction", kept / TRIALS),
        ]
        extra.append(
            {
                "method": method.method,
                "loss": method.loss,
                "symbols": method.symbols,
                "diagonal": diagonal,
                "off_diagonal": other,
                "matrix": method.matrix.tolist() if written else None,
                "effect": method.effect,
                "largest_deviation": deviation,
                "argmax_preserved": kept,
                "trials": TRIALS,
            }
        )
    entries = (Column("M"),) if written else (Column("diagonal", True), Column("elsewhere", True))
    return Listing(
        title="Label smearing methods and their matrices",
        number=1,
        about=f"L = {setting.classes} classes, α = {setting.alpha:g}, which is right for symmetric noise that flips"
        f" a label with probability ρ = {setting.rate:g}.",
        columns=(
            Column("method"),
            Column("smearing matrix M"),
            *entries,
            Column("fits to"),
            Column("deviation", True),
            Column("argmax kept", True),
        ),
        rows=tuple(rows),
        notes=(
            "I: the identity; J: all ones; p*: the clean class probabilities; T: symmetric noise of the same α,"
            " (1 − α)·I + (α/L)·J. The loss of label y is row y of M times the losses of all labels.",
            f"Deviation: the largest difference, over {TRIALS} random p*, between Mᵀ times the labels'"
            " probabilities and what the column before says. Argmax kept: for how many of these the most probable"
            " label of p* stays the most probable one of what is fitted.",
            f"Symbols: {SOURCE}. Entries and checks are computed here.",
        ),
        cells=tuple(cells),
        extra={"classes": setting.classes, "alpha": setting.alpha, "rate": setting.rate, "methods": extra},
    )


def smearings(setting: Setting) -> tuple[Smearing, ...]:
    """The three rows of the paper's table."""
    classes, alpha = setting.classes, setting.alpha
    noise = symmetric_transition(classes, alpha)
    return (
        Smearing("Standard", "standard", "I", "p*", np.eye(classes), lambda p: p, lambda p: p),
        Smearing(
            "Label smoothing",
            "label-smoothing",
            "(1 − α)·I + (α/L)·J",
            "(1 − α)·p* + α/L",
            noise,
            lambda p: p,
            lambda p: (1 - alpha) * p + alpha / classes,
        ),
        Smearing(
            "Backward correction",
            "backward-correction",
            "1/(1 − α)·I − α/((1 − α)·L)·J",
            "p* (labels: Tᵀp*)",
            symmetric_backward(classes, alpha),
            lambda p: p @ noise,
            lambda p: p,
        ),
    )


def _number(name: str, value: Any, limit: float, words: str) -> float:
    usable = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    if not usable or not 0 <= value < limit:
        raise _impossible(name, value, words)
    return float(value)


def _impossible(name: str, value: Any, words: str, why: str = "") -> LsnError:
    return LsnError(
        f"{name} = {value!r} is not possible{why}", where=f"--set {name}", valid=f"a number from 0 to {words}"
    )


def _written(matrix: Array) -> tuple[str, ...]:
    """The matrix row by row, in columns of equal width."""
    texts = [[f"{entry:.3g}".replace("-", "−") for entry in row] for row in matrix]
    width = max(len(text) for row in texts for text in row)
    return tuple("  ".join(text.rjust(width) for text in row) for row in texts)
