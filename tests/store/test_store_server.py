"""What is PostgreSQL's own: its schema, old ones, locks, rights, and what it says when something is wrong."""

from __future__ import annotations

import socket
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from run_samples import contents, put
from sqlalchemy import create_engine, text

from lsncli.errors import LsnError
from lsncli.store import Store, database, schema
from lsncli.store.failures import DatabaseLockedError
from lsncli.store.location import Location
from lsncli.store.models import METADATA

FROZEN = Path(__file__).with_name("frozen") / "trained"


@pytest.fixture
def url(postgresql: Any) -> Iterator[str]:
    with postgresql.database() as made:
        yield made


@pytest.fixture
def empty(postgresql: Any) -> Iterator[str]:
    """A database without any table."""
    with postgresql.database("template0") as made:
        yield made


def test_migrated_equals_declared(empty: str) -> None:
    with Store.open(empty) as store, store._reading() as connection:
        assert store.schema_version == schema.REVISIONS[-1]
        options = {"version_table": schema.VERSION_TABLE, "compare_type": True, "compare_server_default": True}
        assert compare_metadata(MigrationContext.configure(connection, opts=options), METADATA) == []


def frozen_on_server(empty: str, version: str, tmp_path: Path) -> str:
    """The frozen SQLite database of a schema, as a server would have it."""
    database.create_at(Location.parse(empty), version)
    frozen = sqlite3.connect(tmp_path / "frozen.db")
    frozen.executescript((FROZEN / f"{version}.sql").read_text(encoding="utf-8"))
    engine = create_engine(empty)
    with engine.begin() as connection:
        for table in ("run", "metric", "array", "provenance"):
            rows = frozen.execute(f"SELECT * FROM {table}")
            names = [column[0] for column in rows.description]
            statement = text(
                f'INSERT INTO "{table}" ({", ".join(names)}) VALUES ({", ".join(f":{n}" for n in names)})'
            )
            connection.execute(statement, [dict(zip(names, row, strict=True)) for row in rows])
    engine.dispose()
    frozen.close()
    return empty


@pytest.mark.parametrize("version", schema.REVISIONS)
def test_old_schemas_are_read_and_upgraded(empty: str, tmp_path: Path, version: str) -> None:
    url = frozen_on_server(empty, version, tmp_path)
    before, there = contents(url), contents(tmp_path / "frozen.db")
    # The time zone of what was written without one is the server's: UTC here.
    assert before["runs"] == there["runs"]
    if version != schema.REVISIONS[-1]:
        from lsncli.store.checking import check

        with pytest.raises(LsnError, match="older lsn") as error:
            check(url)
        assert "lsn db upgrade" in error.value.next
    assert database.upgrade(Location.parse(url)) == (version, schema.REVISIONS[-1])
    assert contents(url) == before
    with Store.open(url) as store:
        # The numbers of runs go on after those that were inserted with theirs.
        with store.transaction() as connection:
            connection.execute(text("SELECT setval('run_id_seq', (SELECT max(id) FROM run))"))
        put(store, 0)
        assert len(store.runs()) == 5


def test_a_newer_schema_is_refused(url: str) -> None:
    with Store.open(url) as store, store.transaction() as connection:
        connection.execute(text("UPDATE lsn_schema_version SET version_num = '0099'"))
    for how in ({"read_only": True}, {"create": False}):
        with pytest.raises(LsnError, match="newer lsn") as error:
            Store.open(url, **how)
        assert "upgrade lsn" in error.value.next


def test_a_writer_waits_for_its_turn_and_readers_do_not(url: str) -> None:
    with Store.open(url) as first, Store.open(url, timeout=0.1) as second:
        key = put(first, 0)
        with first.transaction():
            first.record_metrics(key, 1, {"m": 1.0})
            with pytest.raises(DatabaseLockedError, match="locked by another program"):
                second.record_metrics(key, 2, {"m": 2.0})
            assert "m" not in second.history(key)
            waits: list[int] = []
            second.patience = lambda count: not waits.append(count) and count < 3
            with pytest.raises(DatabaseLockedError):
                second.record_metrics(key, 2, {"m": 2.0})
            assert waits == [1, 2, 3]
        second.record_metrics(key, 2, {"m": 2.0})
        assert first.history(key)["m"] == [(1, 1.0), (2, 2.0)]


def test_a_reader_sees_one_state(url: str) -> None:
    with Store.open(url) as store, Store.open(url, read_only=True) as reader, reader._reading() as connection:
        count = text("SELECT count(*) FROM run")
        assert connection.scalar(count) == 0
        put(store, 0)
        assert connection.scalar(count) == 0
        assert len(reader.runs()) == 1


def test_a_user_without_rights(url: str, postgresql: Any) -> None:
    Store.open(url).close()
    postgresql.administer("DROP ROLE IF EXISTS guest")
    postgresql.administer("CREATE ROLE guest LOGIN")
    name = url.rsplit("/", 1)[1]
    guest = f"postgresql+psycopg://guest:secret@127.0.0.1:{postgresql.port}/{name}"
    with pytest.raises(LsnError, match="does not allow it: permission denied") as error:
        Store.open(guest)
    assert "rights" in error.value.next
    assert "secret" not in str(error.value)


def test_no_server_and_no_database(url: str, postgresql: Any) -> None:
    with pytest.raises(LsnError, match="does not exist"):
        Store.open(f"{url}nowhere")
    with socket.socket() as asked:
        asked.bind(("127.0.0.1", 0))
        port = asked.getsockname()[1]
        with pytest.raises(LsnError, match="cannot be used") as error:
            Store.open(f"postgresql+psycopg://lsn:secret@127.0.0.1:{port}/results")
    assert "secret" not in str(error.value)


def test_a_connection_that_is_cut(url: str, postgresql: Any) -> None:
    """The server ends the connection: one message, and the next request gets a new one."""
    with Store.open(url) as store:
        key = put(store, 0)

        def cut() -> None:
            with store.transaction():
                store.record_metrics(key, 1, {"m": 1.0})
                postgresql.administer(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    f" WHERE datname = '{url.rsplit('/', 1)[1]}'"
                )
                store.record_metrics(key, 2, {"m": 1.0})

        with pytest.raises(LsnError, match="cannot be used"):
            cut()
        assert "m" not in store.history(key)
        store.record_metrics(key, 3, {"m": 1.0})
        assert store.history(key)["m"] == [(3, 1.0)]
