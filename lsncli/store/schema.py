"""The version of a database's schema: read by plain SQL, raised by Alembic only where it must be."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, inspect, text

from lsncli.errors import EmptyDatabaseError, LsnError
from lsncli.store.foreign_schema import refuse_programs

if TYPE_CHECKING:
    from alembic.config import Config

#: Every revision in ``migrations/versions``, oldest first. Written here, too, so that opening a database that is
#: up to date (nearly every time) does not import Alembic; a test compares the two.
REVISIONS = ("0001", "0002", "0003")

#: The revisions that can be read as they are: what came later, 0002's table of computations and 0003's of claims,
#: a reader does without.
READABLE = ("0001", "0002", "0003")

VERSION_TABLE = "lsn_schema_version"

#: An arbitrary number of ours: on PostgreSQL, whoever holds it migrates and the others wait.
_MIGRATION_LOCK = 7_283_104_511


def read_version(connection: Connection, shown: str) -> str | None:
    """The schema's revision, or None for a database without any table.

    Raises :class:`LsnError` for another program's database and for one from a newer lsn.
    """
    tables = set(inspect(connection).get_table_names())
    found: list[str] = []
    if VERSION_TABLE in tables:
        found = list(connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).scalars())
    elif not tables or (connection.dialect.name != "sqlite" and "run" not in tables):
        # A server's database may hold other programs' tables beside ours; a file that does is not ours.
        return None
    if not found:
        raise LsnError(
            "the database is another program's: it has tables, but none that says lsn's version",
            where=shown,
            next="name another file with --db; this one is unchanged",
        )
    refuse_programs(connection, shown)
    if len(found) > 1 or found[0] not in REVISIONS:
        raise LsnError(
            f"the database is from a newer lsn (schema {', '.join(map(str, found))})",
            where=shown,
            valid=f"schemas up to {REVISIONS[-1]}",
            next="upgrade lsn: git pull in its clone, then uv sync --inexact",
        )
    return found[0]


def require_readable(connection: Connection, shown: str) -> None:
    """Raise :class:`LsnError` unless the schema can be read as it is; for readers, who change nothing.

    :class:`EmptyDatabaseError` where there is no schema at all.
    """
    version = read_version(connection, shown)
    if version is None:
        raise EmptyDatabaseError(
            "the database is empty", where=shown, next=f"fill it with: lsn run quickstart --db {shown}"
        )
    if version not in READABLE:
        raise LsnError(
            f"the database is from an older lsn (schema {version})",
            where=shown,
            valid=f"schemas {', '.join(READABLE)}",
            next=f"lsn db upgrade --db {shown}",
        )


def migrate(connection: Connection, shown: str, to: str | None = None) -> None:
    """Bring the schema up to date, or an older one to ``to``, inside the caller's immediate transaction.

    The version is read again: while this process waited for its turn, another may have done the work.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _MIGRATION_LOCK})
    to = to or REVISIONS[-1]
    if read_version(connection, shown) == to:
        return
    from alembic import command

    config = alembic_config()
    config.attributes["connection"] = connection
    command.upgrade(config, to)
    if connection.dialect.name == "sqlite":
        # Foreign keys are off while tables are rebuilt; a migration that broke one must not be committed.
        broken = connection.execute(text("PRAGMA foreign_key_check")).fetchall()
        if broken:
            raise RuntimeError(f"the migration to {to} leaves {len(broken)} rows without their run")


def alembic_config() -> Config:
    """Alembic's configuration for our migrations, without an ini file."""
    from alembic.config import Config

    config = Config()
    # Alembic expands % in options, and a path may hold one.
    folder = str(Path(__file__).with_name("migrations"))
    config.set_main_option("script_location", folder.replace("%", "%%"))
    return config
