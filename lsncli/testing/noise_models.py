"""The conformance suite of noise models.

::

    class TestAnnotators(NoiseModelSuite):
        component = "annotators"
        variants = [{"rate": 0.3}]  # optional where the parameters' model has examples

Beside what :mod:`lsncli.testing.suite` tells: a model whose noise depends on the instance says
``NoiseModelInfo(…, has_transition=False)`` and returns None as its matrix; one that looks at the images says
``needs=frozenset({"features"})``; one whose labels are given, by people or in a file, and not drawn has
``exempt = {"seed": "the labels are given, not drawn"}``. Class attributes: ``num_examples``. Override ``labels``,
``features`` and ``context`` where the model is for certain data only.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from lsncli.components import NoiseContext
from lsncli.testing.expectations import expect, expect_close, skip
from lsncli.testing.goodness import fit
from lsncli.testing.random_state import untouched_random_state
from lsncli.testing.suite import ComponentSuite
from lsncli.testing.variants import Variant

#: A right model is found wrong with about this probability at most, however rare its flips are; the seeds are
#: fixed, so that the verdict never changes.
SIGNIFICANCE = 1e-6


class NoiseModelSuite(ComponentSuite):
    """Subclass it with ``component``; see this module's and :mod:`lsncli.testing.suite`'s docstrings."""

    kind = "noise model"
    num_examples: ClassVar[int] = 20_000

    # -- what the checks are made of -------------------------------------------------------------------

    def labels(self) -> npt.NDArray[np.int64]:
        """True labels ``[N]``, some classes more frequent than others."""
        shares = np.arange(1, self.num_classes + 1) / np.arange(1, self.num_classes + 1).sum()
        generator = np.random.default_rng(20200306)
        return generator.choice(self.num_classes, self.num_examples, p=shares).astype(np.int64)

    def features(self) -> npt.NDArray[np.uint8]:
        """Images ``[N, H, W, C]``; random ones."""
        shape = (len(self.labels()), 4, 4, 1)
        return np.random.default_rng(1).integers(0, 256, shape, dtype=np.uint8)

    def context(self) -> NoiseContext:
        """What the model is told when it is built."""
        return NoiseContext("conformance", self.num_classes, tuple(f"class-{i}" for i in range(self.num_classes)))

    def build(self, variant: Variant) -> Any:
        """A new noise model."""
        return self.info.build(self.params(variant), self.context())

    def noisy(self, variant: Variant, seed: int = 7, labels: npt.NDArray[np.int64] | None = None) -> Any:
        """What ``apply`` of a new model returns."""
        given = self.labels() if labels is None else labels
        return self.build(variant).apply(
            given, self.num_classes, np.random.default_rng(seed), features=self.features()[: len(given)]
        )

    # -- checks ----------------------------------------------------------------------------------------

    def test_noisy_labels(self, variant: Variant) -> None:
        """One int64 label for each example, of a class that exists; the true labels stay as they are."""
        labels = self.labels()
        before = labels.copy()
        noisy = self.noisy(variant, labels=labels)
        expect(isinstance(noisy, np.ndarray), f"apply returns {type(noisy).__name__}, not a numpy array")
        expect(
            noisy.dtype == np.int64 and noisy.shape == labels.shape,
            f"apply returns {noisy.dtype} of shape {list(noisy.shape)}: int64 {list(labels.shape)} is wanted",
        )
        expect(
            noisy.min() >= 0 and noisy.max() < self.num_classes,
            f"noisy labels lie between {noisy.min()} and {noisy.max()}: there are {self.num_classes} classes",
        )
        expect_close(labels, before, "the true labels after the call")
        expect(not np.shares_memory(noisy, labels), "the noisy labels are the true labels' own memory")

    def test_read_only_labels(self, variant: Variant) -> None:
        """Labels that lie in a file on disk cannot be written to."""
        labels = self.labels()
        labels.flags.writeable = False
        self.noisy(variant, labels=labels)

    def test_determinism(self, variant: Variant) -> None:
        """Generators of one seed give the same labels; the generator is the only source of randomness."""
        expect_close(self.noisy(variant, seed=3), self.noisy(variant, seed=3), "labels of two equal generators")

    def test_seed(self, variant: Variant) -> None:
        """Another seed gives other labels, where there is noise at all (a model of given labels is exempt)."""
        first = self.noisy(variant, seed=3)
        if np.array_equal(first, self.labels()):
            skip("there is no noise")
        expect(
            not np.array_equal(first, self.noisy(variant, seed=4)),
            "two seeds give the same labels: the generator is not used (a model whose labels are given, not drawn,"
            " has a suite that is exempt from this check)",
        )

    def test_global_random_state(self, variant: Variant) -> None:
        """The generators of ``random``, numpy and torch that all the process shares are not used."""
        with untouched_random_state("the noise model"):
            self.noisy(variant)

    def test_transition(self, variant: Variant) -> None:
        """A row-stochastic float64 matrix, and a copy; None where the record says that there is none."""
        model = self.build(variant)
        matrix = model.transition(self.num_classes)
        if not self.info.has_transition:
            expect(matrix is None, "the record says has_transition=False, but there is a matrix")
            skip("no transition matrix")
        expect(matrix is not None, "the record says has_transition=True, but transition() returns None")
        expect(
            isinstance(matrix, np.ndarray) and matrix.dtype == np.float64,
            f"transition() returns {getattr(matrix, 'dtype', type(matrix).__name__)}, not a float64 array",
        )
        expect(
            matrix.shape == (self.num_classes, self.num_classes),
            f"transition() has shape {list(matrix.shape)} for {self.num_classes} classes",
        )
        expect(bool((matrix >= 0).all()), f"transition() has a negative entry, {matrix.min():g}")
        expect_close(matrix.sum(axis=1), np.ones(self.num_classes), "sums of the matrix's rows", atol=1e-12)
        kept = matrix.copy()
        matrix[:] = 0
        expect_close(model.transition(self.num_classes), kept, "the matrix after the caller changed it")

    def test_transition_is_what_happens(self, variant: Variant) -> None:
        """Labels become others as often as the matrix says (by a χ² test), and never where it is 0."""
        self._compare_with_transition(variant, np.arange(len(self.labels())))

    def test_transition_of_sorted_labels(self, variant: Variant) -> None:
        """The same where the data come class by class: which labels change depends on no example's place."""
        self._compare_with_transition(variant, np.argsort(self.labels(), kind="stable"))

    def _compare_with_transition(self, variant: Variant, order: npt.NDArray[np.intp]) -> None:
        model = self.build(variant)
        matrix = model.transition(self.num_classes)
        if matrix is None:
            skip("no transition matrix")
        labels = self.labels()[order]
        noisy = model.apply(labels, self.num_classes, np.random.default_rng(7), features=self.features()[order])
        counts = np.zeros_like(matrix)
        np.add.at(counts, (labels, noisy), 1)
        impossible = np.argwhere((matrix == 0) & (counts > 0))
        if len(impossible):
            i, j = impossible[0]
            raise AssertionError(f"{counts[i, j]:g} labels {i} became {j}, whose probability is 0")
        found = fit(counts, matrix)
        expected = counts.sum(axis=1, keepdims=True) * matrix
        i, j = np.unravel_index(int(np.argmax(np.abs(counts - expected))), matrix.shape)
        expect(
            found.probability > SIGNIFICANCE,
            f"labels do not change as the matrix says (χ² = {found.statistic:.1f} with {found.freedom} degrees of"
            f" freedom, p = {found.probability:.1e}): of the labels {i}, {counts[i, j]:g} became {j} where"
            f" {expected[i, j]:.1f} were expected",
        )
