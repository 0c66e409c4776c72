"""What it is worth that worker processes keep freed memory: training steps with and without, in fresh processes.

Run: python benchmarks/allocator.py [--sizes 16 32] [--precisions fp32 bf16] [--rounds 5] [--steps 20]

A process of one thread takes steps of ResNet-32 on batches of 128 images; the two kinds alternate. The ratio is
that of their median steps, of each round.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time


def median_step(kept: bool, size: int, precision: str, steps: int) -> float:
    """Seconds of a step, measured in this process."""
    from lsncli.executors.allocator import keep_freed_memory

    if kept and not keep_freed_memory():
        raise SystemExit("the C library is not glibc: there is nothing to compare")
    import torch
    from torch.nn import functional

    from lsncli.architectures.resnet import CifarResNet
    from lsncli.backends.cpu import CpuBackend

    backend = CpuBackend()
    device = backend.prepare("cpu", threads=1)
    torch.manual_seed(0)
    network = backend.place(CifarResNet(depth=32, num_classes=10), device)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.01, momentum=0.9, nesterov=True, foreach=True)
    images = torch.randn(128, 3, size, size).contiguous(memory_format=torch.channels_last)
    labels = torch.randint(0, 10, (128,))
    times = []
    for _ in range(steps + 3):
        begin = time.perf_counter()
        optimizer.zero_grad(set_to_none=True)
        with backend.autocast(precision):
            logits = network(images)
        functional.cross_entropy(logits.float(), labels).backward()
        optimizer.step()
        times.append(time.perf_counter() - begin)
    return statistics.median(times[3:])


def in_a_process(*arguments: str) -> float:
    command = [sys.executable, __file__, "--one", *arguments]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--sizes", type=int, nargs="+", default=[16, 32])
    parser.add_argument("--precisions", nargs="+", default=["fp32", "bf16"])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--one", nargs=4, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        kept, size, precision, steps = arguments.one
        print(median_step(kept == "kept", int(size), precision, int(steps)))
        return
    print("images  precision  ms as it comes  ms kept  ratio  (least … most)")
    for size in arguments.sizes:
        for precision in arguments.precisions:
            rounds = [
                [in_a_process(how, str(size), precision, str(arguments.steps)) for how in ("given", "kept")]
                for _ in range(arguments.rounds)
            ]
            given, kept = (statistics.median(times) * 1e3 for times in zip(*rounds, strict=True))
            ratios = sorted(given / kept for given, kept in rounds)
            print(
                f"{size:4}²   {precision:9}  {given:14.1f}  {kept:7.1f}  {statistics.median(ratios):5.2f}"
                f"  ({ratios[0]:.2f} … {ratios[-1]:.2f})"
            )


if __name__ == "__main__":
    main()
