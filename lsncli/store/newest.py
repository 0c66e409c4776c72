"""Reading any database as if it had the newest schema, without changing it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lsncli.errors import LsnError
from lsncli.store import schema
from lsncli.store.backup import copy_into
from lsncli.store.location import Location
from lsncli.store.store import Store


@contextmanager
def as_newest(target: str) -> Iterator[tuple[Store, str]]:
    """A reader of the database and its schema as found; an older one is upgraded in a temporary copy.

    Raises :class:`LsnError` for what cannot be read, and for a server with an older schema, which is not copied.
    """
    with Store.open(target, read_only=True) as store:
        found, location = store.schema_version, store.location
        if found == schema.REVISIONS[-1]:
            yield store, found
            return
    if location.path is None:
        raise LsnError(
            f"the server's database is from an older lsn (schema {found})",
            where=location.shown,
            next=f"lsn db upgrade --db {location.shown}",
        )
    with tempfile.TemporaryDirectory(prefix="lsn-upgraded-") as folder:
        copy = Path(folder) / "copy.db"
        copy_into(location, copy, shown=folder)
        with Store.open(copy, create=False) as store:
            # Messages name the file that the user knows.
            store.location = Location(shown=location.shown, path=location.path)
            yield store, found
