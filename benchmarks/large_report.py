"""``lsn report --table 7`` on a database of 500 runs and 500,000 metric rows, start-up included.

Run: uv run python benchmarks/large_report.py [--runs 500] [--rows 1000] [--rounds 5]

The database holds all runs of Table 7 and others beside them, each with many evaluations; its numbers are made up.
The baseline is the same command without a database, timed in alternation; printed are medians and the spread.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from lsncli.recipe.loading import load
from lsncli.recipe.resolve import resolve
from lsncli.store import Store

METRICS = 20


def fill(path: Path, runs: int, rows: int) -> None:
    """Runs of Table 7 first, then copies of them under other seeds."""
    known = resolve(load("table7")).specs()
    specs = [known[i % len(known)].model_copy(update={"seed": 100 + i}) for i in range(runs)]
    keys = [spec.key for spec in known] + [f"{i:020x}" for i in range(runs)]
    with Store.open(str(path)) as store, store.transaction():
        for key, spec in list(zip(keys, [*known, *specs], strict=True))[:runs]:
            store.begin_run(key, spec.plain(), steps=rows, provenance={})
            for step in range(1, rows // METRICS + 1):
                values = {f"metric_{m}": 0.5 for m in range(METRICS - 1)}
                store.record_metrics(key, step, {**values, "test_accuracy": 0.5 + step / (4 * rows)})
            store.finish_run(key, "done", final_step=rows // METRICS, seconds=1.0)


def timed(*arguments: str, cwd: str) -> float:
    start = time.perf_counter()
    subprocess.run([sys.executable, "-m", "lsncli", *arguments], cwd=cwd, check=True, capture_output=True)
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=500)
    parser.add_argument("--rows", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        fill(Path(folder, "large.db"), options.runs, options.rows)
        command = ("report", "--table", "7", "--format", "csv")
        full, empty = [], []
        for _ in range(options.rounds):
            full.append(timed(*command, "--db", "large.db", cwd=folder))
            empty.append(timed(*command, cwd=folder))
    for name, seconds in (("with the database", full), ("without one (baseline)", empty)):
        print(f"{name:24s} {statistics.median(seconds):.3f} s ({min(seconds):.3f} … {max(seconds):.3f})")
    print(f"ratio {statistics.median(full) / statistics.median(empty):.2f}; aim: under 1 s with the database")


if __name__ == "__main__":
    main()
