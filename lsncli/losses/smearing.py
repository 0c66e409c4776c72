"""Label smearing: the loss of label y is row y of a matrix M times the cross-entropies of all labels.

Lukasik et al. (2020), §3.1: e_yᵀ M ℓ(f). Standard cross-entropy, label smoothing and backward correction
differ only in M. A soft target q ``[B, L]`` gives qᵀ M ℓ(f), which is the hard label's loss at a one-hot q.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from torch import Tensor

from lsncli.losses.constants import ConstantsModule
from lsncli.losses.interface import LossInputs
from lsncli.losses.probabilities import (
    are_probabilities,
    exact_product,
    log_probabilities,
    minus_at_labels,
    rows_of_labels,
)


class SymmetricSmearing(ConstantsModule):
    """Smearing by M = aI + bJ in closed form, without building M.

    num_classes: L. diagonal: a, which is not 0. uniform: b. floor: see
    :func:`lsncli.losses.probabilities.log_probabilities`.
    """

    def __init__(self, num_classes: int, diagonal: float, uniform: float, floor: float = 0.0) -> None:
        super().__init__()
        if diagonal == 0:
            raise ValueError("the loss of a label must depend on the label: the diagonal must not be 0")
        self.diagonal, self.uniform, self.floor = diagonal, uniform, floor
        self.keep("weight", np.full(num_classes, diagonal))

    def forward(self, logits: Tensor, targets: Tensor, inputs: LossInputs | None = None) -> Tensor:
        """Losses ``[B]`` for logits ``[B, L]`` and labels ``[B]`` or probabilities ``[B, L]``."""
        logp = log_probabilities(logits, self.floor)
        if are_probabilities(logits, targets):
            weights = targets.to(logp.dtype)
            if self.uniform:
                # M = a (I + b/a J): mixing the targets costs nothing in the backward pass.
                weights = weights.add(weights.sum(-1, keepdim=True), alpha=self.uniform / self.diagonal)
            return -self.diagonal * (weights * logp).sum(-1)
        # First the sum, then the label: the backward pass goes the other way round, and adds the gradient of the
        # sum to that of the label in place.
        all_labels = logp.sum(-1) if self.uniform else None
        own = minus_at_labels(logp, targets, self.constant("weight", logp.dtype) if self.diagonal != 1 else None)
        return own if all_labels is None else own.add(all_labels, alpha=-self.uniform)

    def extra_repr(self) -> str:
        """The constants, for ``repr``."""
        return f"diagonal={self.diagonal:g}, uniform={self.uniform:g}, floor={self.floor:g}"


class MatrixSmearing(ConstantsModule):
    """Smearing by any M ``[L, L]``: backward correction with M = T⁻¹, or whatever matrix is given."""

    def __init__(self, matrix: npt.NDArray[np.float64], floor: float = 0.0) -> None:
        super().__init__()
        self.keep("matrix", matrix)
        self.floor = floor

    def forward(self, logits: Tensor, targets: Tensor, inputs: LossInputs | None = None) -> Tensor:
        """Losses ``[B]`` for logits ``[B, L]`` and labels ``[B]`` or probabilities ``[B, L]``."""
        logp = log_probabilities(logits, self.floor)
        matrix = self.constant("matrix", logp.dtype)
        if are_probabilities(logits, targets):
            weights = exact_product(targets.to(logp.dtype), matrix)
        else:
            weights = rows_of_labels(matrix, targets)
        return -(weights * logp).sum(-1)

    def extra_repr(self) -> str:
        """The constants, for ``repr``."""
        return f"floor={self.floor:g}"


def standard(num_classes: int, floor: float = 0.0) -> SymmetricSmearing:
    """Softmax cross-entropy: M = I."""
    return SymmetricSmearing(num_classes, 1.0, 0.0, floor)


def label_smoothing(num_classes: int, alpha: float, floor: float = 0.0) -> SymmetricSmearing:
    """Label smoothing: M = (1 − α) I + (α/L) J (equation 1)."""
    return SymmetricSmearing(num_classes, 1 - alpha, alpha / num_classes, floor)


def symmetric_backward_correction(num_classes: int, alpha: float, floor: float = 0.0) -> SymmetricSmearing:
    """Backward correction of symmetric noise: M = (I − (α/L) J) / (1 − α) (§3.2)."""
    return SymmetricSmearing(num_classes, 1 / (1 - alpha), -alpha / (num_classes * (1 - alpha)), floor)
