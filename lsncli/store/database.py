"""Opening a database: connections that lock as they should, for writing or for reading only.

SQLite's defaults fail under several writers: a transaction that reads first and then writes holds a snapshot
that another's commit makes stale, and fails at once, whatever the timeout. Hence every transaction that writes
begins as BEGIN IMMEDIATE and waits for its turn before it reads anything.
"""

from __future__ import annotations

import sqlite3
import time
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError

from lsncli.errors import LsnError
from lsncli.store import schema
from lsncli.store.failures import explained
from lsncli.store.location import Location
from lsncli.store.server import READING, server_engine
from lsncli.store.stored_values import read_json

#: Seconds that a writer waits for its turn.
TIMEOUT = 30.0

#: Execution option of a connection whose next transaction writes.
WRITES = "lsn_writes"


def open_for_writing(location: Location, *, create: bool = True, timeout: float = TIMEOUT) -> Engine:
    """An engine on an up-to-date schema, migrated if need be; a new database if ``create`` allows it.

    Raises :class:`LsnError` for a file that is missing, no database, another program's, from a newer lsn,
    read-only or locked; such a file is not changed.
    """
    location.check_for_writing(create=create)
    # An existing file is never opened in a mode that could make a new one: it may be removed meanwhile.
    mode = "rw" if location.exists() else "rwc"
    engine = _engine(location, mode, timeout=timeout)
    try:
        with explained(location.shown):
            with engine.connect() as connection:
                version = schema.read_version(connection, location.shown)
            if version != schema.REVISIONS[-1]:
                _migrate(engine, location)
            if location.path is not None:
                _use_write_ahead_log(engine, timeout)
    except BaseException:
        engine.dispose()
        raise
    return engine


def create_at(location: Location, revision: str) -> None:
    """Make a new SQLite file with the tables of an older ``revision``, to be filled and then upgraded."""
    engine = _engine(location, "rwc", timeout=TIMEOUT)
    try:
        with explained(location.shown):
            _migrate(engine, location, revision)
    finally:
        engine.dispose()


def open_for_reading(location: Location, *, timeout: float = TIMEOUT) -> Engine:
    """An engine that cannot write, on a schema that can be read; works on read-only files and folders.

    Raises :class:`LsnError` as :func:`open_for_writing` does, and for an older schema that only an upgrade, by a
    writer, makes readable.
    """
    location.check_for_reading()
    for mode in _reading_modes(location):
        engine = _engine(location, mode, timeout=timeout, query_only=True)
        try:
            with explained(location.shown), reading(engine) as connection:
                schema.require_readable(connection, location.shown)
        except LsnError as error:
            engine.dispose()
            if mode == "ro" and _needs_log_files(error):
                continue
            raise
        except BaseException:
            engine.dispose()
            raise
        return engine
    raise LsnError(
        "the result database has a write-ahead log that cannot be read in a read-only folder",
        where=location.shown,
        next=f"copy {location.shown} together with its -wal file to a writable folder and use the copy",
    )


def reading(engine: Engine) -> Connection:
    """A connection whose transaction sees one state; on a server it cannot write."""
    connection = engine.connect()
    return connection if engine.dialect.name == "sqlite" else connection.execution_options(**READING)


def upgrade(location: Location) -> tuple[str | None, str]:
    """Bring an existing database up to date; the schema before and after."""
    location.check_for_writing(create=False)
    engine = _engine(location, "rw", timeout=TIMEOUT)
    try:
        with explained(location.shown), engine.connect() as connection:
            before = schema.read_version(connection, location.shown)
    finally:
        engine.dispose()
    open_for_writing(location, create=False).dispose()
    return before, schema.REVISIONS[-1]


def _reading_modes(location: Location) -> list[str]:
    """The ways to open a file for reading, best first."""
    if location.writable():
        # Where it may, SQLite keeps its log files in order and removes them at the end; a connection in mode
        # "ro" would make them and leave them behind. PRAGMA query_only refuses every write all the same.
        return ["rw"]
    assert location.path is not None
    log = location.path.with_name(location.path.name + "-wal")
    # Without a log nobody is writing, nor can anyone in such a folder: the file may be read as it lies.
    return ["ro"] if log.exists() and log.stat().st_size else ["ro", "ro&immutable=1"]


def _needs_log_files(error: LsnError) -> bool:
    """Whether SQLite refused to read because it could not make its log files beside the database."""
    cause = error.__cause__
    code = getattr(cause.orig, "sqlite_errorname", "") if isinstance(cause, DBAPIError) else ""
    return str(code).startswith(("SQLITE_CANTOPEN", "SQLITE_READONLY"))


def _engine(location: Location, mode: str, *, timeout: float, query_only: bool = False) -> Engine:
    if location.url is not None:
        return server_engine(location, timeout=timeout, writes=WRITES)
    uri = location.uri(mode)

    def connect() -> sqlite3.Connection:
        # isolation_level=None: the driver begins nothing by itself; the events below say what begins, and how.
        connection = sqlite3.connect(uri, uri=True, timeout=timeout, isolation_level=None, check_same_thread=False)
        connection.execute("PRAGMA foreign_keys = ON")
        # A file from elsewhere must not make SQLite do more than read it.
        connection.execute("PRAGMA trusted_schema = OFF")
        # With a write-ahead log NORMAL would be safe from damage, but a power cut could take back the last
        # commits: the word that a run of many hours is done. FULL costs one fsync per commit, and commits are
        # few, as the numbers of one evaluation are written together.
        connection.execute("PRAGMA synchronous = FULL")
        if query_only:
            connection.execute("PRAGMA query_only = ON")
        return connection

    engine = create_engine("sqlite://", creator=connect, poolclass=_pool(), json_deserializer=read_json)
    event.listen(engine, "begin", _begin)
    return engine


def _pool() -> Any:
    # "sqlite://" without a file name would choose a pool for databases in memory.
    from sqlalchemy.pool import QueuePool

    return QueuePool


def _begin(connection: Connection) -> None:
    writes = connection.get_execution_options().get(WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _migrate(engine: Engine, location: Location, to: str | None = None) -> None:
    """Migrate inside one immediate transaction: of several processes, one works and the others find it done."""
    with engine.connect().execution_options(**{WRITES: True}) as connection:
        driver = connection.connection.dbapi_connection
        assert driver is not None
        _foreign_keys(driver, engine, "OFF")
        try:
            with connection.begin():
                schema.migrate(connection, location.shown, to)
        finally:
            _foreign_keys(driver, engine, "ON")


def _foreign_keys(driver: Any, engine: Engine, state: str) -> None:
    """Switch them outside any transaction; on, rebuilding a table would delete the rows that refer to it."""
    if engine.dialect.name == "sqlite":
        driver.execute(f"PRAGMA foreign_keys = {state}")


def _use_write_ahead_log(engine: Engine, timeout: float) -> None:
    """Let readers and the writer work at the same time, where the file system can do it.

    Changing the mode needs a moment without any other connection, and SQLite does not wait for it by itself.
    Without the log everything works, only readers and writers wait for each other.
    """
    connection = engine.raw_connection()
    try:
        driver = connection.driver_connection
        assert driver is not None
        deadline = time.monotonic() + min(timeout, 5.0)
        while _answer(driver, "PRAGMA journal_mode") not in ("wal", "off"):
            try:
                _answer(driver, "PRAGMA journal_mode = WAL")
                return
            except sqlite3.OperationalError:
                if time.monotonic() > deadline:
                    return
                time.sleep(0.02)
    finally:
        connection.close()


def _answer(driver: Any, pragma: str) -> str:
    return str(driver.execute(pragma).fetchone()[0])
