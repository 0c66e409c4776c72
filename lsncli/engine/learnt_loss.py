"""Losses with parameters of their own: a transition matrix that is learnt together with the network."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from torch import nn, optim

from lsncli.errors import LsnError
from lsncli.matrices import check_transition


def has_parameters(loss: Any) -> bool:
    """Whether the loss is a module with parameters to be trained."""
    return isinstance(loss, nn.Module) and any(p.requires_grad for p in loss.parameters())


def add_loss_parameters(optimizer: optim.Optimizer, loss: Any) -> None:
    """Let ``optimizer`` train the parameters of ``loss`` as well, in a group of their own.

    The group has the optimiser's options, but no weight decay: it would pull a matrix towards whatever its
    parametrisation has at zero. The loss's attribute ``optimizer_options``, where it has one, comes before both.
    """
    if not has_parameters(loss):
        return
    options: dict[str, Any] = {"weight_decay": 0.0} if "weight_decay" in optimizer.defaults else {}
    options |= getattr(loss, "optimizer_options", {})
    optimizer.add_param_group({"params": [p for p in loss.parameters() if p.requires_grad], **options})


def learnt_transition(loss: Any, num_classes: int) -> npt.NDArray[np.float64] | None:
    """The row-stochastic T ``[L, L]`` that the loss has learnt so far; None for a loss that learns none.

    That is what its method ``learnt_transition`` returns; None as well where that is not finite, as after a step
    that the run diverges at. Raises :class:`LsnError` if it is no such matrix.
    """
    method = getattr(loss, "learnt_transition", None)
    if method is None:
        return None
    matrix: npt.NDArray[np.float64] = method().detach().double().cpu().numpy()
    try:
        if matrix.shape != (num_classes, num_classes):
            raise ValueError(f"the learnt matrix has shape {matrix.shape} for {num_classes} classes")
        if not np.isfinite(matrix).all():
            return None
        check_transition(matrix, "the learnt matrix")
    except ValueError as error:
        raise LsnError(f"{type(loss).__name__}: {error}") from None
    return matrix
