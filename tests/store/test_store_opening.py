"""Databases that cannot be used cost one clear message each, and stay as they are."""

from __future__ import annotations

import hashlib
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from store_samples import SPEC, Begin

from lsncli.errors import LsnError
from lsncli.store import Store, schema
from lsncli.store.database import upgrade
from lsncli.store.location import Location

OPENINGS = [{"create": True}, {"create": False}, {"read_only": True}]
READING = {"read_only": True}
WRITING = {"create": False}

Unprivileged = Callable[[Callable[[], Any]], Any]


def state(folder: Path) -> dict[str, tuple[str, int]]:
    """Every file of a folder with its digest and time of change."""
    return {
        str(p.relative_to(folder)): (hashlib.sha256(p.read_bytes()).hexdigest(), p.stat().st_mtime_ns)
        for p in sorted(folder.rglob("*"))
        if p.is_file()
    }


def refused(target: str | Path, **how: Any) -> LsnError:
    folder = Path(target).parent
    before = state(folder) if folder.is_dir() and "://" not in str(target) else None
    with pytest.raises(LsnError) as caught:
        Store.open(target, **how)
    if before is not None:
        assert state(folder) == before
    return caught.value


@pytest.mark.parametrize("how", [WRITING, READING])
def test_missing(path: Path, how: dict[str, bool]) -> None:
    error = refused(path, **how)
    assert "there is no result database" in error.what
    assert str(path) in error.where
    assert "lsn run" in error.next


def test_missing_folder(tmp_path: Path) -> None:
    error = refused(tmp_path / "no" / "results.db")
    assert "folder" in error.what
    assert "mkdir" in error.next


@pytest.mark.parametrize("how", OPENINGS)
@pytest.mark.parametrize(
    "content", [b"a", b"key,value\n1,2\n", b"PK\x03\x04" * 300, b"x" * 5000, b"SQLite format 3\0" + b"junk" * 500]
)
def test_not_a_database(path: Path, content: bytes, how: dict[str, bool]) -> None:
    path.write_bytes(content)
    assert "not a database" in refused(path, **how).what


@pytest.mark.parametrize("how", OPENINGS)
def test_a_folder(path: Path, how: dict[str, bool]) -> None:
    path.mkdir()
    assert "is a folder" in refused(path, **how).what


@pytest.mark.parametrize("how", OPENINGS)
def test_another_programs_database(path: Path, how: dict[str, bool]) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE run (id INTEGER)")
    connection.close()
    assert "another program's" in refused(path, **how).what


@pytest.mark.parametrize("how", OPENINGS)
def test_from_a_newer_lsn(path: Path, how: dict[str, bool]) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE lsn_schema_version (version_num VARCHAR(32) NOT NULL)")
        connection.execute("INSERT INTO lsn_schema_version VALUES ('0099')")
    connection.close()
    error = refused(path, **how)
    assert "newer lsn (schema 0099)" in error.what
    assert "upgrade lsn" in error.next
    with pytest.raises(LsnError, match="newer lsn"):
        upgrade(Location.parse(path))


