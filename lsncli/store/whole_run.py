"""A run with everything that it stored, read at once, looked at, and written into another database."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update
from sqlalchemy.exc import DBAPIError

from lsncli.errors import LsnError
from lsncli.run_key import key_of
from lsncli.store import array_codec
from lsncli.store.failures import undecodable
from lsncli.store.models import array, artifact, metric, provenance, run
from lsncli.store.records import STATUSES, ArtifactEntry
from lsncli.store.stored_values import (
    UnreadableValueError,
    read_artifact,
    read_metric,
    read_object,
    read_place,
    read_record,
)

#: Metrics of the machine, not of the network: two trainings with the same results differ in them.
TIMINGS = frozenset({"images_per_second"})

#: Statuses with which a training has come to its end; the others are gone on with.
ENDED = ("done", "diverged")

#: What reading rows of a damaged database, or of one that somebody has forged, may raise.
MISREADINGS = (ValueError, TypeError, LookupError, AttributeError, OverflowError, ArithmeticError)


class DamagedRunError(Exception):
    """Rows of a run cannot be read for what they should be."""


@dataclass(frozen=True, slots=True)
class WholeRun:
    """All rows of one run: its own (without the number), ``(name, step, value)``, arrays as stored."""

    row: dict[str, Any]
    metrics: tuple[tuple[str, int, float], ...]
    arrays: tuple[dict[str, Any], ...]
    artifacts: tuple[ArtifactEntry, ...]
    provenance: tuple[dict[str, Any], ...]

    @property
    def key(self) -> str:
        """The run's key."""
        return str(self.row["key"])

    @property
    def status(self) -> str:
        """How the run stands."""
        return str(self.row["status"])

    @property
    def finished_at(self) -> datetime | None:
        """When it ended."""
        found: datetime | None = self.row["finished_at"]
        return found

    def result(self) -> str:
        """A digest of what came out: status, last step, numbers and arrays, whatever they were compressed by."""
        state = hashlib.sha256(repr((self.status, self.row["final_step"])).encode())
        for name, step, value in sorted((n, s, repr(v)) for n, s, v in self.metrics if n not in TIMINGS):
            state.update(f"\n{name!r} {step} {value}".encode())
        for found in sorted(self.arrays, key=lambda one: (one["name"], one["step"])):
            values = array_codec.decode(found["dtype"], found["shape"], found["data"])
            state.update(f"\n{found['name']!r} {found['step']} {found['dtype']} {found['shape']}\n".encode())
            state.update(values.tobytes())
        return state.hexdigest()


def read_run(connection: Connection, key: str) -> WholeRun | None:
    """Everything that run ``key`` stored; None if there is no such run.

    Raises :class:`DamagedRunError` for rows that are not what the store writes.
    """
    try:
        found = connection.execute(select(run).where(run.c.key == key)).first()
        if found is None:
            return None
        row = dict(found._mapping)
        number = row.pop("id")
        return WholeRun(
            row,
            _metrics(connection, number),
            _arrays(connection, number),
            _artifacts(connection, number),
            tuple(
                read_object(data, "provenance")
                for data in connection.execute(
                    select(provenance.c.data).where(provenance.c.run_id == number).order_by(provenance.c.attempt)
                ).scalars()
            ),
        )
    except DBAPIError as error:
        if undecodable(error.orig):
            raise DamagedRunError(f"a text cannot be read ({error.orig})") from None
        raise
    except MISREADINGS as error:
        raise DamagedRunError(f"a row cannot be read ({type(error).__name__}: {error})") from None


def _metrics(connection: Connection, number: int) -> tuple[tuple[str, int, float], ...]:
    columns = (metric.c.name, metric.c.step, metric.c.value)
    query = select(*columns).where(metric.c.run_id == number).order_by(metric.c.name, metric.c.step)
    rows = (read_metric(("", *row)) for row in connection.execute(query))
    return tuple((row.name, row.step, row.value) for row in rows)


def _arrays(connection: Connection, number: int) -> tuple[dict[str, Any], ...]:
    query = select(array).where(array.c.run_id == number).order_by(array.c.name, array.c.step)
    rows = [dict(row._mapping) for row in connection.execute(query)]
    for row in rows:
        read_place(row["name"], row["step"], "array")
    return tuple({name: value for name, value in row.items() if name != "run_id"} for row in rows)


