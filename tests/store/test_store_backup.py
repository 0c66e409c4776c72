"""A backup is one state of a database in use, and never half a file."""

from __future__ import annotations

import multiprocessing
import os
import resource
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from run_samples import contents, database, put

from lsncli.errors import LsnError
from lsncli.store import Store
from lsncli.store.backup import backup
from lsncli.store.location import Location

FORK = multiprocessing.get_context("fork")


def copy(source: Path, target: Path, **how: Any) -> int:
    return backup(Location.parse(source), target, **how)


def test_a_copy_is_the_same_and_alone(tmp_path: Path) -> None:
    source = database(tmp_path / "results.db", 0, 1)
    before = contents(source)
    target = tmp_path / "copy.db"
    assert copy(source, target) == target.stat().st_size
    assert contents(target) == before == contents(source)
    assert {p.name for p in tmp_path.iterdir()} == {"results.db", "copy.db"}


def _write_pairs(path: Path, ready: Any, over: Any) -> None:
    with Store.open(path) as store:
        step = 0
        while not over.is_set():
            with store.transaction():
                store.record_metrics("pairs", step, {"one": float(step)})
                store.record_metrics("pairs", step, {"two": float(step)})
            step += 1
            if step == 5:
                ready.set()


def test_a_copy_of_a_database_in_use_is_of_one_moment(tmp_path: Path) -> None:
    source = tmp_path / "results.db"
    with Store.open(source) as store:
        store.begin_run("pairs", {}, steps=1, provenance={})
    ready, over = FORK.Event(), FORK.Event()
    writer = FORK.Process(target=_write_pairs, args=(source, ready, over))
    writer.start()
    try:
        assert ready.wait(60)
        lengths = []
        for number in range(3):
            target = tmp_path / f"copy{number}.db"
            copy(source, target)
            with Store.open(target, read_only=True) as store:
                history = store.history("pairs")
            # Both numbers of a transaction, or none.
            assert history["one"] == history["two"] == [(i, float(i)) for i in range(len(history["one"]))]
            lengths.append(len(history["one"]))
        assert lengths == sorted(lengths)
    finally:
        over.set()
        writer.join(60)
    assert writer.exitcode == 0


def test_a_log_that_is_not_yet_in_the_file_is_in_the_copy(tmp_path: Path) -> None:
    source = tmp_path / "results.db"
    with Store.open(source) as store:
        key = put(store, 0)
        assert source.with_name("results.db-wal").stat().st_size > 0
        copy(source, tmp_path / "copy.db")
    assert set(contents(tmp_path / "copy.db")["runs"]) == {key}


def test_nothing_is_overwritten_unless_told(tmp_path: Path) -> None:
    source, target = database(tmp_path / "results.db", 0), tmp_path / "old.db"
    target.write_text("precious")
    with pytest.raises(LsnError, match="already") as error:
        copy(source, target)
    assert "--force" in str(error.value)
    assert target.read_text() == "precious"
    copy(source, target, force=True)
    assert contents(target) == contents(source)


@pytest.mark.parametrize("force", [True, False])
def test_refused_places(tmp_path: Path, force: bool) -> None:
    source = database(tmp_path / "results.db", 0)
    (tmp_path / "folder").mkdir()
    (tmp_path / "busy.db-wal").write_bytes(b"log")
    link = tmp_path / "link.db"
    link.symlink_to(source)
    before = source.read_bytes()
    for target, what in (
        (source, "itself"),
        (link, "itself"),
        (tmp_path / "folder", "folder"),
        (tmp_path / "no" / "copy.db", "folder of the new file"),
        # SQLite would take the old log for the new file's.
        (tmp_path / "busy.db", "in use"),
    ):
        with pytest.raises(LsnError, match=what):
            copy(source, target, force=force)
    assert source.read_bytes() == before
    assert not list(tmp_path.glob(".*"))
    assert not (tmp_path / "busy.db").exists()


def test_a_server_has_its_own_program(tmp_path: Path) -> None:
    location = Location.parse("postgresql+psycopg://lsn:secret@db.example/results")
    with pytest.raises(LsnError, match="its own program") as error:
        backup(location, tmp_path / "copy.dump")
    assert "pg_dump" in error.value.next
    assert "postgresql://lsn@db.example/results" in error.value.next
    assert "secret" not in str(error.value)


def _limited(source: Path, target: Path) -> None:
    import signal

    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, 40_000))
    copy(source, target)


def test_a_disk_that_takes_only_part_of_the_copy(bare_folder: Path, in_child: Callable[..., Any]) -> None:
    source = database(bare_folder / "results.db", 0)
    assert source.stat().st_size > 40_000  # and the log's index takes 32 KiB
    (bare_folder / "out").mkdir()
    with pytest.raises(LsnError, match="the copy cannot be written"):
        in_child(lambda: _limited(source, bare_folder / "out" / "copy.db"))
    assert list((bare_folder / "out").iterdir()) == []
    assert len(contents(source)["runs"]) == 1


def test_a_database_that_may_only_be_read(
    bare_folder: Path, unprivileged: Callable[[Callable[[], Any]], Any]
) -> None:
    source = database(bare_folder / "results.db", 0)
    out = bare_folder / "out"
    out.mkdir()
    out.chmod(0o777)
    bare_folder.chmod(0o555)
    unprivileged(lambda: copy(source, out / "copy.db"))
    assert contents(out / "copy.db") == contents(source)
    out.chmod(0o555)
    with pytest.raises(LsnError, match="cannot be written"):
        unprivileged(lambda: copy(source, out / "copy2.db"))
    assert [p.name for p in out.iterdir()] == ["copy.db"]


def test_an_older_schema_stays_what_it_is(tmp_path: Path) -> None:
    source, target = tmp_path / "old.db", tmp_path / "copy.db"
    connection = sqlite3.connect(source)
    connection.executescript(Path(__file__).with_name("frozen").joinpath("0001.sql").read_text(encoding="utf-8"))
    connection.close()
    before = source.read_bytes()
    copy(source, target)
    assert source.read_bytes() == before
    with Store.open(target, read_only=True) as store:
        assert store.schema_version == "0001"


def test_two_at_once_make_one_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source, target = database(tmp_path / "results.db", 0), tmp_path / "copy.db"
    genuine = os.link

    def late(*paths: Any) -> None:
        target.write_text("the other's")
        genuine(*paths)

    monkeypatch.setattr(os, "link", late)
    with pytest.raises(LsnError, match="already"):
        copy(source, target)
    assert target.read_text() == "the other's"
