"""What Alembic runs for every command: our tables, our version table, the caller's connection."""

from __future__ import annotations

from alembic import context

from lsncli.store.models import METADATA
from lsncli.store.schema import VERSION_TABLE

connection = context.config.attributes.get("connection")
if connection is None:
    raise RuntimeError("migrations run on a connection that the store has opened: lsn db upgrade")

context.configure(
    connection=connection,
    target_metadata=METADATA,
    version_table=VERSION_TABLE,
    # SQLite alters most things only by rebuilding the table.
    render_as_batch=True,
    compare_type=True,
)
# The caller's transaction is the transaction: all revisions together, or none.
context.run_migrations()
