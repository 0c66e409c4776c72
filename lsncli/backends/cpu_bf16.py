"""bf16 autocast on a processor, around a kernel of oneDNN that computes wrong gradients.

On processors with AVX-512 and bf16, oneDNN leaves the gradient of a bf16 convolution's weights partly uninitialised
(NaN, or any number) where the image is smaller than the stride: a 3×3 kernel of stride 2 over a map of 1×1, say, as
in the last stage of a network for large images that is given small ones. Nothing says so. Seen with oneDNN 3.7
(torch 2.9) and 3.13 (torch 2.15). Such a map is tiny: its convolution is computed in float32, which is right and
costs nothing.

``benchmarks/bf16_tiny_maps.py`` says whether the torch that is installed has the error.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from torch.overrides import TorchFunctionMode

CONVOLUTIONS = frozenset({functional.conv1d, functional.conv2d, functional.conv3d})


@contextmanager
def bf16_autocast() -> Iterator[None]:
    """``torch.autocast("cpu", dtype=torch.bfloat16)``, with convolutions over tiny maps in float32."""
    with torch.autocast("cpu", dtype=torch.bfloat16), _TinyMapsInFloat32():
        yield


class _TinyMapsInFloat32(TorchFunctionMode):
    """Sees every convolution, however a module calls it."""

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if func in CONVOLUTIONS and _smaller_than_the_stride(func, args, kwargs):
            with torch.autocast("cpu", enabled=False):
                return func(*map(_widened, args), **{name: _widened(value) for name, value in kwargs.items()})
        return func(*args, **kwargs)


def _smaller_than_the_stride(func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    images = args[0] if args else kwargs["input"]
    stride = args[3] if len(args) > 3 else kwargs.get("stride", 1)
    strides = (stride,) if isinstance(stride, int) else tuple(stride)
    dimensions = 1 + (func is functional.conv2d) + 2 * (func is functional.conv3d)
    sides = images.shape[-dimensions:]
    # One number may stand for all dimensions.
    return any(side < step for side, step in zip(sides, strides * (dimensions // len(strides)), strict=True))


def _widened(value: Any) -> Any:
    return value.float() if isinstance(value, Tensor) else value
