"""Saves what can be read of a damaged database into a new one, in which nothing is taken for more than it is.

A run whose numbers or arrays are not all there is gone on with by the next ``lsn run``, as one that was
interrupted; one whose spec and key do not fit is left out.
"""

from __future__ import annotations

import sqlite3
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, delete, select, update

from lsncli.errors import LsnError
from lsncli.store import database, schema
from lsncli.store.backup import new_file
from lsncli.store.fitting import fits
from lsncli.store.location import Location
from lsncli.store.merge_rest import read_computation
from lsncli.store.models import METADATA, array, computation, run
from lsncli.store.readable_rows import ReadableRows
from lsncli.store.store import Store
from lsncli.store.whole_run import ENDED, DamagedRunError, flaws, read_run, undecoded

#: Tables with row numbers, those first that others refer to. Claims are of processes, not of results.
_TABLES = ("run", "array", "artifact", "provenance", "stand_in", "computation")

#: Without rows of these, a run's result is not whole.
_RESULTS = ("array",)


@dataclass(slots=True)
class Salvaged:
    """What could be saved: runs that are as they were, runs to be gone on with, and runs that are lost.

    ``rows`` counts what was saved by table, ``refused`` rows that could be read and make no sense, ``unreadable``
    places of rows that could not be read. ``lost`` is None where nobody knows which runs there were.
    """

    whole: list[str] = field(default_factory=list)
    partial: list[str] = field(default_factory=list)
    lost: list[str] | None = None
    rows: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    unreadable: Counter[str] = field(default_factory=Counter)

    def plain(self) -> dict[str, Any]:
        """The same as plain data."""
        return {
            "whole": self.whole,
            "partial": self.partial,
            "lost": self.lost,
            "rows": dict(self.rows),
            "refused_rows": dict(self.refused),
            "unreadable_rows": dict(self.unreadable),
        }


def survey(location: Location) -> Salvaged:
    """What :func:`salvage` would save."""
    with tempfile.TemporaryDirectory(prefix="lsn-salvage-") as folder:
        return _copy(location, Path(folder) / "salvaged.db")


def salvage(location: Location, target: Path, *, force: bool = False) -> Salvaged:
    """Save what can be read into the new file ``target``; the damaged file is only read.

    Raises :class:`LsnError` for a server, a file that is no SQLite database at all, and a target that must not be
    written.
    """
    if location.path is None:
        raise LsnError(
            "only database files can be salvaged",
            where=location.shown,
            next="restore the server's database from its backup",
        )
    location.check_for_reading()
    with new_file(target, force=force, keep=location.path) as temporary:
        return _copy(location, temporary)


def _copy(location: Location, target: Path) -> Salvaged:
    assert location.path is not None
    source = ReadableRows(location.path, writable=location.writable())
    try:
        found = source.version()
        _refuse_others(source.tables(), found, location.shown)
        revision = found if found in schema.REVISIONS else schema.REVISIONS[-1]
        database.create_at(Location(shown=str(target), path=target), revision)
        saved = Salvaged()
        doubtful = _fill(source, target, saved)
        with Store.open(target, create=False) as store:
            keys = source.keys()
            with store.transaction() as connection:
                for key in connection.execute(select(run.c.key).order_by(run.c.id)).scalars().all():
                    _judge(connection, key, key in doubtful, location.shown, saved)
                _judge_computations(connection, saved)
            if keys is not None:
                saved.lost = sorted(keys.difference(saved.whole, saved.partial))
        saved.unreadable = source.unreadable
        return saved
    except sqlite3.DatabaseError as error:
        raise LsnError(
            f"nothing can be read of the database: {error}", where=location.shown, next="go on with a backup"
        ) from error
    finally:
        source.close()


def _refuse_others(tables: set[str] | None, version: str | None, shown: str) -> None:
    """Raise :class:`LsnError` for a database that is not damaged but none of ours, or a newer lsn's."""
    if tables is not None and not tables & {schema.VERSION_TABLE, *_TABLES}:
        raise LsnError(
            "the database is empty or another program's", where=shown, next="name another file with --db"
        )
    if version is not None and version.isdecimal() and version > schema.REVISIONS[-1]:
        raise LsnError(
            f"the database is from a newer lsn (schema {version})",
            where=shown,
            valid=f"schemas up to {schema.REVISIONS[-1]}",
            next="upgrade lsn: git pull in its clone, then uv sync --inexact",
        )


