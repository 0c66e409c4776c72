"""The tables of the result database, from their SQLModel classes."""

from __future__ import annotations

import re

from sqlalchemy import Table
from sqlalchemy.dialects import sqlite

from lsncli.store import models
from reference_pages.tables import code, table

HEAD = """\
# Database schema

Made from the code by `python -m reference_pages`. Times are UTC. `spec`, `params`, `shape` and
`provenance.data` are JSON. Numbers are fractions, not per cent. [Querying results](querying.md) has examples; a
schema changes by migrations alone (`lsn db upgrade`).
"""


def database_page() -> str:
    """The whole page."""
    about = {c.__tablename__: c.__doc__ or "" for c in models.Record.__subclasses__()}
    return "\n".join(
        [
            HEAD,
            *(
                f"## `{name}`\n\n{_text(about[name])}\n\n{_columns(t)}"
                for name, t in models.METADATA.tables.items()
            ),
        ]
    )


def _text(doc: str) -> str:
    return re.sub(r"``([^`]+)``", r"`\1`", " ".join(doc.split()))


def _columns(described: Table) -> str:
    dialect = sqlite.dialect()
    rows = []
    for column in described.columns:
        notes = [f"refers to `{key.target_fullname}`" for key in column.foreign_keys]
        notes += ["part of the primary key"] if column.primary_key else []
        notes += ["unique"] if column.unique else []
        notes += ["may be NULL"] if column.nullable else []
        rows.append((code(column.name), column.type.compile(dialect), ", ".join(notes)))
    return table(("column", "type", ""), rows)
