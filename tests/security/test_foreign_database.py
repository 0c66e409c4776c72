"""A database that came from elsewhere: read for what it says, and never followed out of its folder or run."""

from __future__ import annotations

import contextlib
import sqlite3
import tracemalloc
import zlib
from pathlib import Path

import pytest
from hostile_samples import Place

from lsncli.errors import LsnError
from lsncli.store import Store
from lsncli.store.array_codec import MAX_BYTES, decode
from lsncli.store.stored_values import UnreadableValueError


def change(statements: str, *values: object) -> None:
    with contextlib.closing(sqlite3.connect("results.db", isolation_level=None)) as connection:
        connection.execute("PRAGMA foreign_keys = OFF")
        if values:
            connection.execute(statements, values)
        else:
            connection.executescript(statements)


@pytest.mark.parametrize(
    "statements",
    [
        "CREATE TRIGGER t AFTER INSERT ON provenance BEGIN DELETE FROM metric; END",
        "DROP TABLE stand_in; CREATE VIEW stand_in AS SELECT 'digits' AS name, 'x' AS stands_in_for",
        "CREATE VIRTUAL TABLE f USING fts5(x)",
    ],
)
def test_a_database_that_would_run_something_is_refused(hostile: Place, statements: str) -> None:
    change(statements)
    before = Path("results.db").read_bytes()
    commands = (("runs", "list"), ("report", "evil.toml"), ("db", "info"), ("run", "evil.toml"), ("db", "upgrade"))
    for words in commands:
        answer = hostile(*words)
        assert answer.status == 2, words
        assert "which lsn never makes" in answer.err
    assert Path("results.db").read_bytes() == before


@pytest.mark.parametrize("path", ["../../outside.txt", "/ABSOLUTE/outside.txt", "link/outside.txt", "results.db"])
def test_a_path_in_a_database_is_never_followed_outside(hostile: Place, path: str, tmp_path: Path) -> None:
    outside = tmp_path.parent / f"{tmp_path.name}-outside"
    outside.mkdir()
    precious = outside / "outside.txt"
    precious.write_text("precious", encoding="utf-8")
    (tmp_path / "link").symlink_to(outside)
    named = path.replace("../../", f"../{outside.name}/").replace("/ABSOLUTE", str(outside))
    change("UPDATE artifact SET path = ?, sha256 = ?, bytes = 8", named, "0" * 64)
    with Store.open("results.db", read_only=True) as store:
        keys = list(store.statuses())
        database = (tmp_path / "results.db").stat().st_ino
    for words in (("runs", "show", keys[0]), ("report", "evil.toml"), ("db", "check"), ("runs", "export")):
        assert "precious" not in hostile(*words).out
    merged = hostile("db", "merge", "results.db", "--db", "merged.db")
    assert merged.status in (0, 1), merged.err
    assert hostile("runs", "rm", *keys, "--yes").status == 0
    assert precious.read_text(encoding="utf-8") == "precious"
    assert (tmp_path / "results.db").stat().st_ino == database
    # Nothing of it was copied to our side either.
    copied = [p for p in tmp_path.rglob("*") if p.is_file() and p.read_bytes() == b"precious"]
    assert all(outside in p.resolve().parents for p in copied)


def test_an_array_takes_no_more_than_its_shape_asks_for() -> None:
    bomb = zlib.compress(bytes(2**26))
    tracemalloc.start()
    try:
        with pytest.raises(UnreadableValueError):
            decode("<f4", [10], bomb)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 2**20


@pytest.mark.parametrize(
    ("dtype", "shape", "data"),
    [
        ("|O", [1], b""),
        ("<f4", [-1], zlib.compress(bytes(4))),
        ("<f4", [2**40, 2**40], zlib.compress(bytes(4))),
        ("<f4", [MAX_BYTES], zlib.compress(bytes(4))),
        ("<f4", [2], zlib.compress(bytes(4))),
        ("<f4", "1", zlib.compress(bytes(4))),
        ("<f4,<f4", [1], zlib.compress(bytes(8))),
        ("nonsense", [1], b""),
        ("<f4", [1], b"no zlib"),
        ("<f4", [1], "text"),
    ],
)
def test_what_is_no_array(dtype: str, shape: list[int], data: bytes) -> None:
    with pytest.raises(UnreadableValueError):
        decode(dtype, shape, data)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE run SET spec = 'no JSON'",
        "UPDATE run SET spec = '[]'",
        "UPDATE run SET started_at = 'yesterday'",
        "UPDATE run SET status = 'fine'",
        "UPDATE run SET steps = 'many'",
        "UPDATE run SET title = CAST(x'ff' AS TEXT)",
    ],
)
def test_a_value_that_no_lsn_writes_is_damage(hostile: Place, statement: str) -> None:
    change(statement)
    answer = hostile("runs", "list")
    assert answer.status == 2
    assert "the result database is damaged" in answer.err
    assert "lsn db check" in answer.err
    with Store.open("results.db", read_only=True) as store, pytest.raises(LsnError):
        store.runs()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE run SET key = x'ff' WHERE id = 1",
        "UPDATE provenance SET attempt = 'many'; UPDATE run SET status = 'interrupted'",
        f"UPDATE provenance SET attempt = {2**63 - 1}; UPDATE run SET status = 'interrupted'",
        "INSERT INTO claim SELECT key, 't', 'h', '/etc', NULL, NULL, '2025-01-01 00:00:00', '2025-01-01 00:00:00'"
        " FROM run; UPDATE run SET status = 'interrupted'",
    ],
)
def test_it_is_damage_for_who_looks_for_keys_claims_and_attempts(hostile: Place, statement: str) -> None:
    change(statement)
    words = ("runs", "show", "abc") if "key = x" in statement else ("run", "evil.toml", "--executor", "in-process")
    answer = hostile(*words)
    assert answer.status == 2, answer.err
    assert "the result database is damaged" in answer.err


@pytest.mark.parametrize(
    ("url", "secret"),
    [
        ("postgresql+psycopg://me:s3cret@localhost:1/lab", "s3cret"),
        ("postgresql+psycopg://localhost:1/lab?user=me&password=s3cret", "s3cret"),
        ("postgresql+psycopg://me:s%23cret@localhost:1/lab?sslpassword=0ther", "s%23cret"),
        ("postgresql+psycopg://me:s3cret@localhost:1/lab?sslpassword=0ther", "0ther"),
        ("postgresql+psycopg://me:s3cret@localhost:port/lab", "s3cret"),
        ("mysql://me:s3cret@localhost/lab", "s3cret"),
        ("oracle://me:s3cret@localhost/lab?wallet_password=0ther", "0ther"),
    ],
)
def test_a_password_is_never_told(hostile: Place, url: str, secret: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from lsncli.cli.command_line import command_line
    from lsncli.cli.database import repeated_options
    from lsncli.store.location import Location

    for words in (("runs", "list"), ("report", "evil.toml"), ("db", "info"), ("run", "evil.toml"), ("db", "check")):
        answer = hostile(*words, "--db", url)
        assert answer.status == 2
        assert answer.err.startswith("error: ")
        assert secret not in answer.out + answer.err
    if url.startswith("postgresql") and "port/" not in url:
        # What is stored with a run, and the command that a report advises.
        monkeypatch.setattr("sys.argv", ["lsn", "run", "evil.toml", f"--db={url}"])
        assert secret not in command_line(url)
        assert secret not in str(repeated_options(url, None))
        assert secret not in Location.parse(url).shown
        assert "localhost" in Location.parse(url).shown
