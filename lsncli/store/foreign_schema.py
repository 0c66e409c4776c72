"""A database file from elsewhere may hold more than tables: views and triggers are programs, and lsn has none."""

from __future__ import annotations

from sqlalchemy import Connection, text

from lsncli.errors import LsnError

#: Virtual tables call whatever module of SQLite they name.
PROGRAMS = (
    "SELECT type, name FROM sqlite_master WHERE type IN ('view', 'trigger') OR sql LIKE 'CREATE VIRTUAL%' LIMIT 1"
)


def refuse_programs(connection: Connection, shown: str) -> None:
    """Raise :class:`LsnError` for a SQLite file with a view, a trigger or a virtual table.

    A view in a table's place may never end, a trigger would change what is stored. A server's database belongs to
    its administrators, who may have reasons for theirs.
    """
    if connection.dialect.name != "sqlite":
        return
    found = connection.execute(text(PROGRAMS)).first()
    if found is not None:
        raise programs_error(found[0], found[1], shown)


def programs_error(kind: str, name: str, shown: str) -> LsnError:
    """The error for a file with an object of the ``kind`` that SQLite's list of tables gives it."""
    kind = "virtual table" if kind == "table" else kind
    return LsnError(
        f"the database holds a {kind}, {name!r}, which lsn never makes: somebody has changed it",
        where=shown,
        next="if you trust it, drop that with SQLite's own tools; lsn does not read it as it is",
    )
