"""Classifiers of the flattened input."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from math import prod

from torch import nn

_ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {"relu": nn.ReLU, "tanh": nn.Tanh, "gelu": nn.GELU}


def linear(input_shape: Sequence[int], num_classes: int, *, bias: bool = True) -> nn.Module:
    """``[B, C, H, W]`` → logits ``[B, L]`` by one affine map; the flattened input is the pre-logits."""
    return nn.Sequential(
        OrderedDict(flatten=nn.Flatten(), classifier=nn.Linear(prod(input_shape), num_classes, bias=bias))
    )


def mlp(
    input_shape: Sequence[int], num_classes: int, hidden: Sequence[int] = (64,), activation: str = "relu"
) -> nn.Module:
    """``[B, C, H, W]`` → logits ``[B, L]`` through hidden layers of the given widths."""
    layers: OrderedDict[str, nn.Module] = OrderedDict(flatten=nn.Flatten())
    width = prod(input_shape)
    for number, units in enumerate(hidden, start=1):
        layers[f"hidden{number}"] = nn.Linear(width, units)
        layers[f"activation{number}"] = _ACTIVATIONS[activation]()
        width = units
    layers["classifier"] = nn.Linear(width, num_classes)
    return nn.Sequential(layers)
