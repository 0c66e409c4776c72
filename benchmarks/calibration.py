"""The calibration error, and a whole evaluation, of 50,000 × 1000 logits against their own softmax and maximum.

Run: python benchmarks/calibration.py [--examples 50000] [--classes 1000] [--rounds 5]

Target: at most 1.3 times the softmax and the maximum that any measure of calibration needs.
"""

from __future__ import annotations

import argparse

import torch
from against_target import Target, measure

from lsncli.engine.calibration import expected_calibration_error, reliability_bins
from lsncli.engine.evaluation import measure_test


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--examples", type=int, default=50_000)
    parser.add_argument("--classes", type=int, default=1000)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(0)
    logits = 3 * torch.randn(arguments.examples, arguments.classes)
    labels = torch.randint(0, arguments.classes, (arguments.examples,))

    def confidence() -> tuple[torch.Tensor, torch.Tensor]:
        found = torch.softmax(logits, dim=1).max(dim=1)
        return found.values, found.indices

    def calibration_error() -> float:
        values, predicted = confidence()
        return expected_calibration_error(reliability_bins(values, predicted == labels, 100))

    print(f"{arguments.examples} × {arguments.classes}, {arguments.threads} threads")
    functions = {
        "softmax and maximum": confidence,
        "with the calibration error": calibration_error,
        "all metrics of the test set, in float64": lambda: measure_test(logits, labels),
    }
    measure(functions, {"with the calibration error": Target(1.3)}, rounds=arguments.rounds, seconds=0.2)


if __name__ == "__main__":
    main()
