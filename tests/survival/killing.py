"""``lsn run`` in a process group of its own, killed again and again, and compared with a batch that was let be."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from faults import ORDERS, REACH, RECIPES, Fault
from survival_data import Left, differences, read_left

#: Seconds that a batch may take on a machine that is very busy.
PATIENCE = 280.0

#: How the runs are trained: numbers are equal to the bit only within one of these.
MODES = {
    "processes": ("--executor", "processes", "--replicas", "2"),
    "in-process": ("--executor", "in-process", "--replicas", "1"),
}


class Batch:
    """A folder with recipes and a database, and the command that trains them."""

    def __init__(self, folder: Path, shared: Path, mode: str, recipes: tuple[str, ...] = tuple(RECIPES)) -> None:
        self.folder = folder
        folder.mkdir(parents=True)
        for name in recipes:
            (folder / name).write_text(RECIPES[name])
        # fmt: off
        self.command = [
            sys.executable, "-m", "lsncli", "run", *recipes, "--data-dir", str(shared / "data"), "--device", "cpu",
            "--checkpoint-seconds", "0", *MODES[mode],
        ]
        # fmt: on
        environment = {name: value for name, value in os.environ.items() if not name.startswith("LSN_")}
        # One thread in either mode: sums that are split among threads are rounded in another way.
        places = [str(shared / "site"), *filter(None, [environment.get("PYTHONPATH")])]
        self.environment = environment | {"PYTHONPATH": os.pathsep.join(places), "OMP_NUM_THREADS": "1"}

    def start(self, *options: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [*self.command, *options],
            cwd=self.folder,
            env=self.environment,
            text=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )

    def finish(self) -> Left:
        """Run to the end, unkilled."""
        (self.folder / ORDERS).unlink(missing_ok=True)
        process = self.start()
        _, errors = process.communicate(timeout=PATIENCE)
        assert process.returncode == 0, f"exit status {process.returncode}: {errors[-3000:]}"
        return read_left(self.folder)

    def killed_by(self, fault: Fault) -> bool:
        """Start, and let the fault strike; whether it did before the runs were done."""
        fault.order(self.folder)
        return self._ends_killed(self.start())

    def killed_after(self, seconds: float) -> bool:
        """Start, and kill from outside after ``seconds``; whether there was anything left to kill."""
        (self.folder / ORDERS).unlink(missing_ok=True)
        process = self.start()
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
        return self._ends_killed(process)

    @staticmethod
    def _ends_killed(process: subprocess.Popen[str]) -> bool:
        try:
            _, errors = process.communicate(timeout=PATIENCE)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
        if process.returncode not in (0, -signal.SIGKILL):
            raise AssertionError(f"exit status {process.returncode}: {errors[-3000:]}")
        return process.returncode == -signal.SIGKILL


@dataclass
class Score:
    """Kills by the point that they struck at, and what was found afterwards."""

    kills: dict[str, int] = field(default_factory=dict)
    missed: int = 0
    batches: int = 0
    wrong: list[str] = field(default_factory=list)

    @property
    def total(self) -> int:
        return sum(self.kills.values())


def reference(
    folder: Path, shared: Path, mode: str, recipes: tuple[str, ...] = tuple(RECIPES)
) -> tuple[Left, float]:
    """What the batch leaves without a kill, and the seconds that it takes."""
    begun = time.monotonic()
    left = Batch(folder, shared, mode, recipes).finish()
    assert left.wrong == [], left.wrong
    return left, time.monotonic() - begun


def kill_one_batch(
    batch: Batch, expected: Left, seconds: float, most: int, dice: random.Random, score: Score
) -> None:
    """Kill a batch at most ``most`` times, half of them at chosen points, half at any time; finish and compare."""
    for _ in range(most):
        if dice.random() < 0.5:
            point = dice.choice(list(REACH))
            # Some strike while what they wait for is being done: a commit takes about a millisecond.
            wait = dice.choice([0.0, dice.uniform(0, 0.003)]) if point in ("commit", "fsync", "replace") else 0.0
            killed = batch.killed_by(Fault(point, dice.randint(1, REACH[point]), wait))
        else:
            point, killed = "any time", batch.killed_after(dice.uniform(0.3, 0.6 * seconds))
        if not killed:
            # The runs were done before: another kill would find nothing to train.
            score.missed += 1
            break
        score.kills[point] = score.kills.get(point, 0) + 1
    score.batches += 1
    score.wrong += [f"{batch.folder.name}: {text}" for text in differences(batch.finish(), expected)]
