"""Result databases: bytes changed, values where others belong, tables dropped; then all commands that read one."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from tests.fuzz.calling import call
from tests.fuzz.driving import Kind
from tests.fuzz.edits import apply, edits
from tests.fuzz.values import NUMBERS, TEXTS, values

RECIPE = """\
title = "Fuzzed"
seeds = [0]
figure = [2, 3, 4]
[data]
name = "digits"
train_size = 60
test_size = 30
[noise]
name = "symmetric"
rate = 0.2
[model]
name = "mlp"
hidden = [4]
[train]
steps = 4
batch_size = 30
evaluations = 2
[sweep]
"loss.name" = ["standard", "label-smoothing"]
"""

COMMANDS = (
    ("db", "info"),
    ("db", "info", "--format", "json"),
    ("runs", "list"),
    ("runs", "list", "--format", "json"),
    ("runs", "show", "KEY"),
    ("runs", "show", "KEY", "--format", "json"),
    ("runs", "compare", "KEY", "OTHER"),
    ("runs", "compare", "KEY", "OTHER", "--over-seeds"),
    ("runs", "export"),
    ("runs", "export", "--format", "json"),
    ("runs", "rm", "KEY", "--yes"),
    ("plan", "RECIPE"),
    ("report", "RECIPE"),
    ("report", "RECIPE", "--format", "md"),
    ("report", "RECIPE", "--format", "html"),
    ("report", "RECIPE", "--format", "latex"),
    ("report", "RECIPE", "--format", "csv"),
    ("report", "RECIPE", "--format", "json"),
    ("report", "RECIPE", "--claims"),
    ("report", "RECIPE", "--figure", "2", "--format", "json"),
    ("report", "RECIPE", "--figure", "3", "--format", "json"),
    ("report", "RECIPE", "--figure", "4", "--format", "json"),
    ("report", "--figure", "1", "--format", "json"),
    ("run", "RECIPE", "--executor", "in-process"),
    ("db", "upgrade"),
    ("db", "check"),
    ("db", "check", "--format", "json"),
    ("db", "check", "--salvage", "SALVAGED"),
    ("db", "backup", "COPY"),
    ("db", "merge", "MUTATED"),
    ("db", "merge", "MUTATED", "--prefer", "theirs"),
)

#: Statements that leave a database which no lsn has made.
STATEMENTS = (
    "DELETE FROM lsn_schema_version",
    "UPDATE lsn_schema_version SET version_num = '9999'",
    "UPDATE lsn_schema_version SET version_num = '0001'",
    "UPDATE lsn_schema_version SET version_num = NULL",
    "UPDATE lsn_schema_version SET version_num = x'ff'",
    "INSERT INTO lsn_schema_version VALUES ('0001')",
    "DROP TABLE metric",
    "DROP TABLE array",
    "DROP TABLE stand_in",
    "DROP TABLE provenance",
    "DROP TABLE computation",
    "ALTER TABLE run DROP COLUMN title",
    "ALTER TABLE run RENAME COLUMN spec TO spec_of_old",
    "ALTER TABLE metric RENAME TO metrics",
    "DELETE FROM run",
    "DELETE FROM metric",
    "DELETE FROM provenance",
    "UPDATE run SET status = 'running'",
    "UPDATE run SET spec = '[]'",
    "UPDATE array SET data = x''",
    "UPDATE array SET shape = '[9223372036854775807, 9223372036854775807]'",
    "UPDATE array SET dtype = '|O'",
    "UPDATE array SET dtype = '<U99999999'",
    "UPDATE metric SET run_id = 77",
    "PRAGMA user_version = 99",
    "PRAGMA writable_schema = 1; UPDATE sqlite_master SET sql = 'CREATE TABLE run (x)' WHERE name = 'run'",
    "PRAGMA writable_schema = 1; UPDATE sqlite_master SET rootpage = 99999 WHERE name = 'metric'",
    "PRAGMA writable_schema = 1; UPDATE sqlite_master SET rootpage = 2",
    "DROP TABLE metric; CREATE VIEW metric AS WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n)"
    " SELECT 1 AS run_id, 'test_accuracy' AS name, i AS step, 0.5 AS value FROM n",
    "CREATE TRIGGER t AFTER INSERT ON provenance BEGIN DELETE FROM metric; END",
    "CREATE TRIGGER t BEFORE DELETE ON run BEGIN SELECT RAISE(ABORT, 'no'); END",
)


@cache
def base() -> bytes:
    """A database with trained runs, one that failed, a stand-in and a computation; other machines' numbers."""
    from lsncli.store import Store
    from lsncli.store.claimant import Claimant

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "recipe.toml").write_text(RECIPE, encoding="utf-8")
        database = folder / "results.db"
        with contextlib.chdir(folder):
            for command in (("run", "recipe.toml", "--executor", "in-process"), ("report", "--figure", "1")):
                more = ["--output", "figure.png"] if command[0] == "report" else []
                assert call(*command, "--db", str(database), *more) == "accepted"
        with Store.open(database) as store:
            spec = store.runs()[0].spec
            store.begin_run(
                "f" * 20, {**spec, "seed": 9}, title="Failed", steps=4, provenance={"host": {"cores": 2}}
            )
            store.finish_run("f" * 20, "failed", final_step=2, seconds=0.5, error="no", traceback="Trace\n  line")
            store.set_stand_in("digits-copy", "digits")
            # Processes that have ended: whoever wants their runs may take them.
            for number, key in enumerate(store.statuses()):
                store.claim([key], Claimant(f"{number:032x}", "elsewhere", 1, None, None), store.statuses(), _never)
        with contextlib.closing(sqlite3.connect(database)) as connection:
            connection.execute("UPDATE claim SET since = '2025-01-01 00:00:00', heartbeat = '2025-01-01 00:00:10'")
            connection.commit()
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            connection.execute("PRAGMA journal_mode = DELETE")
        return database.read_bytes()


