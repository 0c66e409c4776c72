"""mixup: the network sees weighted means of two images, and learns those of their targets (Zhang et al. 2018)."""

from __future__ import annotations

import numpy as np
import torch
from lsncli import LossInputs
from torch import Tensor
from torch.nn import functional

from lsn_robust_losses.pointwise import CrossEntropy


class Mixup(CrossEntropy):
    """Cross-entropy on λ x_i + (1 − λ) x_j and λ q_i + (1 − λ) q_j, with λ from Beta(α, α).

    Every image is mixed with the one that a random permutation of the batch puts in its place. One λ is drawn for
    a whole batch, as in the authors' code, or one for each example.
    """

    def __init__(self, alpha: float, per_example: bool, num_classes: int) -> None:
        super().__init__()
        self.alpha, self.per_example, self.num_classes = alpha, per_example, num_classes

    def prepare(
        self, images: Tensor, targets: Tensor, generator: np.random.Generator, inputs: LossInputs
    ) -> tuple[Tensor, Tensor]:
        """Mixed images ``[B, C, H, W]`` and their probabilities ``[B, L]``.

        ``targets`` are labels ``[B]`` or probabilities ``[B, L]``. Draws a permutation, then λ.
        """
        count = len(images)
        order = torch.from_numpy(generator.permutation(count)).to(images.device)
        drawn = generator.beta(self.alpha, self.alpha, count if self.per_example else 1)
        share = torch.from_numpy(drawn).to(device=images.device, dtype=images.dtype)
        soft = targets
        if not targets.is_floating_point():
            soft = functional.one_hot(targets.long(), self.num_classes).to(images.dtype)
        return _mixed(images, order, share.view(-1, 1, 1, 1)), _mixed(soft, order, share.view(-1, 1).to(soft.dtype))

    def extra_repr(self) -> str:
        """The constants, for ``repr``."""
        return f"alpha={self.alpha:g}, per_example={self.per_example}"


def _mixed(values: Tensor, order: Tensor, share: Tensor) -> Tensor:
    # The product comes first: its layout, which is that of the images, is the sum's too.
    return (values * share).add_(values[order] * (1 - share))
