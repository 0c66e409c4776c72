"""What ``lsn plugins check`` must be told: how near to the known matrix T each estimator comes, and why.

Its predictions are those of a network that knows the noise exactly, its pre-logits lie in one cluster for each
class, and of a class's labels as many are noisy as T says.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from lsncli.testing import EstimatorSuite, LossSuite


class ConfidentSuite(EstimatorSuite):
    """Every example's class is predicted confidently: what is counted are the shares of T themselves."""

    component = "confident-joint"
    num_examples = 1000
    # Of 250 labels of a class both ends of a share are rounded to whole examples.
    tolerance = 1 / 250


class DualSuite(EstimatorSuite):
    """Exact for a network that is sure of the true class, T♣ = I; see the tests of the closed forms for others."""

    component = "dual-t"
    num_examples = 1000
    tolerance = 1 / 250 + 1e-4

    def predictions(self) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
        """A network that is sure of the true class, to different degrees; the labels of the suite."""
        classes = np.arange(self.num_examples) % self.num_classes
        sure = 1 - 1e-5 * (1 + np.random.default_rng(0).random(self.num_examples))
        posterior = np.full((self.num_examples, self.num_classes), 0.0)
        posterior += ((1 - sure) / (self.num_classes - 1))[:, None]
        posterior[np.arange(self.num_examples), classes] = sure
        return posterior, super().predictions()[1]


class HocSuite(EstimatorSuite):
    """The labels of a class's 1000 examples meet at random: an entry is known to √(0.7·0.3/1000) = 0.0145 at best.

    Five times that are allowed; labels taken as they are would be wrong by 0.275.
    """

    component = "hoc"
    variants = ({"rounds": 2, "steps": 300},)
    tolerance = 5 * 0.0145


class VolumeSuite(EstimatorSuite):
    """Clusters that a linear classifier separates: where it is sure, the likelihood is T's, greatest at the shares.

    λ log |det T| moves these by about λ / 0.5 = 2·10⁻⁴. The classifier's remaining doubt, of some parts in a
    thousand after so few steps, is taken out of T's noise: 0.02 are allowed in all.
    """

    component = "volume-minimisation"
    variants = ({"epochs": 20, "lr": 1.0},)
    num_examples = 1000
    tolerance = 0.02


class RevisionSuite(EstimatorSuite):
    """The anchors' predictions are T to 10⁻⁴; Adam moves the slack by about 5·10⁻⁷ in each of 24 steps."""

    component = "t-revision"
    variants = ({"epochs": 2, "revision_epochs": 3, "revision_lr": 5e-7}, {"revision_epochs": 0})
    num_examples = 1000
    tolerance = 3e-4


class TRevisionSuite(LossSuite):
    """With the gradient through the weights; without it, it is not the derivative of the loss, on purpose."""

    component = "t-revision"
    variants = ({"through_weights": True},)
