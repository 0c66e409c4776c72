"""Logits and probabilities that the tests of single losses share, and the losses as a recipe would build them."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from lsncli import LossContext, LossInputs
from lsncli.parameters import NoParams
from lsncli.registry import registry

Array = npt.NDArray[np.float64]

CLASSES = 5
EXAMPLES = 40


def build(name: str, *, classes: int = CLASSES, examples: int = EXAMPLES, **params: Any) -> Any:
    """The loss ``name`` in float64 where it has a state."""
    info = registry().get("loss", name)
    loss = info.build((info.params or NoParams)(**params), LossContext(classes, examples))
    return loss.double()


def logits(count: int = 12, classes: int = CLASSES, scale: float = 2.0, seed: int = 0) -> Array:
    return scale * np.random.default_rng(seed).standard_normal((count, classes))


def labels(count: int = 12, classes: int = CLASSES) -> npt.NDArray[np.int64]:
    return (np.arange(count) * 3 % classes).astype(np.int64)


def softmax(f: Array) -> Array:
    """By the definition, in numpy."""
    e = np.exp(f - f.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def at(values: Array, y: npt.NDArray[np.int64]) -> Array:
    return values[np.arange(len(y)), y]


def call(loss: Any, f: Array, targets: npt.NDArray[Any], step: int = 0, indices: Any = None) -> Array:
    """The losses of logits ``f``, in float64."""
    where = torch.arange(len(f)) if indices is None else torch.as_tensor(indices)
    losses = loss(torch.tensor(f), torch.tensor(targets), LossInputs(where, torch.tensor(step)))
    result: Array = losses.detach().numpy()
    return result


def gradient(loss: Any, f: Array, targets: npt.NDArray[Any], step: int = 0) -> Array:
    """The gradient of the losses' sum by the logits."""
    leaf = torch.tensor(f, requires_grad=True)
    loss(leaf, torch.tensor(targets), LossInputs(torch.arange(len(f)), torch.tensor(step))).sum().backward()
    assert leaf.grad is not None
    result: Array = leaf.grad.numpy()
    return result


def cross_entropy(f: Array, y: npt.NDArray[np.int64]) -> Array:
    return -np.log(at(softmax(f), y))
