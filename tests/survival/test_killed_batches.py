"""``lsn run`` is killed at chosen moments and at any: what is left in the end is what an unkilled one leaves.

``kill_many.py`` does the same a hundred times and more.
"""

from __future__ import annotations

import os
import signal
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest
from faults import Fault, install
from killing import PATIENCE, Batch, reference
from survival_data import Left, differences, read_left

#: Small runs in a stack, a student and its teacher.
RECIPES = ("small.toml", "taught.toml")


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("survival")
    install(folder)
    return folder


@pytest.fixture(scope="module")
def expected(shared: Path) -> Left:
    return reference(shared / "reference", shared, "processes", RECIPES)[0]


@pytest.mark.usefixtures("slices_alike")
def test_killed_at_every_kind_of_moment(shared: Path, expected: Left, tmp_path: Path) -> None:
    """One batch, killed six times: the runs begin, are stored, written, evaluated, taught, and end in between."""
    batch = Batch(tmp_path / "batch", shared, "processes", RECIPES)
    faults = [
        Fault("commit", 2),
        Fault("teacher", 60),
        Fault("half", 1),
        Fault("evaluate", 3),
        Fault("replace", 2),
        Fault("committed", 4, 0.001),
    ]
    struck = [fault.point for fault in faults if batch.killed_by(fault)]
    # A fault strikes only while there is something left to train; the first five always find it.
    assert struck[:5] == [fault.point for fault in faults[:5]]
    assert differences(batch.finish(), expected) == []


def claims(folder: Path) -> int:
    """How many runs are claimed; none as long as there is no database."""
    try:
        with closing(sqlite3.connect(f"file:{folder / 'results.db'}?mode=ro", uri=True)) as connection:
            return int(connection.execute("SELECT count(*) FROM claim").fetchone()[0])
    except sqlite3.OperationalError:
        return 0


@pytest.mark.usefixtures("slices_alike")
def test_the_runs_of_a_killed_batch_are_taken_over(shared: Path, expected: Left, tmp_path: Path) -> None:
    """Two batches side by side; one is killed in the middle of its runs, and the other one trains them all."""
    batch = Batch(tmp_path / "batch", shared, "processes", RECIPES)
    doomed = batch.start()
    while doomed.poll() is None and claims(batch.folder) == 0:
        time.sleep(0.05)
    heir = batch.start()
    time.sleep(1)
    os.killpg(doomed.pid, signal.SIGKILL)
    doomed.communicate()
    _, errors = heir.communicate(timeout=PATIENCE)
    assert heir.returncode == 0, errors
    assert differences(read_left(batch.folder), expected) == []


def test_what_is_wrong_is_seen(shared: Path, expected: Left) -> None:
    """The comparison itself: a number, a byte and a file too many are noticed."""
    folder = shared / "reference"
    left = read_left(folder)
    assert differences(left, expected) == []
    weights = next(folder.glob("results.checkpoints/*/final.safetensors"))
    before = weights.read_bytes()
    stray = weights.with_name(".checkpoint.safetensors.1.part")
    try:
        weights.write_bytes(before[:-1] + bytes([before[-1] ^ 1]))
        stray.touch()
        found = differences(read_left(folder), expected)
    finally:
        weights.write_bytes(before)
        stray.unlink()
    assert sorted(text.partition(":")[0] for text in found) == ["left over", "not as noted", "other bytes"]
