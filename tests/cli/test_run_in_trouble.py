"""``lsn run`` when the disk is full, the database locked, damaged or old: one message, and nothing is lost."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lsncli import batch
from lsncli.engine.events import Measured
from lsncli.recording import Recorder
from lsncli.store import Store, schema

RUN = "run tiny.toml --executor in-process"
FROZEN = Path(__file__).parents[1] / "store" / "frozen" / "trained"


def statuses(path: Path) -> list[str]:
    with Store.open(path, read_only=True) as store:
        return sorted(record.status for record in store.runs())


def histories(path: Path) -> dict[str, Any]:
    """Every number but the speed."""
    with Store.open(path, read_only=True) as store:
        found = {record.key: store.history(record.key) for record in store.runs()}
    for history in found.values():
        history.pop("images_per_second", None)
    return found


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of one megabyte."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
    if shutil.which("mount") is None or subprocess.run(command, capture_output=True).returncode:
        pytest.skip("a file system can be mounted only by root, and not in every container")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def fill(folder: Path) -> Path:
    """Leave no room at all on the disk of ``folder``."""
    ballast = folder / "ballast"
    with ballast.open("wb", buffering=0) as stream:
        for size in (65536, 4096):
            try:
                while stream.write(b"\0" * size):
                    pass
            except OSError:
                continue
    return ballast


def test_the_disk_is_full(lsn: Any, small_disk: Path) -> None:
    undisturbed = lsn(f"{RUN} --db {lsn.folder}/good.db")
    assert undisturbed.status == 0
    database = small_disk / "results.db"
    assert lsn(f"{RUN} --db {database} --only loss.name=standard").status == 0
    ballast = fill(small_disk)
    full = lsn(f"{RUN} --db {database}")
    assert full.status == 2
    assert "the disk of the result database is full" in full.err
    assert "make room" in full.err
    assert "Traceback" not in full.err
    # What is there can be read, reported and checked while there is no room.
    assert lsn(f"runs list --db {database}").status == 0
    assert lsn(f"report tiny.toml --db {database}").status == 0
    assert lsn(f"db check --db {database}").status == 0
    refused = lsn(f"db backup {small_disk}/copy.db --db {database}")
    assert refused.one_message
    assert "cannot be written" in refused.err
    ballast.unlink()
    assert not [p.name for p in small_disk.iterdir() if "part" in p.name or "copy" in p.name]
    again = lsn(f"{RUN} --db {database}")
    assert again.status == 0, again.err
    assert again.err.splitlines()[-1] == "2 runs: 1 trained, 1 already there"
    assert histories(database) == histories(lsn.folder / "good.db")


def end_of_the_process(database: Path) -> None:
    """What could not be given back is free when its process has ended; that of the tests goes on."""
    with sqlite3.connect(database) as connection:
        connection.execute("DELETE FROM claim")
    connection.close()


def test_the_disk_fills_up_while_runs_train(lsn: Any, small_disk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    database = small_disk / "results.db"
    genuine = Recorder.together

    def filling(self: Recorder, events: Any) -> Any:
        if any(isinstance(event, Measured) for event in events) and not (small_disk / "ballast").exists():
            fill(small_disk)
        return genuine(self, events)

    with monkeypatch.context() as patch:
        patch.setattr(Recorder, "together", filling)
        full = lsn(f"{RUN} --db {database}")
    assert full.status == 2
    assert "the disk of the result database is full" in full.err
    assert "Traceback" not in full.err
    assert "done" not in statuses(database)
    (small_disk / "ballast").unlink()
    end_of_the_process(database)
    again = lsn(f"{RUN} --db {database}")
    assert again.status == 0, again.err
    assert lsn(f"{RUN} --db {lsn.folder}/good.db").status == 0
    assert histories(database) == histories(lsn.folder / "good.db")
    assert lsn(f"db check --db {database}").status == 0


def test_no_room_for_new_databases(lsn: Any, small_disk: Path) -> None:
    fill(small_disk)
    result = lsn(f"{RUN} --db {small_disk}/results.db")
    assert result.status == 2
    assert "Traceback" not in result.err
    assert "full" in result.err


def test_weights_cannot_be_kept(lsn: Any) -> None:
    """Something lies where the folder of the weights should be: results are stored, and the runs tried again."""
    (lsn.folder / "results.checkpoints").write_text("in the way")
    result = lsn(RUN)
    assert result.status == 1
    assert "cannot write final." in result.err
    assert "make space there" in result.err
    assert "Traceback" not in result.err
    assert statuses(lsn.folder / "results.db") == ["failed", "failed"]
    assert all("test_accuracy" in history for history in histories(lsn.folder / "results.db").values())
    (lsn.folder / "results.checkpoints").unlink()
    assert lsn(f"{RUN} --retry-failed").status == 0
    assert statuses(lsn.folder / "results.db") == ["done", "done"]


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A twentieth of a second for half a minute."""
    monkeypatch.setitem(Store.open.__func__.__kwdefaults__, "timeout", 0.05)  # type: ignore[attr-defined]


