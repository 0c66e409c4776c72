"""A missing file is told of once, before anything is trained or written."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

RECIPE = """
title = "Human labels"
seeds = [0, 1]
[data]
name = "digits"
[noise]
name = "cifar10n"
[model]
name = "linear"
[train]
steps = 2
[sweep]
"noise.labels" = ["worst", "aggre"]
"""


@pytest.mark.parametrize("options", [[], ["--db", "results.db"]])
def test_it_costs_one_message_and_leaves_nothing(options: list[str], tmp_path: Path) -> None:
    (tmp_path / "recipe.toml").write_text(RECIPE)
    command = [sys.executable, "-m", "lsncli", "run", "recipe.toml", "--data-dir", str(tmp_path / "data"), *options]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.count("CIFAR-10_human.pt is not on this machine") == 1
    assert "UCSC-REAL/cifar-10-100n" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["recipe.toml"]
