"""The parameters that the papers and their authors' code used, data set by data set.

Weights are converted where this package defines a loss otherwise than the code that they were tuned with: Ma et
al.'s code has 1 − p for mean absolute error, which is half of ours, and log 0 = log 1e-4 in reverse cross-entropy.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

#: log 1e-4, at which the authors' code of SCE and of the active-passive losses clips the label.
CLIPPED = round(math.log(1e-4), 4)


@dataclass(frozen=True, slots=True)
class Setting:
    """One loss's parameters for one data set; what is not named is the default."""

    loss: str
    dataset: str
    params: dict[str, float | str] = field(default_factory=dict)
    source: str = ""


_SCE = "the authors' weights, as in the code of Ma et al."
_MA = "configs of the authors' code"

SETTINGS = (
    Setting("gce", "all", {"q": 0.7}, "paper"),
    Setting("truncated-gce", "CIFAR-10, CIFAR-100", {"q": 0.7, "k": 0.5, "start": 40, "every": 10}, "paper"),
    Setting("sce", "MNIST", {"alpha": 0.01, "beta": 1.0, "log_zero": CLIPPED}, _SCE),
    Setting("sce", "CIFAR-10", {"alpha": 0.1, "beta": 1.0, "log_zero": CLIPPED}, _SCE),
    Setting("sce", "CIFAR-100", {"alpha": 6.0, "beta": 0.1, "log_zero": CLIPPED}, _SCE),
    Setting("focal", "MNIST, CIFAR-10, CIFAR-100", {"gamma": 0.5}, _MA),
    Setting("focal", "COCO (detection)", {"gamma": 2.0}, "paper"),
    Setting("nce-rce", "MNIST", {"alpha": 1.0, "beta": 10.0, "log_zero": CLIPPED}, _MA),
    Setting("nce-rce", "CIFAR-10", {"alpha": 1.0, "beta": 1.0, "log_zero": CLIPPED}, _MA),
    Setting("nce-rce", "CIFAR-100", {"alpha": 10.0, "beta": 0.1, "log_zero": CLIPPED}, _MA),
    Setting("nfl-rce", "MNIST", {"alpha": 1.0, "beta": 10.0, "gamma": 0.5, "log_zero": CLIPPED}, _MA),
    Setting("nfl-rce", "CIFAR-10", {"alpha": 1.0, "beta": 1.0, "gamma": 0.5, "log_zero": CLIPPED}, _MA),
    Setting("nfl-rce", "CIFAR-100", {"alpha": 10.0, "beta": 0.1, "gamma": 0.5, "log_zero": CLIPPED}, _MA),
    Setting("nce-mae", "MNIST", {"alpha": 1.0, "beta": 5.0}, _MA),
    Setting("nce-mae", "CIFAR-10", {"alpha": 1.0, "beta": 0.5}, _MA),
    Setting("nce-mae", "CIFAR-100", {"alpha": 10.0, "beta": 0.5}, _MA),
    Setting("nfl-mae", "MNIST", {"alpha": 1.0, "beta": 5.0, "gamma": 0.5}, _MA),
    Setting("nfl-mae", "CIFAR-10", {"alpha": 1.0, "beta": 0.5, "gamma": 0.5}, _MA),
    Setting("nfl-mae", "CIFAR-100", {"alpha": 10.0, "beta": 0.5, "gamma": 0.5}, _MA),
    Setting("bi-tempered", "MNIST", {"t1": 0.5, "t2": 4.0}, "paper"),
    Setting("bi-tempered", "CIFAR-100", {"t1": 0.8, "t2": 1.2}, "paper"),
    Setting("bi-tempered", "ImageNet", {"t1": 0.9, "t2": 1.05}, "paper"),
    Setting("phuber-ce", "MNIST", {"tau": 10.0}, "paper"),
    Setting("phuber-ce", "CIFAR-10", {"tau": 2.0}, "paper"),
    Setting("phuber-ce", "CIFAR-100", {"tau": 10.0}, "paper (50 does better in a later reproduction)"),
    Setting("phuber-gce", "MNIST, CIFAR-10, CIFAR-100", {"q": 0.7, "tau": 10.0}, "paper"),
    Setting("soft-bootstrapping", "MNIST", {"beta": 0.95}, "paper"),
    Setting("hard-bootstrapping", "MNIST", {"beta": 0.8}, "paper"),
    Setting("gls", "CIFAR-10", {"warmup_epochs": 120}, "authors' code; rates from 0.8 down to -8 were tried"),
    Setting("elr", "CIFAR-10", {"beta": 0.7, "weight": 3.0}, "configs of the authors' code"),
    Setting("elr", "CIFAR-10, asymmetric noise", {"beta": 0.9, "weight": 1.0}, "configs of the authors' code"),
    Setting("elr", "CIFAR-100", {"beta": 0.9, "weight": 7.0}, "configs of the authors' code"),
    Setting("mixup", "CIFAR-10, CIFAR-100", {"alpha": 1.0}, "paper"),
    Setting("mixup", "CIFAR-10, corrupted labels", {"alpha": 8.0}, "paper (32 as well)"),
    Setting("mixup", "ImageNet", {"alpha": 0.2}, "paper (0.1 to 0.4)"),
)


def row(setting: Setting) -> str:
    """The setting as a row of the table in the README."""
    values = ", ".join(f"{name} = {value}" for name, value in setting.params.items())
    return f"| `{setting.loss}` | {setting.dataset} | {values} | {setting.source} |"