def locking(monkeypatch: pytest.MonkeyPatch, database: Path, seconds: float) -> list[threading.Timer]:
    """Somebody locks the database when the first run is measured, for ``seconds``."""
    genuine = Recorder.together
    timers: list[threading.Timer] = []

    def together(self: Recorder, events: Any) -> Any:
        if any(isinstance(event, Measured) for event in events) and not timers:
            other = sqlite3.connect(database, isolation_level=None, check_same_thread=False, timeout=30)
            other.execute("BEGIN IMMEDIATE")
            timers.append(threading.Timer(seconds, other.close))
            timers[0].start()
        return genuine(self, events)

    monkeypatch.setattr(Recorder, "together", together)
    return timers


@pytest.mark.usefixtures("impatient")
def test_a_lock_is_waited_for(lsn: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch, "WAITS", 1000)
    timers = locking(monkeypatch, lsn.folder / "results.db", 1.0)
    result = lsn(RUN)
    timers[0].join()
    assert result.status == 0, result.err
    assert result.err.count("locked by another program: waiting for it") == 1
    assert statuses(lsn.folder / "results.db") == ["done", "done"]


@pytest.mark.usefixtures("impatient")
def test_a_lock_that_stays(lsn: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(batch, "WAITS", 3)
        timers = locking(patch, lsn.folder / "results.db", 600.0)
        result = lsn(RUN)
    timers[0].cancel()
    timers[0].function()
    assert result.status == 2
    assert "error: the result database is locked by another program" in result.err
    assert "Traceback" not in result.err
    end_of_the_process(lsn.folder / "results.db")
    again = lsn(RUN)
    assert again.status == 0, again.err
    assert statuses(lsn.folder / "results.db") == ["done", "done"]
    assert lsn(f"{RUN} --db good.db").status == 0
    assert histories(lsn.folder / "results.db") == histories(lsn.folder / "good.db")


def test_the_database_is_damaged(lsn: Any) -> None:
    assert lsn(f"{RUN} --seeds 3").status == 0
    whole = lsn.folder / "results.db"
    good, report = histories(whole), lsn("report tiny.toml --seeds 3").out
    with sqlite3.connect(whole) as connection:
        page = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'metric'").fetchone()[0]
        size = connection.execute("PRAGMA page_size").fetchone()[0]
    connection.close()
    with whole.open("r+b") as stream:
        stream.seek((page - 1) * size)
        stream.write(os.urandom(size))
    for command in (f"{RUN} --seeds 3", "report tiny.toml --seeds 3"):
        result = lsn(command)
        assert result.one_message
        assert "the result database is damaged" in result.err
        assert "lsn db check" in result.err
    checked = lsn("db check")
    assert checked.status == 1
    assert "--salvage FILE" in checked.out
    salvaged = lsn("db check --salvage saved.db --format json")
    assert salvaged.status == 0
    assert len(json.loads(salvaged.out)["partial"]) == 6
    again = lsn(f"{RUN} --seeds 3 --db saved.db")
    assert again.status == 0, again.err
    assert again.err.splitlines()[-1] == "6 runs: 6 trained"
    assert histories(lsn.folder / "saved.db") == good
    assert lsn("report tiny.toml --seeds 3 --db saved.db").out == report


@pytest.mark.parametrize("version", schema.REVISIONS)
def test_a_database_of_an_older_lsn_is_reported_and_gone_on_with(lsn: Any, version: str) -> None:
    database = lsn.folder / "results.db"
    connection = sqlite3.connect(database)
    connection.executescript((FROZEN / f"{version}.sql").read_text(encoding="utf-8"))
    connection.close()
    shutil.copy(FROZEN / "trained.toml", lsn.folder)
    before = database.read_bytes()
    cells = json.loads(lsn("report trained.toml --format json").out)["cells"]
    # The accuracies in the dump: 0.5 and 0.625; 0.75 and a run that was interrupted.
    found = {c["row"]["label"]: (c["values"], c["status"]) for c in cells if c["metric"] == "test_accuracy"}
    assert found == {"standard": ([50.0, 62.5], "complete"), "smoothed": ([75.0], "partial")}
    assert database.read_bytes() == before
    result = lsn("run trained.toml --executor in-process")
    assert result.status == 0, result.err
    assert result.err.splitlines()[-1] == "4 runs: 1 trained, 3 already there"
    with Store.open(database, read_only=True) as store:
        assert store.schema_version == schema.REVISIONS[-1]
        # What was stored before is as it was; the run that was gone on with has a second attempt.
        assert sorted(len(store.provenance(record.key)) for record in store.runs()) == [1, 1, 1, 2]
        [gone_on] = [record.key for record in store.runs() if len(store.provenance(record.key)) == 2]
        assert [step for step, _ in store.history(gone_on)["test_accuracy"]] == [10, 20]
    cells = json.loads(lsn("report trained.toml --format json").out)["cells"]
    again = {c["row"]["label"]: (c["values"], c["status"]) for c in cells if c["metric"] == "test_accuracy"}
    assert again["standard"] == found["standard"]
    assert (again["smoothed"][0][0], again["smoothed"][1]) == (75.0, "complete")
    assert lsn("db check").status == 0