def _never(entry: object) -> bool:
    return False


@cache
def columns() -> list[tuple[str, str]]:
    """Every table and column of the base."""
    with contextlib.closing(sqlite3.connect(":memory:")) as connection:
        connection.deserialize(base())
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return [(t, row[1]) for t in sorted(tables) for row in connection.execute(f"PRAGMA table_info({t})")]


@cache
def keys() -> list[str]:
    """The keys of its runs."""
    with contextlib.closing(sqlite3.connect(":memory:")) as connection:
        connection.deserialize(base())
        return [key for (key,) in connection.execute("SELECT key FROM run ORDER BY id")]


#: ``[kind, payload]`` of a value in a column.
_value = st.one_of(
    st.tuples(st.just("value"), st.one_of(st.sampled_from(TEXTS), st.sampled_from(NUMBERS), st.text(), st.none())),
    st.tuples(st.just("json"), values()),
    st.tuples(st.just("blob"), st.binary(max_size=20).map(lambda data: data.decode("latin-1"))),
    st.tuples(st.just("text"), st.binary(max_size=8).map(lambda data: data.decode("latin-1"))),
    st.tuples(st.just("part"), st.tuples(st.integers(0, 99), values()).map(list)),
).map(list)
_update = st.tuples(st.integers(0, 999), st.integers(0, 9), _value).map(list)
_sql = st.one_of(st.tuples(st.just("update"), _update), st.tuples(st.just("run"), st.sampled_from(STATEMENTS))).map(
    list
)
TOKENS = [
    b"SQLite format 3\x00",
    b"CREATE TABLE",
    b"\x0d\x00\x00",
    b"\x05\x00\x00",
    b"\x7f\xff\xff\xff",
    b"null",
    b"{",
]
_none = st.just([])
_cases = st.fixed_dictionaries(
    {
        "sql": st.one_of(st.lists(_sql, min_size=1, max_size=3), _none),
        "bytes": st.one_of(_none, edits(TOKENS, most=4)),
        "commands": st.lists(st.integers(0, len(COMMANDS) - 1), min_size=1, max_size=3, unique=True),
    }
)


def _changed_by_sql(path: Path, statements: list[Any]) -> None:
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA foreign_keys = OFF")
        connection.execute("PRAGMA journal_mode = MEMORY")
        connection.execute("PRAGMA synchronous = OFF")
        for kind, what in statements:
            # What SQLite itself refuses cannot be in a file either.
            with contextlib.suppress(sqlite3.Error, OverflowError, UnicodeEncodeError):
                if kind == "run":
                    connection.executescript(what)
                else:
                    _update_one(connection, *what)


def _update_one(connection: sqlite3.Connection, index: int, row: int, value: list[Any]) -> None:
    table, column = columns()[index % len(columns())]
    kind, payload = value
    written: Any = payload
    if kind == "json":
        written = json.dumps(payload)
    elif kind in ("blob", "text"):
        written = payload.encode("latin-1")
    elif kind == "part":
        found = connection.execute(f'SELECT "{column}" FROM "{table}" LIMIT 1').fetchone()
        written = _with_part(found[0] if found else None, *payload)
    place = "?" if kind != "text" else "CAST(? AS TEXT)"
    key = "step" if table == "metric" else "rowid"
    where = f'WHERE {key} = (SELECT {key} FROM "{table}" LIMIT 1 OFFSET {row})' if row else ""
    connection.execute(f'UPDATE OR REPLACE "{table}" SET "{column}" = {place} {where}', (written,))


def _with_part(text: Any, index: int, value: Any) -> Any:
    """JSON with one of its values replaced; what is no JSON is left."""
    from tests.fuzz.recipes import changed

    try:
        document = json.loads(text)
    except (TypeError, ValueError):
        return text
    return json.dumps(changed(document, [(index, "replace", value)])) if isinstance(document, dict) else text


def _run(case: dict[str, Any], folder: Path) -> str:
    database, recipe = folder / "results.db", folder / "recipe.toml"
    for old in folder.glob("*.db*"):
        old.unlink()
    database.write_bytes(base())
    recipe.write_text(RECIPE, encoding="utf-8")
    if case["sql"]:
        _changed_by_sql(database, case["sql"])
    if case["bytes"]:
        database.write_bytes(apply(database.read_bytes(), case["bytes"]))
    names = {"RECIPE": str(recipe), "KEY": keys()[0], "OTHER": keys()[1], "MUTATED": str(database)}
    names |= {"SALVAGED": str(folder / "salvaged.db"), "COPY": str(folder / "copy.db")}
    outcomes = set()
    for number in case["commands"]:
        command = [names.get(word, word) for word in COMMANDS[number]]
        used = database
        if "MUTATED" in COMMANDS[number]:
            used = folder / "good.db"
            used.write_bytes(base())
        file = {"csv", "json", "export", "md", "html", "latex"} & set(command)
        outcomes.add(call(*command, "--db", str(used), files=bool(file) and "runs" not in command[:1]))
    return "refused" if "refused" in outcomes else "accepted"


base()  # trains, which imports torch: before the memory is limited
KIND = Kind("database", _cases, _run)
