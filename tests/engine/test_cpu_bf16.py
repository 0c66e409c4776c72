"""bf16 on a processor: the gradients of convolutions over maps that are smaller than the stride.

Expected values: where the map is 1×1, only the middle of a padded kernel meets anything but padding, so its
gradient is the sum of the images, and that of every other place is 0.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from lsncli.backends.cpu import CpuBackend


def used_memory() -> None:
    """Fill what torch hands out next with NaN: a kernel that reads what it has not written is then seen."""
    kept = [torch.full((2**power,), math.nan) for power in range(4, 19) for _ in range(3)]
    del kept


def by_module(images: Tensor, weight: Tensor, stride: int) -> Tensor:
    size = weight.shape[2]
    module = nn.Conv2d(16, 16, size, stride=stride, padding=size // 2, bias=False)
    return torch.func.functional_call(module, {"weight": weight}, images)


def by_function(images: Tensor, weight: Tensor, stride: int) -> Tensor:
    padding = "same" if stride == 1 else weight.shape[2] // 2
    return functional.conv2d(images, weight, None, (stride, stride), padding)


def by_names(images: Tensor, weight: Tensor, stride: int) -> Tensor:
    return functional.conv2d(input=images, weight=weight, padding=weight.shape[2] // 2, stride=[stride])


@pytest.mark.parametrize("call", [by_module, by_function, by_names])
@pytest.mark.parametrize(("size", "stride"), [(3, 2), (3, 3), (5, 2), (7, 3), (3, 1)])
def test_gradient_over_one_pixel(call: Callable[..., Any], size: int, stride: int) -> None:
    generator = torch.Generator().manual_seed(0)
    images = torch.randn(3, 16, 1, 1, generator=generator).to(memory_format=torch.channels_last)
    expected = torch.zeros(16, 16, size, size)
    expected[:, :, size // 2, size // 2] = images.sum(0).flatten()
    for _ in range(5):
        weight = torch.randn(16, 16, size, size, generator=generator, requires_grad=True)
        used_memory()
        with CpuBackend().autocast("bf16"):
            out = call(images, weight, stride)
        out.float().sum().backward()
        # bf16 rounds each of the three images at 2⁻⁹ of it.
        torch.testing.assert_close(weight.grad, expected, rtol=0.01, atol=0.02)


def test_larger_maps_are_computed_in_bf16() -> None:
    images, weight = torch.ones(2, 4, 8, 8), torch.ones(4, 4, 3, 3)
    with CpuBackend().autocast("bf16"):
        assert functional.conv2d(images, weight, stride=2, padding=1).dtype is torch.bfloat16
        assert functional.conv2d(images[:, :, :1, :1], weight, stride=2, padding=1).dtype is torch.float32
    assert functional.conv2d(images, weight).dtype is torch.float32


def test_in_fp32_nothing_is_changed() -> None:
    with CpuBackend().autocast("fp32"):
        assert functional.conv2d(torch.ones(1, 1, 4, 4), torch.ones(1, 1, 3, 3)).dtype is torch.float32
