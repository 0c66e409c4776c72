"""The tempered logarithm, exponential and softmax (Naudts 2002; Amid et al. 2019).

log_t x = (x^(1−t) − 1)/(1−t) and exp_t x = max(0, 1 + (1−t) x)^(1/(1−t)), which at t = 1 are the usual ones.
The softmax is exp_t(a_k − λ), with the λ that makes it sum to 1; for t > 1 its tails are heavy.
"""

from __future__ import annotations

import torch
from torch import Tensor

#: Newton steps to the normalising constant. They approach it from one side and then double the digits: with the
#: last one, six reach 6e-11 and seven the end of float64, for t up to 10, up to 1000 classes and logits of a scale
#: up to 1e4 (``tests/test_bi_tempered.py``); beyond, the probabilities' sum is off, by 3e-4 at 1e5.
STEPS = 7


def log_tempered(log_x: Tensor, t: float) -> Tensor:
    """log_t x from the usual log x, 0 ≤ t ≤ 1; exact where x is near 1."""
    return log_x if t == 1 else ((1 - t) * log_x).expm1() / (1 - t)


def tempered_log_softmax(logits: Tensor, t: float) -> Tensor:
    """The usual logarithm of the tempered softmax, ``[..., L]``, for t ≥ 1.

    Its gradient is exact: that of one more Newton step from the constant that the others found.
    """
    if t == 1:
        return logits.log_softmax(-1)
    shifted = logits - logits.detach().amax(-1, keepdim=True)
    with torch.no_grad():
        constant = torch.zeros_like(shifted[..., :1])
        for _ in range(STEPS):
            constant = constant + _newton(shifted, constant, t)
    constant = constant + _newton(shifted, constant, t)
    return _log_exp(shifted - constant, t)


def _log_exp(x: Tensor, t: float) -> Tensor:
    """The usual logarithm of exp_t x for x ≤ 0, t > 1."""
    return -((1 - t) * x).log1p() / (t - 1)


def _newton(shifted: Tensor, constant: Tensor, t: float) -> Tensor:
    """One step to the root of log_t Σ_k exp_t(a_k − λ), ``[..., 1]``.

    That function of λ is convex and falls (Σ_k u_k^r)^(1/r) is concave in u for r < 0, and u is linear in λ), so
    that the steps from λ = max a, where the sum is at least 1, never pass the root. With one large logit, or
    with equal ones, the function is a straight line and the first step arrives.
    """
    log_terms = _log_exp(shifted - constant, t)
    log_sum = log_terms.logsumexp(-1, keepdim=True)
    # The derivative of log_t Σ is −Σ exp_tᵗ / Σᵗ; log_t Σ is divided by it, all of it in logarithms.
    log_slope = (t * log_terms).logsumexp(-1, keepdim=True) - t * log_sum
    value = -((1 - t) * log_sum).expm1() / (t - 1)
    return value * (-log_slope.detach()).exp()
