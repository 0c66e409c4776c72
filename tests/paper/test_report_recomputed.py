"""Every number of a report on digits, recomputed from the stored predictions by scikit-learn and plain NumPy."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from safetensors.numpy import load_file
from sklearn.metrics import accuracy_score

RECIPE = """\
title = "Tables 3 and 4 on digits"
seeds = [0, 1, 2]
[data]
name = "digits"
train_size = 300
test_size = 200
[noise]
name = "symmetric"
rate = 0.3
[model]
name = "mlp"
hidden = [16]
[train]
steps = 60
batch_size = 32
evaluations = 2
[[sweep.case]]
label = "plain"
loss = { name = "standard" }
[[sweep.case]]
label = "smoothed"
loss = { name = "label-smoothing", alpha = 0.4 }
[[sweep.case]]
label = "taught"
loss = { name = "standard" }
"teacher.loss" = { name = "label-smoothing", alpha = 0.4 }
[report]
rows = ["label"]
columns = ["metric"]
metrics = ["test_accuracy", "test_ece_100", "train_accuracy_full_true", "train_accuracy_clean_true",
    "train_accuracy_noisy_true", "train_accuracy_noisy_given"]
"""


def lsn(folder: Path, *arguments: str) -> str:
    environment = {**os.environ, "LSN_DATA_DIR": str(folder / "data")}
    command = [sys.executable, "-m", "lsncli", *arguments]
    done = subprocess.run(
        command, capture_output=True, text=True, cwd=folder, env=environment, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def calibration_error(logits: npt.NDArray[np.float64], labels: npt.NDArray[np.int64]) -> float:
    """Guo et al. 2017, equation 3, on 100 bins ((m-1)/100, m/100]."""
    probabilities = np.exp(logits - logits.max(axis=1, keepdims=True))
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    confidence, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == labels
    bins = np.ceil(confidence * 100)
    return sum(
        abs(right[bins == m].mean() - confidence[bins == m].mean()) * (bins == m).mean() for m in np.unique(bins)
    )


def recomputed(kept: dict[str, npt.NDArray[Any]], metric: str) -> float:
    """The metric of one run in the report's unit: percent for accuracies."""
    given, true, predicted = kept["train_given"], kept["train_true"], kept["train_predicted"]
    noisy = given != true
    if metric == "test_ece_100":
        return calibration_error(kept["test_logits"].astype(np.float64), kept["test_labels"])
    pairs = {
        "test_accuracy": (kept["test_labels"], kept["test_logits"].argmax(axis=1)),
        "train_accuracy_full_true": (true, predicted),
        "train_accuracy_clean_true": (true[~noisy], predicted[~noisy]),
        "train_accuracy_noisy_true": (true[noisy], predicted[noisy]),
        "train_accuracy_noisy_given": (given[noisy], predicted[noisy]),
    }
    return 100 * float(accuracy_score(*pairs[metric]))


def test_every_cell(tmp_path: Path) -> None:
    (tmp_path / "digits.toml").write_text(RECIPE)
    lsn(tmp_path, "run", "digits.toml", "--executor", "in-process")
    report = json.loads(lsn(tmp_path, "report", "digits.toml", "--format", "json"))
    assert len(report["cells"]) == 3 * 6
    for cell in report["cells"]:
        files = [tmp_path / "results.checkpoints" / key / "predictions.safetensors" for key in cell["keys"]]
        values = [recomputed(load_file(str(file)), cell["metric"]) for file in files]
        assert cell["values"] == pytest.approx(values, abs=1e-5), cell
        assert cell["mean"] == pytest.approx(statistics.mean(values), abs=1e-5)
        assert cell["std"] == pytest.approx(statistics.stdev(values), abs=1e-5)  # statistics.stdev has ddof 1
        assert cell["n"] == 3