def test_from_an_older_lsn(store: Store, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store.close()
    made = schema.REVISIONS[-1]
    monkeypatch.setattr(schema, "REVISIONS", (*schema.REVISIONS, "9998"))
    monkeypatch.setattr(schema, "READABLE", ("9998",))
    error = refused(path, **READING)
    assert f"older lsn (schema {made})" in error.what
    assert f"lsn db upgrade --db {path}" in error.next


def test_an_empty_file_is_a_new_database(path: Path) -> None:
    path.touch()
    assert "empty" in refused(path, **READING).what
    with Store.open(path, create=False) as store:
        assert store.statuses() == {}


@pytest.mark.parametrize("how", OPENINGS)
def test_damaged(store: Store, begin: Begin, path: Path, how: dict[str, bool]) -> None:
    begin("a", {step: {f"m{i}": 1.0 for i in range(100)} for step in range(20)})
    store.close()
    # The first page, with the header and the list of tables, is whole; what follows is not.
    size = path.stat().st_size
    with path.open("r+b") as stream:
        stream.seek(4096)
        stream.write(b"\xff" * (size - 4096))
    before = path.read_bytes()
    with pytest.raises(LsnError, match="damaged"), Store.open(path, **how) as opened:
        opened.history("a")
    assert path.read_bytes() == before


def test_locked(store: Store, begin: Begin, path: Path) -> None:
    begin("a")
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with Store.open(path, timeout=0.05) as waiting:
        with pytest.raises(LsnError, match="locked"):
            waiting.record_metrics("a", 1, {"m": 1.0})
        # Reading goes on beside the writer.
        assert set(waiting.statuses()) == {"a"}
        other.execute("COMMIT")
        waiting.record_metrics("a", 1, {"m": 1.0})
    other.close()


def test_locked_while_new(path: Path) -> None:
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(LsnError, match="locked"):
        Store.open(path, timeout=0.05)
    other.close()


@pytest.mark.parametrize("what", ["folder", "file"])
def test_read_only(bare_folder: Path, unprivileged: Unprivileged, what: str) -> None:
    path = bare_folder / "results.db"
    with Store.open(path) as store:
        store.begin_run("a", SPEC, steps=1, provenance={})
        store.record_metrics("a", 1, {"m": 2.0})
    (bare_folder if what == "folder" else path).chmod(0o555 if what == "folder" else 0o444)
    before = state(bare_folder)

    def read() -> dict[str, list[tuple[int, float]]]:
        with Store.open(path, read_only=True) as store:
            return store.history("a")

    assert unprivileged(read) == {"m": [(1, 2.0)]}
    for how in ({"create": True}, {"create": False}):
        with pytest.raises(LsnError, match="read-only"):
            unprivileged(lambda how=how: Store.open(path, **how))
    assert state(bare_folder) == before


def test_read_only_folder_for_a_new_database(bare_folder: Path, unprivileged: Unprivileged) -> None:
    bare_folder.chmod(0o555)
    with pytest.raises(LsnError, match="read-only"):
        unprivileged(lambda: Store.open(bare_folder / "results.db"))
    assert list(bare_folder.iterdir()) == []


def test_read_only_folder_with_a_log_left_behind(bare_folder: Path, unprivileged: Unprivileged) -> None:
    path = bare_folder / "results.db"
    store = Store.open(path)
    store.begin_run("a", SPEC, steps=1, provenance={})
    # As after a crash: the log holds what the file lacks, and there is no index of it.
    copy = bare_folder / "copy.db"
    copy.write_bytes(path.read_bytes())
    (bare_folder / "copy.db-wal").write_bytes((bare_folder / "results.db-wal").read_bytes())
    store.close()
    bare_folder.chmod(0o555)
    with pytest.raises(LsnError, match="write-ahead log") as error:
        unprivileged(lambda: Store.open(copy, read_only=True))
    assert "-wal" in error.value.next


def test_unreadable(bare_folder: Path, unprivileged: Unprivileged) -> None:
    path = bare_folder / "results.db"
    Store.open(path).close()
    path.chmod(0o000)
    with pytest.raises(LsnError, match="permission denied"):
        unprivileged(lambda: Store.open(path, read_only=True))


@pytest.mark.parametrize(
    ("target", "what"),
    [
        ("", "needs a file"),
        (":memory:", "needs a file"),
        ("sqlite://", "names a file"),
        ("sqlite:///a.db?mode=ro", "names a file"),
        ("sqlite+aiosqlite:///a.db", "names a file"),
        ("mysql://user:secret@host/db", "'mysql' are not supported"),
        ("://secret", "not an SQLAlchemy URL"),
        ("postgresql+nosuchdriver://user:secret@localhost/db", "unknown database driver"),
    ],
)
def test_wrong_urls(target: str, what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    error = refused(target)
    assert what in error.what
    assert "secret" not in str(error)


def test_a_missing_driver_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "psycopg", None)
    error = refused("postgresql+psycopg://user:secret@localhost/db")
    assert "'psycopg' is not installed" in error.what
    assert "secret" not in str(error)


def test_paths_with_characters_that_mean_something_in_a_uri(tmp_path: Path) -> None:
    path = tmp_path / "50 % done?mode=ro#ä.db"
    with Store.open(path) as store:
        store.begin_run("a", SPEC, steps=1, provenance={})
    with Store.open(f"sqlite:///{path}".replace("?", "%3F"), read_only=True) as store:
        pass
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_relative_paths_hold_when_the_folder_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with Store.open("sqlite:///results.db") as store:
        monkeypatch.chdir(os.sep)
        store.begin_run("a", SPEC, steps=1, provenance={})
        store.close()  # the next connection is a new one
        assert set(store.statuses()) == {"a"}


def test_reading_leaves_no_trace(store: Store, begin: Begin, path: Path) -> None:
    begin("a", {1: {"m": 1.0}})
    store.close()
    before = state(path.parent)
    assert set(before) == {"results.db"}
    with Store.open(path, read_only=True) as reader:
        reader.history("a")
    assert state(path.parent) == before


def test_writing_uses_a_log_and_waits_for_the_disk(store: Store) -> None:
    with store._reading() as connection:
        pragmas = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "foreign_keys", "busy_timeout", "synchronous")
        }
    # https://www.sqlite.org/pragma.html: synchronous 2 is FULL.
    assert pragmas == {"journal_mode": "wal", "foreign_keys": 1, "busy_timeout": 30000, "synchronous": 2}
