"""The conformance suite of estimators of the transition matrix.

::

    class TestVolume(EstimatorSuite):
        component = "volume"
        tolerance = 0.02  # optional

Beside what :mod:`lsncli.testing.suite` tells, class attributes: ``num_examples``, and ``tolerance``, how far the
estimate may be from a known matrix, in each entry, where the predictions are right (see
:meth:`EstimatorSuite.predictions`).
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from lsncli.components import EstimatorContext
from lsncli.errors import LsnError
from lsncli.testing.expectations import expect, expect_close, expect_finite, skip
from lsncli.testing.random_state import untouched_random_state
from lsncli.testing.suite import ComponentSuite
from lsncli.testing.variants import Variant


class EstimatorSuite(ComponentSuite):
    """Subclass it with ``component``; see this module's and :mod:`lsncli.testing.suite`'s docstrings."""

    kind = "estimator"
    num_examples: ClassVar[int] = 4000
    tolerance: ClassVar[float] = 1e-3

    # -- what the checks are made of -------------------------------------------------------------------

    def true_transition(self) -> npt.NDArray[np.float64]:
        """The matrix T ``[L, L]`` to be found: 0.7 I + 0.2 (next class) + 0.1/L J."""
        identity = np.eye(self.num_classes)
        matrix: npt.NDArray[np.float64] = 0.7 * identity + 0.2 * np.roll(identity, 1, axis=1) + 0.1 / len(identity)
        return matrix

    def predictions(self) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
        """Right probabilities of the noisy labels ``[N, L]``, and noisy labels ``[N]`` in these very shares.

        Every example belongs to its class but for a share of at most 10⁻⁴, so that each class has anchors of
        all degrees; of a class's labels as many are noisy as T says, rounded.
        """
        matrix = self.true_transition()
        classes = np.arange(self.num_examples) % self.num_classes
        generator = np.random.default_rng(20200306)
        doubt = 1e-4 * generator.random(self.num_examples)[:, None]
        posterior = (1 - doubt) * np.eye(self.num_classes)[classes] + doubt / self.num_classes
        labels = np.empty(self.num_examples, dtype=np.int64)
        for label in range(self.num_classes):
            members = generator.permutation(np.flatnonzero(classes == label))
            edges = np.rint(np.cumsum(matrix[label]) * len(members)).astype(int)
            labels[members] = np.searchsorted(edges, np.arange(len(members)), side="right")
        return posterior @ matrix, labels

    def prelogits(self) -> npt.NDArray[np.float32]:
        """Pre-logits ``[N, D]`` of the examples of :meth:`predictions`: a direction of its own for each class.

        The examples of a class lie around it with a standard deviation of a tenth in each of 8 further dimensions.
        """
        classes = np.arange(self.num_examples) % self.num_classes
        around = np.random.default_rng(20210718).normal(0, 0.1, (self.num_examples, self.num_classes + 8))
        around[np.arange(self.num_examples), classes] += 1
        return around.astype(np.float32)

    def build(self, variant: Variant) -> Any:
        """A new estimator."""
        return self.info.build(self.params(variant), EstimatorContext(self.num_classes, self.true_transition()))

    def asked(
        self, estimator: Any, probabilities: npt.NDArray[np.float64], labels: npt.NDArray[np.int64]
    ) -> npt.NDArray[np.float64]:
        """The estimate from what it needs: the probabilities only where it says so, and the pre-logits likewise."""
        reads = self.info.reads_run
        more = {"prelogits": self.prelogits()} if "prelogits" in self.info.needs else {}
        found: npt.NDArray[np.float64] = estimator(probabilities if reads else None, labels, **more)
        return found

    def estimate(self, variant: Variant) -> npt.NDArray[np.float64]:
        """Its estimate from :meth:`predictions` and :meth:`prelogits`, as far as it needs them."""
        found = self.asked(self.build(variant), *self.predictions())
        expect(isinstance(found, np.ndarray), f"the estimate is of type {type(found).__name__}, not a numpy array")
        matrix: npt.NDArray[np.float64] = found
        return matrix

    # -- checks ----------------------------------------------------------------------------------------

    def test_row_stochastic(self, variant: Variant) -> None:
        """A float64 matrix ``[L, L]`` of probabilities whose rows sum to one."""
        matrix = self.estimate(variant)
        expect(
            matrix.dtype == np.float64 and matrix.shape == (self.num_classes, self.num_classes),
            f"the estimate is {matrix.dtype} of shape {list(matrix.shape)}:"
            f" float64 {[self.num_classes, self.num_classes]} is wanted",
        )
        expect_finite(matrix, "the estimate")
        expect(bool((matrix >= 0).all() and (matrix <= 1).all()), "an entry of the estimate is no probability")
        expect_close(matrix.sum(axis=1), np.ones(self.num_classes), "sums of the estimate's rows", atol=1e-6)

    def test_known_transition(self, variant: Variant) -> None:
        """Where the predictions are right, the estimate is the known matrix (within ``tolerance``)."""
        expect_close(self.estimate(variant), self.true_transition(), "estimate and known T", atol=self.tolerance)

    def test_without_the_true_matrix(self, variant: Variant) -> None:
        """Where the noise model has no matrix the estimate is the same, or an LsnError says that it needs one."""
        try:
            untold = self.info.build(self.params(variant), EstimatorContext(self.num_classes, None))
            found = self.asked(untold, *self.predictions())
        except LsnError as needs:
            skip(f"it needs the noise model's own matrix, and says so: {needs.what}")
        expect_close(found, self.estimate(variant), "estimates without the true matrix and with it")

    def test_determinism(self, variant: Variant) -> None:
        """The same predictions give the same estimate."""
        expect_close(self.estimate(variant), self.estimate(variant), "two estimates from the same predictions")

    def test_global_random_state(self, variant: Variant) -> None:
        """The generators of ``random``, numpy and torch that all the process shares are not used."""
        with untouched_random_state("the estimator"):
            self.estimate(variant)

    def test_arguments_stay(self, variant: Variant) -> None:
        """Predictions and labels may be read-only, and the estimate is no view of them."""
        probabilities, labels = self.predictions()
        probabilities.flags.writeable = labels.flags.writeable = False
        found = self.asked(self.build(variant), probabilities, labels)
        expect(not np.shares_memory(found, probabilities), "the estimate is the predictions' own memory")

    def test_no_aliasing(self, variant: Variant) -> None:
        """An estimate that its user changes changes no later one, nor the noise model's matrix."""
        truth = self.true_transition()
        estimator = self.info.build(self.params(variant), EstimatorContext(self.num_classes, truth))
        probabilities, labels = self.predictions()
        first = self.asked(estimator, probabilities, labels)
        kept = first.copy()
        first[:] = 0
        expect_close(truth, self.true_transition(), "the noise model's matrix after the estimate was changed")
        again = self.asked(estimator, probabilities, labels)
        expect_close(again, kept, "a second estimate after the first was changed")