def _fill(source: ReadableRows, target: Path, saved: Salvaged) -> set[str]:
    """Copy rows as they are; the keys of the runs that have lost some."""
    copy = sqlite3.connect(target, isolation_level=None)
    try:
        copy.execute("PRAGMA foreign_keys = ON")
        copy.execute("BEGIN")
        columns = {table: [str(c[1]) for c in copy.execute(f"PRAGMA table_info({table})")] for table in _TABLES}
        present: Counter[tuple[str, int]] = Counter()
        for table in (table for table in _TABLES if columns[table]):
            for row in source.rows(table, columns[table]):
                if _insert(copy, table, columns[table], row, saved) and table in _RESULTS:
                    present[table, row[columns[table].index("run_id")]] += 1
        doubtful = set()
        for number, key in copy.execute("SELECT id, key FROM run").fetchall():
            rows, all_there = source.metrics(number)
            good = [
                _insert(copy, "metric", ["run_id", "name", "step", "value"], (number, *row), saved) for row in rows
            ]
            if not all_there or not all(good):
                doubtful.add(str(key))
            for table in _RESULTS:
                expected = source.indexed(table, number)
                short = expected is not None and len(expected) > present[table, number]
                unknown = source.unreadable[table] or table in source.missing
                if short or (expected is None and unknown):
                    doubtful.add(str(key))
        copy.execute("COMMIT")
        return doubtful
    finally:
        copy.close()


def _insert(
    copy: sqlite3.Connection, table: str, columns: list[str], row: tuple[Any, ...], saved: Salvaged
) -> bool:
    names = ", ".join(f'"{name}"' for name in columns)
    marks = ", ".join("?" * len(columns))
    try:
        copy.execute(f'INSERT INTO "{table}" ({names}) VALUES ({marks})', _fitting(table, columns, row))
    except (sqlite3.IntegrityError, sqlite3.DataError, OverflowError, ValueError):
        # Twice there, without its run, of another kind than its column, or a text that is none.
        saved.refused[table] += 1
        return False
    saved.rows[table] += 1
    return True


def _fitting(table: str, columns: list[str], row: tuple[Any, ...]) -> list[Any]:
    """The row, if every value is of its column's kind. Raises ValueError for another one.

    A run does not fall with its title: where a value of its row may be missing, it then is.
    """
    declared = METADATA.tables[table].columns
    found = []
    for name, value in zip(columns, row, strict=True):
        good = name not in declared or fits(declared[name], value)
        if not good and not (table == "run" and declared[name].nullable):
            raise ValueError(f"column {name} of table {table} does not hold {type(value).__name__}")
        found.append(value if good else None)
    return found


def _judge(connection: Connection, key: str, doubtful: bool, shown: str, saved: Salvaged) -> None:
    """Say what a run is worth, and make the database say no more."""
    try:
        whole = read_run(connection, key)
        assert whole is not None
        found = flaws(whole)
    except DamagedRunError as error:
        found, whole = [str(error)], None
    if whole is None or any(flaw.startswith("its ") for flaw in found):
        saved.refused["run"] += 1
        saved.rows["run"] -= 1
        connection.execute(delete(run).where(run.c.key == key))
        return
    for entry in whole.arrays:
        if undecoded(entry["dtype"], entry["shape"], entry["data"]) is not None:
            saved.refused["array"] += 1
            saved.rows["array"] -= 1
            number = select(run.c.id).where(run.c.key == key).scalar_subquery()
            connection.execute(
                delete(array).where(
                    array.c.run_id == number, array.c.name == entry["name"], array.c.step == entry["step"]
                )
            )
    if not (found or doubtful):
        saved.whole.append(key)
        return
    saved.partial.append(key)
    if whole.status in ENDED:
        values = {
            "status": "interrupted",
            "finished_at": None,
            "error": f"part of what it stored was lost when {shown} was damaged",
        }
        connection.execute(update(run).where(run.c.key == key).values(**values))


def _judge_computations(connection: Connection, saved: Salvaged) -> None:
    for name, digest in connection.execute(select(computation.c.name, computation.c.digest)).all():
        if read_computation(connection, name, digest)[0] is None:
            saved.refused["computation"] += 1
            saved.rows["computation"] -= 1
            connection.execute(
                delete(computation).where(computation.c.name == name, computation.c.digest == digest)
            )