def _artifacts(connection: Connection, number: int) -> tuple[ArtifactEntry, ...]:
    columns = (artifact.c.name, artifact.c.path, artifact.c.sha256, artifact.c.bytes)
    query = select(*columns).where(artifact.c.run_id == number).order_by(artifact.c.name)
    return tuple(read_artifact(row) for row in connection.execute(query))


def flaws(whole: WholeRun) -> list[str]:
    """What is wrong with a run, each in a few words; nothing for a run as the store writes it."""
    found = []
    row = whole.row
    if not _fits(row["key"], row["spec"]):
        found.append("its key is not that of its spec")
    if row["status"] not in STATUSES:
        found.append(f"its status is {str(row['status'])[:20]!r}")
    if not isinstance(row["steps"], int):
        found.append("its number of steps is no number")
    if not found:
        try:
            read_record(row)
        except UnreadableValueError as error:
            found.append(f"its row cannot be read ({error})")
    if row["status"] == "done":
        final = row["final_step"]
        if final is None or final != row["steps"]:
            found.append(f"it is done after {final} of {row['steps']} steps")
        elif not any(step == final for _, step, _ in whole.metrics):
            found.append(f"it is done and has no numbers of its last step, {final}")
    for entry in whole.arrays:
        reason = undecoded(entry["dtype"], entry["shape"], entry["data"])
        if reason is not None:
            found.append(f"array {entry['name']!r} of step {entry['step']} cannot be decoded ({reason})")
    return found


def undecoded(dtype: Any, shape: Any, data: Any) -> str | None:
    """Why a stored array cannot be decoded; None if it can."""
    try:
        array_codec.decode(dtype, shape, data)
    except (*MISREADINGS, zlib.error, LsnError, MemoryError) as error:
        return str(error).splitlines()[0] if str(error) else type(error).__name__
    return None


def _fits(key: Any, spec: Any) -> bool:
    try:
        return bool(key_of(spec) == key)
    except MISREADINGS:
        return False


def write_run(
    connection: Connection, whole: WholeRun, artifacts: Sequence[ArtifactEntry], attempts: Sequence[dict[str, Any]]
) -> None:
    """Store the run, in place of an earlier one of its key, with these files and attempts instead of its own."""
    row = whole.row
    number = connection.scalar(select(run.c.id).where(run.c.key == whole.key))
    if number is None:
        inserted = connection.execute(insert(run).values(**row)).inserted_primary_key
        assert inserted is not None
        number = inserted[0]
    else:
        for table in (metric, array, artifact):
            connection.execute(delete(table).where(table.c.run_id == number))
        connection.execute(update(run).where(run.c.id == number).values(**row))
    if whole.metrics:
        rows = [{"run_id": number, "name": n, "step": s, "value": v} for n, s, v in whole.metrics]
        connection.execute(insert(metric), rows)
    if whole.arrays:
        connection.execute(insert(array), [{"run_id": number, **entry} for entry in whole.arrays])
    for entry in artifacts:
        connection.execute(insert(artifact).values(run_id=number, **_artifact_row(entry)))
    write_attempts(connection, whole.key, attempts)


def write_attempts(connection: Connection, key: str, attempts: Sequence[dict[str, Any]]) -> None:
    """Make these the attempts at the run, in this order."""
    number = connection.scalar(select(run.c.id).where(run.c.key == key))
    connection.execute(delete(provenance).where(provenance.c.run_id == number))
    if attempts:
        rows = [{"run_id": number, "attempt": i, "data": data} for i, data in enumerate(attempts, start=1)]
        connection.execute(insert(provenance), rows)


def write_artifact(connection: Connection, key: str, entry: ArtifactEntry) -> None:
    """Store one file of the run, in place of an earlier one of its name."""
    number = connection.scalar(select(run.c.id).where(run.c.key == key))
    connection.execute(delete(artifact).where(artifact.c.run_id == number, artifact.c.name == entry.name))
    connection.execute(insert(artifact).values(run_id=number, **_artifact_row(entry)))


def _artifact_row(entry: ArtifactEntry) -> dict[str, Any]:
    return {"name": entry.name, "path": entry.path, "sha256": entry.sha256, "bytes": entry.size}
