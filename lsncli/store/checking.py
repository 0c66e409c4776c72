"""Looks for damage: in the file, in the schema, in what is stored, and in the files that runs left."""

from __future__ import annotations

import warnings
from collections import Counter
from pathlib import Path

from sqlalchemy import Connection, inspect, select
from sqlalchemy.exc import DBAPIError, SAWarning

from lsncli.errors import LsnError
from lsncli.store import database, schema
from lsncli.store.check_report import CheckReport
from lsncli.store.claimed import claimed_runs
from lsncli.store.failures import DatabaseDamagedError, explained
from lsncli.store.location import Location
from lsncli.store.merge_files import find, sha256_of
from lsncli.store.merge_rest import read_computation
from lsncli.store.models import METADATA, computation, run
from lsncli.store.newest import as_newest
from lsncli.store.salvage import survey
from lsncli.store.store import Store
from lsncli.store.whole_run import DamagedRunError, WholeRun, flaws, read_run

#: Complaints of SQLite about one file that are told; the first ones say what there is to know.
_MOST = 20


def check(target: str, *, files: bool = True) -> CheckReport:
    """Everything that is wrong with a database; it is only read.

    ``files`` says whether the weights beside it are read, too. Raises :class:`LsnError` for what is no database of
    ours, or of a newer lsn.
    """
    location = Location.parse(target)
    report = CheckReport(location.shown)
    location.check_for_reading()
    try:
        if location.path is not None:
            _check_pages(location, report)
        with as_newest(target) as (store, report.schema), store._reading() as connection:
            if _check_schema(connection, report):
                _check_runs(connection, _busy(store, report), location, report, files)
                _check_computations(connection, report)
                _check_stand_ins(store, report)
    except DatabaseDamagedError as error:
        if report.sound:
            report.add("damage", "file", f"it cannot be read: {error.__cause__ or error}".splitlines()[0])
    if report.schema is not None and report.schema != schema.REVISIONS[-1]:
        report.add(
            "note",
            "schema",
            f"it is that of an older lsn ({report.schema}); the next lsn run brings it up to date",
            f"lsn db upgrade --db {location.shown}",
        )
    if location.path is not None and any(f.severity == "damage" and f.where != "files" for f in report.findings):
        try:
            report.can_be_saved = survey(location)
        except LsnError as error:
            report.add("damage", "file", f"nothing can be saved: {error.what}", "go on with a backup")
    return report


def _check_pages(location: Location, report: CheckReport) -> None:
    """SQLite's own checks: pages, indices, and rows that refer to others."""
    engine = database.open_for_reading(location)
    try:
        with explained(location.shown), database.reading(engine) as connection:
            for line in connection.exec_driver_sql(f"PRAGMA integrity_check({_MOST})").scalars():
                if line != "ok":
                    report.add("damage", "file", " ".join(str(line).split()))
            orphans = Counter(connection.exec_driver_sql("PRAGMA foreign_key_check").scalars())
            for table, count in orphans.items():
                report.add("damage", f"table {table}", f"{count} rows belong to no run")
    finally:
        engine.dispose()


def _check_schema(connection: Connection, report: CheckReport) -> bool:
    """Tables, columns and indices, as the migrations leave them; whether what is stored can be read."""
    readable = True
    inspector = inspect(connection)
    there = set(inspector.get_table_names())
    for table in METADATA.sorted_tables:
        if table.name not in there:
            report.add("damage", "schema", f"table {table.name} is missing")
            readable = False
            continue
        columns = {str(column["name"]) for column in inspector.get_columns(table.name)}
        for name in sorted({column.name for column in table.columns} - columns):
            report.add("damage", "schema", f"column {name} of table {table.name} is missing")
            readable = False
        with warnings.catch_warnings():
            # A damaged index may look like one that SQLAlchemy has no words for: it is then missing.
            warnings.simplefilter("ignore", SAWarning)
            indices = {str(index["name"]) for index in inspector.get_indexes(table.name)}
        for name in sorted({str(index.name) for index in table.indexes} - indices):
            report.add("damage", "schema", f"index {name} of table {table.name} is missing")
    strange = there - {table.name for table in METADATA.sorted_tables} - {schema.VERSION_TABLE}
    if strange and connection.dialect.name == "sqlite":
        report.add("note", "schema", f"tables that are not lsn's: {', '.join(sorted(strange))}")
    return readable


