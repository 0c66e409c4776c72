"""Whether this machine's torch computes wrong gradients of bf16 convolutions over maps smaller than the stride.

    python benchmarks/bf16_tiny_maps.py [--repeats 20]

lsn goes around them (``lsncli/backends/cpu_bf16.py``); this is for the day on which it need not any more.
"""

from __future__ import annotations

import argparse
import math

import torch
from torch.nn import functional


def main() -> None:
    """Print how many of the gradients of a 3×3 convolution of stride 2 over a map of 1×1 are wrong."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--repeats", type=int, default=20)
    repeats = parser.parse_args().repeats
    torch.manual_seed(0)
    images = torch.randn(3, 16, 1, 1).to(memory_format=torch.channels_last)
    # Only the middle of the kernel is ever multiplied with anything but padding.
    expected = torch.zeros(16, 16, 3, 3)
    expected[:, :, 1, 1] = images.sum(0).flatten()
    wrong = 0
    for _ in range(repeats):
        weight = torch.randn(16, 16, 3, 3, requires_grad=True)
        # The memory that torch hands out next held other numbers before, as it does in any training.
        used = [torch.full((2**power,), math.nan) for power in range(4, 19) for _ in range(3)]
        del used
        with torch.autocast("cpu", dtype=torch.bfloat16):
            out = functional.conv2d(images, weight, stride=2, padding=1)
        out.float().sum().backward()
        assert weight.grad is not None
        wrong += not torch.allclose(weight.grad, expected, rtol=0.02, atol=0.1)
    processor = torch.backends.cpu.get_cpu_capability()
    print(f"torch {torch.__version__}, {processor}: {wrong} of {repeats} gradients are wrong")


if __name__ == "__main__":
    main()
