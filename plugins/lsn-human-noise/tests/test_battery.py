"""The battery of a noise model without a rate and without a matrix, by the command of the README."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from lsncli.data.catalogue import load
from lsncli.data.context import DataContext

MINE = """\
title = "Mine"
seeds = [0, 1]
data = { name = "digits" }
model = { name = "mlp" }
train = { steps = 10 }
"""


def test_the_command_of_the_readme(tmp_path: Path) -> None:
    readme = (Path(__file__).resolve().parents[1] / "README.md").read_text(encoding="utf-8")
    (told,) = re.findall(r"(?m)^lsn (battery .*)$", readme)
    labels = load("digits", {}, DataContext(tmp_path / "data")).train_labels
    (tmp_path / "annotators.csv").write_text("".join(f"{label}\n" for label in labels), encoding="utf-8")
    (tmp_path / "mine.toml").write_text(MINE, encoding="utf-8")
    command = [sys.executable, "-m", "lsncli", *told.split(), "--dry-run", "--data-dir", str(tmp_path / "data")]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "'csv-labels' has no transition matrix" in done.stderr
    # Standard training and three α of smoothing, and the students of two teachers, over the seeds of the recipe.
    assert "12 runs" in done.stderr
