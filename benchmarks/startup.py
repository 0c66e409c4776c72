"""What the commands that train nothing take, from the shell to the prompt.

Run: python benchmarks/startup.py [--rounds 7]

Target: 0.2 s for `lsn --help`. A bare interpreter is timed beside them, and the commands in a database of one run.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from lsncli.bench.alternation import Spread

COMMANDS = {
    "python -c pass": None,
    "python -c 'import typer'": None,
    "lsn --help": 0.2,
    "lsn runs list": None,
    "lsn report quickstart --profile smoke": None,
    "lsn report --table 7": None,
    "lsn plan table7": None,
}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=7)
    arguments = parser.parse_args()
    lsn = Path(sys.executable).with_name("lsn")
    with tempfile.TemporaryDirectory() as folder:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("LSN_")}
        environment |= {"LSN_DATA_DIR": str(Path(folder) / "data")}

        def run(words: list[str]) -> None:
            subprocess.run(words, cwd=folder, env=environment, check=True, capture_output=True)

        run([str(lsn), "run", "quickstart", "--profile", "smoke"])
        seconds: dict[str, list[float]] = {name: [] for name in COMMANDS}
        for _ in range(arguments.rounds):
            for name in COMMANDS:
                program, *rest = name.split(maxsplit=2 if name.startswith("python") else -1)
                words = [str(lsn), *rest] if program == "lsn" else [sys.executable, "-c", rest[1].strip("'")]
                begin = time.perf_counter()
                run(words)
                seconds[name].append(time.perf_counter() - begin)
    for name, target in COMMANDS.items():
        spread = Spread.of(seconds[name])
        verdict = (
            "" if target is None else f"target ≤ {target:g} s: {'reached' if spread.median <= target else 'SHORT'}"
        )
        print(f"  {name:40s} {spread.median:6.3f} s ({spread.low:.3f} … {spread.high:.3f})  {verdict}".rstrip())


if __name__ == "__main__":
    main()
