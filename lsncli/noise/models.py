"""The noise models. None reads anything random but the generator it is given."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lsncli.errors import LsnError
from lsncli.losses.matrices import alpha_of_rate, symmetric_transition
from lsncli.noise.draws import checked_labels, exact_draws, independent_draws, selected
from lsncli.noise.interface import Labels, Matrix

Features = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class NoNoise:
    """Leaves every label as it is; T = I."""

    def apply(
        self,
        labels: Labels,
        num_classes: int,
        generator: np.random.Generator,
        features: Features | None = None,
    ) -> Labels:
        """A copy of the labels; nothing is drawn."""
        return checked_labels(labels, num_classes).copy()

    def transition(self, num_classes: int) -> Matrix:
        """The identity ``[L, L]``."""
        return np.eye(num_classes)


@dataclass(frozen=True, slots=True)
class SymmetricNoise:
    """With probability ``rate`` (ρ) a label becomes one of the *other* L−1 classes.

    Equation 3 of Lukasik et al. (2020), as in Patrini et al. (2017). exact: exactly round(ρN) labels flip.
    """

    rate: float
    exact: bool = False

    def apply(
        self,
        labels: Labels,
        num_classes: int,
        generator: np.random.Generator,
        features: Features | None = None,
    ) -> Labels:
        """Noisy labels ``[N]``."""
        labels = checked_labels(labels, num_classes)
        hit = selected(len(labels), self.rate, generator, exact=self.exact)
        steps = generator.integers(1, num_classes, len(labels))
        return np.where(hit, (labels + steps) % num_classes, labels)

    def transition(self, num_classes: int) -> Matrix:
        """T = (1 − α) I + (α/L) J with α = L/(L−1) · ρ, ``[L, L]``."""
        return symmetric_transition(num_classes, alpha_of_rate(self.rate, num_classes))


@dataclass(frozen=True, slots=True)
class UniformNoise:
    """With probability ``rate`` a label is drawn anew from *all* L classes: it changes with ρ(1 − 1/L).

    The wording of Lukasik et al. (2020), §4.1, and the noise of DivideMix and ELR. exact: exactly
    round(ρN) labels are drawn anew (as DivideMix does), of which some come out as they were.
    """

    rate: float
    exact: bool = False

    def apply(
        self,
        labels: Labels,
        num_classes: int,
        generator: np.random.Generator,
        features: Features | None = None,
    ) -> Labels:
        """Noisy labels ``[N]``."""
        labels = checked_labels(labels, num_classes)
        hit = selected(len(labels), self.rate, generator, exact=self.exact)
        return np.where(hit, generator.integers(0, num_classes, len(labels)), labels)

    def transition(self, num_classes: int) -> Matrix:
        """T = (1 − ρ) I + (ρ/L) J, ``[L, L]``."""
        return symmetric_transition(num_classes, self.rate)


@dataclass(frozen=True, eq=False, slots=True)
class ClassConditionalNoise:
    """A label of class i becomes j with probability T[i, j], for any row-stochastic T.

    Pair and asymmetric noise are this with a sparse T. All labels are drawn from the *true* ones at once,
    so that a label that came to class j is not moved on from there. exact: of the n_i labels of class i,
    n_i T[i, j] become j, rounded by largest remainders.
    """

    matrix: Matrix
    exact: bool = False

    def apply(
        self,
        labels: Labels,
        num_classes: int,
        generator: np.random.Generator,
        features: Features | None = None,
    ) -> Labels:
        """Noisy labels ``[N]``; raises LsnError if T is not for ``num_classes`` classes."""
        draw = exact_draws if self.exact else independent_draws
        return draw(checked_labels(labels, num_classes), self.transition(num_classes), generator)

    def transition(self, num_classes: int) -> Matrix:
        """A copy of T, ``[L, L]``; raises LsnError if it is not for ``num_classes`` classes."""
        if len(self.matrix) != num_classes:
            raise LsnError(f"the noise is made for {len(self.matrix)} classes, but the data has {num_classes}")
        return self.matrix.copy()


def mapped_transition(pairs: dict[int, int], rate: float, num_classes: int) -> Matrix:
    """T of noise that moves class i to ``pairs[i]`` with probability ``rate``, and no other class."""
    matrix = np.eye(num_classes)
    for source, target in pairs.items():
        matrix[source, source] = 1 - rate
        matrix[source, target] = rate
    return matrix


def next_class(num_classes: int) -> dict[int, int]:
    """The map of pair noise: i to i + 1, and the last class to class 0."""
    return {i: (i + 1) % num_classes for i in range(num_classes)}
