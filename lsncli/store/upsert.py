"""Insert, or else update: one statement on each database that we support, so that nothing can come between."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite

Rows = Sequence[Mapping[str, Any]]


def upsert(connection: Connection, table: Table, rows: Rows) -> None:
    """Write ``rows``; a row whose primary key is there already replaces it."""
    if not rows:
        return
    keys = [column.name for column in table.primary_key]
    statement = _insert(connection, table)
    rest = {c.name: statement.excluded[c.name] for c in table.columns if c.name not in keys}
    connection.execute(statement.on_conflict_do_update(index_elements=keys, set_=rest), list(rows))


def insert_if_absent(connection: Connection, table: Table, row: Mapping[str, Any], *, unique: str) -> bool:
    """Write ``row`` unless one with its value of the column ``unique`` is there already; whether it was written."""
    statement = _insert(connection, table).on_conflict_do_nothing(index_elements=[unique])
    return connection.execute(statement, dict(row), execution_options={"preserve_rowcount": True}).rowcount == 1


def _insert(connection: Connection, table: Table) -> Any:
    return (postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert)(table)
