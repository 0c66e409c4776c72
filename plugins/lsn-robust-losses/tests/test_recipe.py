"""The recipe of this package runs, and its report has a row for every loss."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

RECIPE = Path(__file__).parents[1] / "recipes" / "robust-losses.toml"


def lsn(folder: Path, *words: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "lsncli", *words],
        cwd=folder,
        env={**os.environ, "LSN_DATA_DIR": str(folder / "data")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_recipe_runs_and_reports(tmp_path: Path) -> None:
    lsn(tmp_path, "run", str(RECIPE), "--profile", "smoke")
    report = json.loads(lsn(tmp_path, "report", str(RECIPE), "--profile", "smoke", "--format", "json"))
    cells = report["cells"]
    assert {cell["row"]["label"] for cell in cells} >= {"cross-entropy", "GCE", "ELR", "mixup", "truncated GCE"}
    assert len(cells) == 22
    assert {cell["status"] for cell in cells} == {"complete"}
