"""Instance-dependent noise: which label an image gets depends on its pixels (Xia et al. 2020)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal

import numpy as np
import numpy.typing as npt
from lsncli import LsnError, NoiseContext, Params
from lsncli.data.arrays import channel_statistics
from pydantic import Field

Labels = npt.NDArray[np.int64]
#: Examples whose pixels are made floating-point numbers at once.
CHUNK = 4096


class InstanceDependentParams(Params):
    """Part-dependent label noise."""

    # At 0 labels would flip all the same, 8 % of them: the normal distribution is cut off there, not ended.
    rate: Annotated[float, Field(gt=0, lt=1, strict=True)] = Field(
        description="mean of the normal distribution of flip rates, before it is cut off at 0 and 1", examples=[0.3]
    )
    std: Annotated[float, Field(gt=0, le=1, strict=True)] = Field(
        0.1, description="standard deviation of the flip rates, before they are cut off"
    )
    pixels: Literal["raw", "normalised"] = Field(
        "raw",
        description="raw: 0 to 255, as in the authors' code; normalised: mean 0 and variance 1 in each channel",
        examples=["normalised"],
    )


def build(params: InstanceDependentParams, context: NoiseContext) -> InstanceDependentNoise:
    """The noise model."""
    return InstanceDependentNoise(params.rate, params.std, params.pixels == "normalised")


@dataclass(frozen=True, slots=True)
class InstanceDependentNoise:
    """An example x of class y flips with its own rate q, to class k with probability q · softmax_{k≠y}(xᵀ W_y)_k.

    Xia et al. (2020), algorithm 2: q is normal(rate, std²) cut off at 0 and 1, and each W_y ``[D, L]`` holds
    independent standard normal numbers.
    """

    rate: float
    std: float = 0.1
    normalised: bool = False

    def apply(
        self,
        labels: Labels,
        num_classes: int,
        generator: np.random.Generator,
        features: npt.NDArray[np.uint8] | None = None,
    ) -> Labels:
        """Noisy labels ``[N]``. Draws the flip rates, then a choice for each example, then W class by class.

        Raises LsnError where no images are given, or labels are outside 0 … L−1.
        """
        labels = np.asarray(labels, dtype=np.int64)
        if features is None or len(features) != len(labels):
            raise LsnError("instance-dependent noise needs the image of every example")
        if len(labels) and (labels.min() < 0 or labels.max() >= num_classes):
            raise LsnError(f"labels lie between {labels.min()} and {labels.max()}", valid=f"0 to {num_classes - 1}")
        rates = self.flip_rates(len(labels), generator)
        choices = generator.random(len(labels))
        pixels = _Pixels(features, self.normalised)
        noisy = labels.copy()
        for label in range(num_classes):
            # Drawn for classes without examples too: a class's noise does not depend on which others there are.
            projection = generator.standard_normal((pixels.count, num_classes), dtype=np.float32)
            where = np.flatnonzero(labels == label)
            for start in range(0, len(where), CHUNK):
                part = where[start : start + CHUNK]
                noisy[part] = _drawn(pixels.of(part) @ projection, label, rates[part], choices[part])
        return noisy

    def flip_rates(self, count: int, generator: np.random.Generator) -> npt.NDArray[np.float64]:
        """One flip rate for each example, ``[N]``, by inverting the distribution function."""
        from scipy import stats

        low, high = (0 - self.rate) / self.std, (1 - self.rate) / self.std
        rates: npt.NDArray[np.float64] = stats.truncnorm.ppf(
            generator.random(count), low, high, loc=self.rate, scale=self.std
        )
        return rates

    def transition(self, num_classes: int) -> None:
        """None: every example has a matrix of its own."""


class _Pixels:
    """The images as rows of numbers, made in parts."""

    def __init__(self, images: npt.NDArray[np.uint8], normalised: bool) -> None:
        self.images = images
        self.count = int(np.prod(images.shape[1:]))
        self.mean: Any = np.float32(0)
        self.std: Any = np.float32(1)
        if normalised:
            mean, std = (255 * np.array(values) for values in channel_statistics(images))
            self.mean, self.std = mean.astype(np.float32), np.where(std > 0, std, 1).astype(np.float32)

    def of(self, where: npt.NDArray[np.intp]) -> npt.NDArray[np.float32]:
        """The examples ``where``, ``[n, D]``."""
        values: npt.NDArray[np.float32] = (self.images[where].astype(np.float32) - self.mean) / self.std
        return values.reshape(len(where), self.count)


def _drawn(
    scores: npt.NDArray[np.float32],
    label: int,
    rates: npt.NDArray[np.float64],
    choices: npt.NDArray[np.float64],
) -> Labels:
    """The noisy labels ``[n]`` of examples of class ``label`` with scores ``[n, L]``.

    The choice is uniform on [0, 1): above the rate the label stays, below it is shared out among the other classes.
    """
    wide = scores.astype(np.float64)
    wide[:, label] = -np.inf
    shares = np.exp(wide - wide.max(axis=1, keepdims=True))
    edges = np.cumsum(shares, axis=1)
    edges /= edges[:, -1:]
    # What is left of the choice below the rate is uniform again.
    places = choices / np.where(rates > 0, rates, 1)
    others = (edges <= places[:, None]).sum(axis=1)
    flipped = choices < rates
    drawn: Labels = np.where(flipped, others, label).astype(np.int64)
    return drawn
