"""Counts the parameters and the multiply-accumulates of an architecture, from its modules.

``python -m lsncli.architectures.counting > lsncli/report/architecture_sizes.json`` writes what Table 6 of a report
shows; reports never import torch, so the numbers are shipped, and a test compares them with the modules.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

#: The pairs of architecture and data set that the paper trains: name, image size, number of classes.
COUNTED = (
    ("resnet32", "cifar10", 32, 10),
    ("resnet32", "cifar100", 32, 100),
    ("resnet56", "cifar10", 32, 10),
    ("resnet56", "cifar100", 32, 100),
    ("resnet50v2", "imagenet", 224, 1000),
)


def count_parameters(module: nn.Module) -> int:
    """The number of trainable parameters: weights and biases, the scales and shifts of batch norm included."""
    return sum(parameter.numel() for parameter in module.parameters() if parameter.requires_grad)


def count_macs(module: nn.Module, input_shape: Sequence[int]) -> int:
    """Multiply-accumulates of one forward pass of one example of shape (channels, height, width).

    Counted are convolutions and linear layers, by what enters and leaves them; normalisation, activations, pooling
    and biases are not, as is usual in the literature.
    """
    total = 0

    def convolution(layer: nn.Conv2d, _: object, output: Tensor) -> None:
        nonlocal total
        per_output = layer.in_channels // layer.groups * layer.kernel_size[0] * layer.kernel_size[1]
        total += output.numel() * per_output

    def linear(layer: nn.Linear, _: object, output: Tensor) -> None:
        nonlocal total
        total += output.numel() * layer.in_features

    hooks = [m.register_forward_hook(convolution) for m in module.modules() if isinstance(m, nn.Conv2d)]
    hooks += [m.register_forward_hook(linear) for m in module.modules() if isinstance(m, nn.Linear)]
    training = module.training
    device = next((parameter.device for parameter in module.parameters()), torch.device("cpu"))
    try:
        module.eval()
        with torch.no_grad():
            module(torch.zeros((1, *input_shape), device=device))
    finally:
        module.train(training)
        for hook in hooks:
            hook.remove()
    return total


def count_registered(name: str, size: int, num_classes: int) -> tuple[int, int]:
    """Parameters and multiply-accumulates of a registered architecture on colour images of ``size`` x ``size``.

    The network is built without its numbers (on the device ``meta``), so that this costs neither time nor memory.
    """
    from lsncli.components import ArchitectureContext
    from lsncli.parameters import NoParams
    from lsncli.registry import registry

    info = registry().get("architecture", name)
    shape = (3, size, size)
    with torch.device("meta"):
        module: nn.Module = info.build((info.params or NoParams)(), ArchitectureContext(num_classes, shape))
        return count_parameters(module), count_macs(module, shape)


def counts() -> list[dict[str, Any]]:
    """One record per pair of :data:`COUNTED`."""
    records = []
    for name, dataset, size, classes in COUNTED:
        parameters, macs = count_registered(name, size, classes)
        records.append(
            {
                "model": name,
                "data": dataset,
                "size": size,
                "classes": classes,
                "parameters": parameters,
                "macs": macs,
            }
        )
    return records


if __name__ == "__main__":
    sys.stdout.write(json.dumps(counts(), indent=2) + "\n")
