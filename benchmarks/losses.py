"""Losses, forward and backward, against torch's cross-entropy on the same logits.

Run: python benchmarks/losses.py [--batch 1024] [--classes 10 100] [--threads N] [--rounds 7]

Targets: at most 1.3 times cross-entropy's time for the symmetric ones, 4 times for any matrix.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

import numpy as np
import torch
from against_target import Target, measure
from torch import Tensor
from torch.nn import functional

from lsncli.losses.forward import MatrixForward, SymmetricForward
from lsncli.losses.matrices import backward_matrix, symmetric_transition
from lsncli.losses.smearing import MatrixSmearing, label_smoothing, standard, symmetric_backward_correction

SYMMETRIC, ANY = Target(1.3), Target(4.0)


def any_transition(classes: int) -> np.ndarray:
    """A dense row-stochastic matrix without symmetry that can be inverted."""
    rows = np.random.default_rng(0).dirichlet(np.ones(classes), size=classes)
    return 0.7 * np.eye(classes) + 0.3 * rows


def step(loss: Callable[[Tensor, Tensor], Tensor], logits: Tensor, targets: Tensor) -> Callable[[], None]:
    def run() -> None:
        logits.grad = None
        loss(logits, targets).mean().backward()

    return run


def reference(logits: Tensor, targets: Tensor) -> Tensor:
    return functional.cross_entropy(logits, targets, reduction="none")


def torch_smoothing(logits: Tensor, targets: Tensor) -> Tensor:
    return functional.cross_entropy(logits, targets, reduction="none", label_smoothing=0.1)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--batch", type=int, nargs="+", default=[1024, 4096])
    parser.add_argument("--classes", type=int, nargs="+", default=[10, 100])
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=0.1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    for classes in arguments.classes:
        any_t = any_transition(classes)
        built: dict[str, tuple[torch.nn.Module, Target]] = {
            "standard": (standard(classes), SYMMETRIC),
            "label smoothing": (label_smoothing(classes, 0.1), SYMMETRIC),
            "backward, symmetric": (symmetric_backward_correction(classes, 0.1), SYMMETRIC),
            "backward, symmetric, floor": (symmetric_backward_correction(classes, 0.1, 1e-7), SYMMETRIC),
            "forward, symmetric": (SymmetricForward(classes, 0.1), SYMMETRIC),
            "smearing, any M": (MatrixSmearing(symmetric_transition(classes, 0.1)), ANY),
            "backward, any T": (MatrixSmearing(backward_matrix(any_t)), ANY),
            "backward, any T, floor": (MatrixSmearing(backward_matrix(any_t), 1e-7), ANY),
            "forward, any T": (MatrixForward(any_t), ANY),
        }
        for batch in arguments.batch:
            torch.manual_seed(0)
            logits = torch.randn(batch, classes, requires_grad=True)
            labels = torch.randint(0, classes, (batch,))
            soft = torch.softmax(torch.randn(batch, classes), dim=1)
            for kind, targets in (("labels", labels), ("soft targets", soft)):
                print(f"{batch} × {classes}, {kind}, {arguments.threads} threads")
                functions = {"cross_entropy": step(reference, logits, targets)}
                functions["torch's label smoothing"] = step(torch_smoothing, logits, targets)
                functions |= {name: step(loss, logits, targets) for name, (loss, _) in built.items()}
                goals = {name: target for name, (_, target) in built.items()}
                measure(functions, goals, rounds=arguments.rounds, seconds=arguments.seconds)


if __name__ == "__main__":
    main()
