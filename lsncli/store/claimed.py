"""Which runs somebody trains at this moment, as far as another process can tell."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, select

from lsncli.store.models import claim

#: Claims are renewed much more often; one that is older is taken for that of a process that has ended.
_STALE = timedelta(minutes=10)


def claimed_runs(connection: Connection) -> frozenset[str]:
    """The keys of the runs whose claim has been renewed within the last minutes."""
    query = select(claim.c.key).where(claim.c.heartbeat > datetime.now(UTC) - _STALE)
    return frozenset(str(key) for key in connection.execute(query).scalars())
