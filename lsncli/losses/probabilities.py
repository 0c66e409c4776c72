"""From logits and targets to log-probabilities, at the precision that a loss needs."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

#: By default nll_loss passes over the label -100; every label outside 0 .. L-1 is an error here. The number has at
#: most 32 bits, which is what torch_xla keeps of it: of -(2**62) it would keep 0, and pass over class 0.
_NO_LABEL = -(2**31)


def log_probabilities(logits: Tensor, floor: float = 0.0) -> Tensor:
    """log softmax of logits ``[..., L]``, in float32 or the logits' wider type.

    ``floor`` > 0 clips the probabilities to [floor, 1 − floor], as Patrini et al.'s code does; the clip is
    made on the logarithms, where float32 can tell 1 − 1e-7 from 1.
    """
    logp = torch.log_softmax(_wide(logits), -1)
    # A clamp by another name, whose backward pass is one kernel instead of five.
    return functional.hardtanh(logp, math.log(floor), math.log1p(-floor)) if floor else logp


def probabilities(logits: Tensor) -> Tensor:
    """softmax of logits ``[..., L]``, in float32 or the logits' wider type."""
    return torch.softmax(_wide(logits), -1)


def _wide(logits: Tensor) -> Tensor:
    return logits.float() if logits.dtype in (torch.bfloat16, torch.float16) else logits


def are_probabilities(logits: Tensor, targets: Tensor) -> bool:
    """Whether the targets are probabilities ``[..., L]``; otherwise they are labels ``[...]``.

    Decided by type, never by value. Raises ValueError if the shapes do not fit together.
    """
    soft = targets.is_floating_point()
    expected = logits.shape if soft else logits.shape[:-1]
    if targets.shape != expected:
        raise ValueError(
            f"targets of shape {tuple(targets.shape)} and type {targets.dtype} do not fit logits of shape"
            f" {tuple(logits.shape)}: integer labels [B] or probabilities [B, L] are expected"
        )
    return soft


def at_labels(values: Tensor, labels: Tensor) -> Tensor:
    """``values[..., label]``: values ``[..., L]`` and labels ``[...]`` to ``[..., 1]``."""
    return values.gather(-1, labels.long().unsqueeze(-1))


def minus_at_labels(values: Tensor, labels: Tensor, weight: Tensor | None = None) -> Tensor:
    """``-weight[label] values[..., label]``: values ``[..., L]``, labels ``[...]`` and weight ``[L]`` to ``[...]``.

    Without a weight it is 1. By torch's own kernel for it, which saves the backward pass of a gather, and of a
    product.
    """
    labels = labels.long()
    if values.dim() == 2:
        return functional.nll_loss(values, labels, weight, reduction="none", ignore_index=_NO_LABEL)
    flat = values.reshape(-1, values.shape[-1])
    losses = functional.nll_loss(flat, labels.reshape(-1), weight, reduction="none", ignore_index=_NO_LABEL)
    return losses.view(labels.shape)


def rows_of_labels(matrix: Tensor, labels: Tensor) -> Tensor:
    """``matrix[label]``: matrix ``[L, L]`` and labels ``[...]`` to ``[..., L]``.

    As an embedding, because indexing by one label reads its value, which ``torch.func.vmap`` refuses.
    """
    return functional.embedding(labels.long(), matrix)


def exact_product(left: Tensor, right: Tensor) -> Tensor:
    """``left @ right`` in their own precision: autocast would round probabilities to bf16's eight bits."""
    with torch.autocast(left.device.type, enabled=False):
        return left @ right
