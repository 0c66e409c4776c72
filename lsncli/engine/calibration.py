"""Calibration: reliability bins and the expected calibration error (Guo et al. 2017)."""

from __future__ import annotations

import torch
from torch import Tensor


def reliability_bins(confidence: Tensor, correct: Tensor, bins: int) -> Tensor:
    """Count, sum of confidence and sum of correctness per bin: float64 ``[3, bins]``, on the CPU.

    confidence: ``[N]`` in [0, 1], the probability of the predicted class. correct: ``[N]`` boolean.
    Bins are right-closed over (0, 1]: bin m holds (m/bins, (m+1)/bins], so that a confidence of exactly 1
    belongs to the last one.
    """
    # m/bins correctly rounded, so that a confidence of 0.29 lies on its edge; linspace may miss it by a bit.
    edges = torch.arange(bins + 1, dtype=torch.float64) / bins
    # On the CPU: a GPU adds into the bins in no fixed order.
    wide = confidence.double().cpu()
    index = (torch.bucketize(wide, edges, right=False) - 1).clamp(0, bins - 1)
    result = torch.zeros(3, bins, dtype=torch.float64)
    rows = torch.stack((torch.ones_like(wide), wide, correct.double().cpu()))
    return result.scatter_add_(1, index.expand(3, -1), rows)


def expected_calibration_error(bins: Tensor) -> float:
    """Σ_m n_m/N · |accuracy_m − confidence_m| over the reliability ``bins`` ``[3, M]``."""
    count, confidence, correct = bins
    total = count.sum()
    if total == 0:
        return float("nan")
    return float(((confidence - correct).abs().sum() / total).item())
