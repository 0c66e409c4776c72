"""PostgreSQL: connections that lock and read as those of a SQLite file do.

The store's transactions are written for one writer at a time, who reads what is there and then writes. On a
server every transaction that writes takes one lock of ours first, as SQLite's BEGIN IMMEDIATE does: such
transactions are short, and a group of machines sends a few in a second.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import NoSuchModuleError

from lsncli.errors import LsnError
from lsncli.store.location import Location
from lsncli.store.stored_values import read_json

#: An arbitrary number of ours; PostgreSQL's advisory locks are of one database.
_WRITERS_LOCK = 7_283_104_512

#: How a reader's transaction is begun: its statements see one state, and it cannot write.
READING: dict[str, Any] = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}


def server_engine(location: Location, *, timeout: float, writes: str) -> Engine:
    """An engine on a server; transactions of connections with the execution option ``writes`` come one by one.

    A writer waits ``timeout`` seconds for its turn. Nothing is connected yet. Raises :class:`LsnError` for a
    driver that is unknown or not installed.
    """
    assert location.url is not None
    try:
        engine = create_engine(location.url, pool_pre_ping=True, json_deserializer=read_json)
    except NoSuchModuleError:
        raise LsnError(
            f"unknown database driver {location.url.drivername!r}",
            where=location.shown,
            valid="for example postgresql+psycopg",
        ) from None
    except ModuleNotFoundError as error:
        raise LsnError(
            f"the database driver {error.name!r} is not installed",
            where=location.shown,
            next=f"uv pip install {error.name}, or name another driver: postgresql+psycopg://…",
        ) from None
    milliseconds = max(1, round(1000 * timeout))

    def take_the_lock(connection: Connection) -> None:
        if connection.get_execution_options().get(writes, False):
            connection.exec_driver_sql(f"SET LOCAL lock_timeout = {milliseconds}")
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_WRITERS_LOCK})")

    event.listen(engine, "begin", take_the_lock)
    return engine
