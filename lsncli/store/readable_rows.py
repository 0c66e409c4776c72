"""Rows of a damaged SQLite file that can still be reached, table by table.

SQLite has no check sum per page. What is found here is what the file says; whoever copies it looks at every row.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from lsncli.store.failures import MISSHAPEN
from lsncli.store.foreign_schema import PROGRAMS, programs_error
from lsncli.store.location import not_a_database

#: SQLite's words for a page, or a file, that is not what it should be.
_DAMAGE = ("SQLITE_CORRUPT", "SQLITE_NOTADB", "SQLITE_IOERR_SHORT_READ", "SQLITE_FORMAT")

#: The largest number that a row is looked for under where SQLite cannot say it; our rows are numbered from 1 on.
_FEWEST_BYTES = 8


#: SQLite's errors; and what the driver says of one whose message is no text, as it quotes the file.
_ERRORS = (sqlite3.Error, UnicodeDecodeError)


def is_damage(error: Exception) -> bool:
    """Whether an error is of the file's contents, not of a lock or a disk."""
    if isinstance(error, UnicodeDecodeError):
        return True
    code = getattr(error, "sqlite_errorname", None)
    if code is None:
        return False
    return str(code).startswith(_DAMAGE) or (code == "SQLITE_ERROR" and MISSHAPEN.search(str(error)) is not None)


class ReadableRows:
    """A damaged file, opened so that SQLite reads on where it would refuse; nothing is ever written to it.

    ``unreadable`` counts, by table, the numbers under which a row may have been; ``missing`` are tables of which
    SQLite knows nothing.
    """

    def __init__(self, path: Path, *, writable: bool) -> None:
        with path.open("rb") as stream:
            if stream.read(16) != b"SQLite format 3\0":
                raise not_a_database(str(path))
        # Without a log the file may be read as it lies, which leaves no trace; with one, SQLite puts it in order.
        log = path.with_name(path.name + "-wal")
        mode = "rw" if writable and log.exists() and log.stat().st_size else "ro&immutable=1"
        uri = f"file:{quote(str(path.absolute()))}?mode={mode}"
        self._connection = sqlite3.connect(uri, uri=True, timeout=30, isolation_level=None)
        self._connection.execute("PRAGMA query_only = ON")
        self._connection.execute("PRAGMA trusted_schema = OFF")
        # With it, SQLite also opens a file that is shorter than its header says.
        self._connection.execute("PRAGMA writable_schema = ON")
        # A text that is no UTF-8 comes with characters that no text has, for the reader to see.
        self._connection.text_factory = lambda data: data.decode("utf-8", "surrogateescape")
        self._most = path.stat().st_size // _FEWEST_BYTES
        self.unreadable: Counter[str] = Counter()
        self.missing: set[str] = set()
        # A view in a table's place may never end.
        if programs := self._all(PROGRAMS):
            self.close()
            raise programs_error(str(programs[0][0]), str(programs[0][1]), str(path))

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def tables(self) -> set[str] | None:
        """The names of all tables; None where their list cannot be read."""
        rows = self._all("SELECT name FROM sqlite_master WHERE type = 'table'")
        return None if rows is None else {str(row[0]) for row in rows}

    def version(self) -> str | None:
        """The schema's revision, if it can be read."""
        found = self._all("SELECT version_num FROM lsn_schema_version")
        return str(found[0][0]) if found else None

    def rows(self, table: str, columns: Sequence[str]) -> Iterator[tuple[Any, ...]]:
        """The rows of a table that has row numbers, one after another, then around what cannot be read."""
        names = ", ".join(f'"{name}"' for name in columns)
        query = f'SELECT rowid, {names} FROM "{table}" NOT INDEXED'
        last = 0
        try:
            for row in self._connection.execute(f"{query} ORDER BY rowid"):
                last = row[0]
                yield row[1:]
            return
        except _ERRORS as error:
            if not is_damage(error):
                raise
            if "no such table" in str(error):
                # It will be said of every number.
                self.missing.add(table)
                return
        for number in range(last + 1, self._last(table) + 1):
            try:
                found = self._connection.execute(f"{query} WHERE rowid = ?", (number,)).fetchone()
            except _ERRORS as error:
                if not is_damage(error):
                    raise
                self.unreadable[table] += 1
                continue
            if found is not None:
                yield found[1:]

    def metrics(self, run_id: int) -> tuple[list[tuple[Any, ...]], bool]:
        """The numbers of one run, and whether they are all."""
        found: list[tuple[Any, ...]] = []
        query = "SELECT name, step, value FROM metric WHERE run_id = ? ORDER BY name, step"
        try:
            found.extend(self._connection.execute(query, (run_id,)))
        except _ERRORS as error:
            if not is_damage(error):
                raise
            self.unreadable["metric"] += 1
            return found, False
        return found, True

    def indexed(self, table: str, run_id: int) -> set[tuple[Any, ...]] | None:
        """The names and steps that the index of a table has for a run; None where it cannot be read."""
        query = f'SELECT name, step FROM "{table}" INDEXED BY "sqlite_autoindex_{table}_1" WHERE run_id = ?'
        return None if (rows := self._all(query, (run_id,))) is None else set(rows)

    def keys(self) -> set[str] | None:
        """The keys of all runs, from their index; None where it cannot be read."""
        rows = self._all("SELECT key FROM run INDEXED BY ix_run_key")
        return None if rows is None else {str(row[0]) for row in rows}

    def _last(self, table: str) -> int:
        rows = self._all(f'SELECT max(rowid) FROM "{table}" NOT INDEXED')
        if not rows or not isinstance(rows[0][0], int):
            return 0 if rows else self._most
        return min(int(rows[0][0]), self._most * _FEWEST_BYTES)

    def _all(self, query: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]] | None:
        try:
            return self._connection.execute(query, values).fetchall()
        except _ERRORS as error:
            if not is_damage(error):
                raise
            return None
