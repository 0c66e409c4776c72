"""Does bf16 cost accuracy? Trains the same runs in fp32 and in bf16 and compares seed by seed.

Run: LSN_DATA_DIR=… python benchmarks/bf16_check.py --data cifar10 [--model resnet8] [--seeds 3] [--steps 400]

Both sides of a seed have the same initialisation, batches, crops, flips and noisy labels, so that the differences
are paired. Printed are clean test accuracy of each, the mean difference and its 95 % interval (Student's t).
Exit status 1 if the interval lies below zero: then bf16 was measurably worse.
"""

from __future__ import annotations

import argparse
import math
import os
import statistics
from pathlib import Path

import torch
from scipy.stats import t as student_t

from lsncli.bench.workloads import Workload
from lsncli.data.context import default_data_dir
from lsncli.engine.events import Finished, Measured
from lsncli.engine.settings import EngineSettings
from lsncli.engine.training import train
from lsncli.plan import ComponentSpec, DataSpec, NoiseSpec, RunSpec

PRECISIONS = ("fp32", "bf16")


def spec_of(arguments: argparse.Namespace, seed: int) -> RunSpec:
    """Appendix B.2 in short: lr 0.1, divided by 10 after a half and three quarters, 20 % symmetric noise."""
    base = Workload(arguments.model).spec(seed)
    optimizer = base.train.optimizer.model_copy(update={"params": {**base.train.optimizer.params, "lr": 0.1}})
    training = base.train.model_copy(
        update={
            "steps": arguments.steps,
            "optimizer": optimizer,
            "schedule": ComponentSpec(name="step", params={"milestones": [0.5, 0.75], "gamma": 0.1}),
        }
    )
    return base.model_copy(
        update={
            "data": DataSpec(name=arguments.data, train_size=arguments.train_size, test_size=arguments.test_size),
            "noise": NoiseSpec(name="symmetric", params={"rate": arguments.noise}, seed=seed),
            "loss": ComponentSpec(name="label-smoothing", params={"alpha": 0.1}),
            "train": training,
        }
    )


def final_metrics(spec: RunSpec, precision: str, data_dir: Path, threads: int) -> dict[str, float]:
    """The metrics after the last step; raises RuntimeError if the run does not end well."""
    settings = EngineSettings(data_dir=data_dir, device="cpu", precision=precision, threads=threads)
    metrics: dict[str, float] = {}
    for event in train(spec, settings):
        if isinstance(event, Measured):
            metrics = dict(event.metrics)
        if isinstance(event, Finished) and event.status != "done":
            raise RuntimeError(f"{precision}, seed {spec.seed}: {event.status}: {event.error}")
    return metrics


def interval(differences: list[float]) -> tuple[float, float]:
    """Mean, and half the width of its 95 % interval; infinite for a single difference."""
    mean = statistics.mean(differences)
    if len(differences) < 2:
        return mean, math.inf
    error = statistics.stdev(differences) / math.sqrt(len(differences))
    return mean, float(student_t.ppf(0.975, len(differences) - 1)) * error


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", default="cifar10")
    parser.add_argument("--model", default="resnet8")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--steps", type=int, default=400)
    parser.add_argument("--train-size", type=int)
    parser.add_argument("--test-size", type=int)
    parser.add_argument("--noise", type=float, default=0.2)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    arguments = parser.parse_args()
    folder = os.environ.get("LSN_DATA_DIR")
    data_dir = Path(folder) if folder else default_data_dir()
    print(
        f"{arguments.model} on {arguments.data}, {arguments.steps} steps of 128,"
        f" {100 * arguments.noise:g} % symmetric noise, label smoothing 0.1"
    )
    differences: dict[str, list[float]] = {"test_accuracy": [], "test_nll": [], "test_ece_100": []}
    for seed in range(arguments.first_seed, arguments.first_seed + arguments.seeds):
        found = {p: final_metrics(spec_of(arguments, seed), p, data_dir, arguments.threads) for p in PRECISIONS}
        for name, values in differences.items():
            values.append(found["bf16"][name] - found["fp32"][name])
        shown = "  ".join(
            f"{p} {100 * found[p]['test_accuracy']:.2f} % ({found[p]['images_per_second']:.0f} images/s)"
            for p in PRECISIONS
        )
        print(f"seed {seed}: {shown}", flush=True)
    for name, values in differences.items():
        mean, half = interval(values)
        scale, unit = (100, " points") if name == "test_accuracy" else (1, "")
        print(f"{name}, bf16 − fp32: {scale * mean:+.4f} ± {scale * half:.4f}{unit} ({len(values)} seeds)")
    mean, half = interval(differences["test_accuracy"])
    return 1 if mean + half < 0 else 0


if __name__ == "__main__":
    raise SystemExit(main())
