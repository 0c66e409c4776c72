"""Memory format and precision on this processor: images per second of a training step, and ratios.

Run: uv run python benchmarks/cpu_layout_precision.py [--threads N] [--model resnet32] [--rounds 5]

The variants are timed in alternation within one process; the median of the rounds is printed with the spread.
The baseline is fp32 in the contiguous (NCHW) format, which is what a plain PyTorch script uses.
"""

from __future__ import annotations

import argparse
import statistics
import time
from contextlib import nullcontext

import torch
from torch.nn import functional

from lsncli.architectures.plugin import ResNetParams
from lsncli.components import ArchitectureContext
from lsncli.registry import registry

VARIANTS = (
    ("fp32", torch.contiguous_format),
    ("fp32", torch.channels_last),
    ("bf16", torch.contiguous_format),
    ("bf16", torch.channels_last),
)


class Variant:
    def __init__(self, model: str, precision: str, layout: torch.memory_format, batch: int) -> None:
        torch.manual_seed(0)
        module = registry().get("architecture", model).build(ResNetParams(), ArchitectureContext(10, (3, 32, 32)))
        self.module = module.to(memory_format=layout)
        self.optimizer = torch.optim.SGD(
            self.module.parameters(), lr=0.1, momentum=0.9, nesterov=True, weight_decay=1e-4, fused=True
        )
        self.images = torch.randn(batch, 3, 32, 32).contiguous(memory_format=layout)
        self.labels = torch.randint(0, 10, (batch,))
        self.bf16 = precision == "bf16"

    def step(self) -> None:
        context = torch.autocast("cpu", dtype=torch.bfloat16) if self.bf16 else nullcontext()
        with context:
            logits = self.module(self.images)
        loss = functional.cross_entropy(logits.float(), self.labels)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizer.step()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", default="resnet32")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=4)
    parser.add_argument("--batch", type=int, default=128)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    variants = [Variant(arguments.model, p, layout, arguments.batch) for p, layout in VARIANTS]
    for variant in variants:
        variant.step()
    seconds: list[list[float]] = [[] for _ in variants]
    for _ in range(arguments.rounds):
        for index, variant in enumerate(variants):
            start = time.perf_counter()
            for _ in range(arguments.steps):
                variant.step()
            seconds[index].append((time.perf_counter() - start) / arguments.steps)
    baseline = statistics.median(seconds[0])
    print(f"{arguments.model}, batch {arguments.batch}, {arguments.threads} threads, torch {torch.__version__}")
    for (precision, layout), times in zip(VARIANTS, seconds, strict=True):
        middle = statistics.median(times)
        name = str(layout).removeprefix("torch.")
        print(
            f"{precision}  {name:17s} {arguments.batch / middle:8.0f} images/s  ratio {baseline / middle:5.2f}"
            f"  (spread {min(times):.3f}…{max(times):.3f} s per step)"
        )


if __name__ == "__main__":
    main()
