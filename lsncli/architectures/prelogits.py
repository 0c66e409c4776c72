"""Finds the final linear layer of any architecture, and reads what enters it."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from lsncli.errors import LsnError


def final_linear(module: nn.Module, num_classes: int) -> nn.Linear:
    """The classifier of ``module``: its attribute ``classifier``, or else the last linear layer with L outputs."""
    named = getattr(module, "classifier", None)
    if isinstance(named, nn.Linear) and named.out_features == num_classes:
        return named
    found = [m for m in module.modules() if isinstance(m, nn.Linear) and m.out_features == num_classes]
    if not found:
        raise LsnError(
            f"{type(module).__name__} has no final linear layer with {num_classes} outputs",
            next="name it 'classifier', so that pre-logits can be read",
        )
    return found[-1]


def with_prelogits(module: nn.Module, num_classes: int) -> Callable[[Tensor], tuple[Tensor, Tensor]]:
    """A function of images ``[B, C, H, W]`` that returns logits ``[B, L]`` and pre-logits ``[B, D]``.

    It raises :class:`LsnError` if the classifier is never called.
    """
    layer = final_linear(module, num_classes)

    def forward(images: Tensor) -> tuple[Tensor, Tensor]:
        caught: list[Tensor] = []
        hook = layer.register_forward_pre_hook(lambda _, inputs: caught.append(inputs[0]))
        try:
            with torch.no_grad():
                logits = module(images)
        finally:
            hook.remove()
        if not caught:
            raise LsnError(
                f"{type(module).__name__} does not call its final linear layer",
                next="let forward call the layer as a module, so that pre-logits can be read",
            )
        return logits, caught[-1]

    return forward
