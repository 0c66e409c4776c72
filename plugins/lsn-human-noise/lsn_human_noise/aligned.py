"""Noisy labels that exist already, one for each example of a whole training set, in its order."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from lsncli import LsnError, NoiseContext

Labels = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False, slots=True)
class AlignedNoise:
    """A noise model that draws nothing: example i gets ``noisy[i]``.

    noisy: ``[M]`` for the M examples of the whole training set. clean: the true labels ``[M]`` that came with
    them, None where none did. source: the file, for messages. dataset: the data set's name. positions: where the
    run's examples stand in the whole set, None for all in their order. total: how many examples the whole set has.
    """

    noisy: Labels
    clean: Labels | None
    source: str
    dataset: str
    positions: Labels | None = None
    total: int | None = None

    @classmethod
    def of(cls, noisy: Labels, clean: Labels | None, source: str, context: NoiseContext) -> AlignedNoise:
        """The model for the examples that ``context`` tells of."""
        return cls(noisy, clean, source, context.dataset, context.positions, context.total)

    def apply(
        self,
        labels: Labels,
        num_classes: int,
        generator: np.random.Generator,
        features: npt.NDArray[np.uint8] | None = None,
    ) -> Labels:
        """The noisy labels ``[N]`` of the examples.

        Raises LsnError where they are not as many as the examples, where the true labels that came with them are
        not the data set's (another order, most likely), or where one is outside 0 … L−1.
        """
        positions = self._positions(len(labels))
        if self.clean is not None:
            self._compare(self.clean[positions], np.asarray(labels))
        chosen: Labels = self.noisy[positions].astype(np.int64)
        if len(chosen) and (chosen.min() < 0 or chosen.max() >= num_classes):
            raise LsnError(
                f"{self.source} has labels from {chosen.min()} to {chosen.max()}", valid=f"0 to {num_classes - 1}"
            )
        return chosen

    def transition(self, num_classes: int) -> None:
        """None: the labels are given, and nobody knows by which law; the counts of a run are stored with it."""

    def _positions(self, count: int) -> Labels:
        whole = count if self.positions is None else self.total
        if whole is not None and whole != len(self.noisy):
            raise LsnError(
                f"{self.source} has labels for {len(self.noisy)} examples, but data set {self.dataset!r} has"
                f" {whole} training examples",
                next="use the data set that the labels were made for; data.train_size takes a part of it",
            )
        if self.positions is None:
            return np.arange(count)
        if len(self.positions) != count or (count and self.positions.max() >= len(self.noisy)):
            raise LsnError(
                f"{self.source} has labels for {len(self.noisy)} examples, but data set {self.dataset!r} has more"
            )
        return self.positions

    def _compare(self, theirs: Labels, ours: Labels) -> None:
        different = np.flatnonzero(theirs != ours)
        if len(different):
            first = different[0]
            raise LsnError(
                f"the true labels in {self.source} are not those of data set {self.dataset!r}: {len(different)} of"
                f" {len(ours)} differ, first those of training example {first} ({theirs[first]} in the file,"
                f" {ours[first]} in the data)",
                next="the noisy labels belong to other images, or to these in another order: use the data set"
                " that they were made for, with its examples in their original order",
            )