def _busy(store: Store, report: CheckReport) -> frozenset[str]:
    """The runs that are being trained; none where the claims cannot be read."""
    try:
        return claimed_runs(store)
    except DatabaseDamagedError as error:
        report.add("damage", "table claim", str(error.__cause__ or error), "--salvage leaves claims out")
        return frozenset()


def _check_stand_ins(store: Store, report: CheckReport) -> None:
    try:
        store.stand_ins()
    except DatabaseDamagedError as error:
        report.add("damage", "table stand_in", str(error.__cause__ or error))


def _check_runs(
    connection: Connection, busy: frozenset[str], location: Location, report: CheckReport, files: bool
) -> None:
    with explained(location.shown):
        keys = [str(key) for key in connection.execute(select(run.c.key).order_by(run.c.id)).scalars()]
    folder = None if location.path is None else location.path.absolute().parent
    missing: list[str] = []
    for key in keys:
        report.runs += 1
        try:
            with explained(location.shown):
                whole = read_run(connection, key)
        except (DamagedRunError, DatabaseDamagedError) as error:
            cause = error if isinstance(error, DamagedRunError) else error.__cause__
            told = cause.orig if isinstance(cause, DBAPIError) else cause
            report.add("damage", f"run {key}", f"part of what it stored cannot be read: {told}")
            continue
        if whole is None:
            report.add("damage", f"run {key}", "it cannot be found by its key")
            continue
        _check_run(whole, key in busy, report)
        if files and folder is not None:
            _check_files(whole, folder, report, missing)
    if missing:
        report.add(
            "note",
            "files",
            f"{len(missing)} files of weights or predictions are missing ({missing[0]} …): results do without",
            "a run is trained again only where another one needs its weights",
        )


def _check_run(whole: WholeRun, busy: bool, report: CheckReport) -> None:
    where = f"run {whole.key}"
    for flaw in flaws(whole):
        report.add("damage", where, flaw, f"lsn runs rm {whole.key}, then the lsn run that it is of")
    if whole.status == "running" and not busy:
        report.add("note", where, "its process ended without a word", "the same lsn run goes on with it")
    if whole.status != "running" and not whole.provenance:
        report.add("doubt", where, "nothing says where and with what it was trained")
    steps = [step for _, step, _ in whole.metrics]
    if steps and (min(steps) < 0 or max(steps) > whole.row["steps"]):
        report.add("doubt", where, f"it has numbers of step {max(steps)} and only {whole.row['steps']} steps")


def _check_files(whole: WholeRun, folder: Path, report: CheckReport, missing: list[str]) -> None:
    for entry in whole.artifacts:
        report.files += 1
        found = find(folder, entry)
        if found == "missing":
            missing.append(entry.path)
        elif found == "refused":
            report.add("damage", "files", f"run {whole.key}: {entry.name} is outside the folder: {entry.path}")
        else:
            try:
                good = isinstance(found, Path) and sha256_of(found) == entry.sha256
            except OSError as error:
                report.add("doubt", "files", f"{entry.path} cannot be read: {error.strerror}")
                continue
            if not good:
                report.add(
                    "damage",
                    "files",
                    f"run {whole.key}: {entry.path} is not the file that was written",
                    "remove it: the run is trained again where another one needs its weights",
                )


def _check_computations(connection: Connection, report: CheckReport) -> None:
    for name, key in connection.execute(select(computation.c.name, computation.c.digest)).all():
        row, why = read_computation(connection, name, key)
        if row is None:
            report.add("damage", f"computation {name}", str(why), "lsn run of its figure computes it again")
