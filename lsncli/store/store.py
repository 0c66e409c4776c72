"""The single writer: everything that lsn ever stores goes through this class."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, Self

from sqlalchemy import Connection, Engine, delete, func, select, update
from sqlalchemy.exc import DBAPIError

from lsncli.errors import LsnError
from lsncli.store import array_codec, database, schema
from lsncli.store.claims import ClaimStore
from lsncli.store.computations import digest
from lsncli.store.failures import DatabaseLockedError, RunRemovedError, explain, explained
from lsncli.store.location import Location
from lsncli.store.models import array, artifact, computation, metric, provenance, run, stand_in
from lsncli.store.queries import PORTION
from lsncli.store.records import FINAL_STATUSES, Begun, Status
from lsncli.store.stored_values import read_attempts, read_count
from lsncli.store.upsert import insert_if_absent, upsert

if TYPE_CHECKING:
    import numpy.typing as npt


class Store(ClaimStore):
    """A result database, open for writing or for reading only.

    May be used from several threads: each has its own connection and transaction. Not to be shared with a
    forked process; that one opens its own.
    """

    def __init__(self, engine: Engine, location: Location, *, read_only: bool) -> None:
        self.location = location
        self.read_only = read_only
        #: Asked, whenever another program has kept the database for the whole timeout, with how often it has in a
        #: row: whether to wait once more.
        self.patience: Callable[[int], bool] = lambda waits: False
        self._engine = engine
        self._mine = threading.local()

    @classmethod
    def open(
        cls,
        target: str | os.PathLike[str],
        *,
        create: bool = True,
        read_only: bool = False,
        timeout: float = database.TIMEOUT,
    ) -> Self:
        """Open a SQLite file or an SQLAlchemy URL.

        For writing, a missing file is made if ``create``, and an older schema is brought up to date. With
        ``read_only`` nothing is made or changed. ``timeout`` is how long to wait for other writers, in seconds.
        Raises :class:`LsnError` for a database that cannot be used; see :mod:`lsncli.store.database`.
        """
        location = Location.parse(target)
        if read_only:
            engine = database.open_for_reading(location, timeout=timeout)
        else:
            engine = database.open_for_writing(location, create=create, timeout=timeout)
        return cls(engine, location, read_only=read_only)

    def close(self) -> None:
        """Give the connections back; the store cannot be used afterwards."""
        self._engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def schema_version(self) -> str:
        """The revision of the schema; an older one than this lsn's own only where it was opened for reading."""
        with self._reading() as connection:
            return schema.read_version(connection, self.location.shown) or schema.REVISIONS[-1]

    # -- transactions ----------------------------------------------------------------------------------

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """Make all writes inside the block one: all are stored, or, after an exception, none.

        Blocks nest; the outermost decides. Other writers wait meanwhile, so do not train inside.
        """
        if self.read_only:
            raise LsnError("the result database was opened for reading only", where=self.location.shown)
        current: Connection | None = getattr(self._mine, "connection", None)
        if current is not None:
            yield current
            return
        with explained(self.location.shown), ExitStack() as stack:
            self._mine.connection = self._begun(stack)
            try:
                yield self._mine.connection
            finally:
                self._mine.connection = None

    def _begun(self, stack: ExitStack) -> Connection:
        """A connection with a transaction that writes, ended with ``stack``; waits as long as ``patience`` says."""
        waits = 0
        while True:
            with ExitStack() as trying:
                connection = trying.enter_context(
                    self._engine.connect().execution_options(**{database.WRITES: True})
                )
                try:
                    trying.enter_context(connection.begin())
                except DBAPIError as error:
                    waits += 1
                    told = explain(error.orig, self.location.shown)
                    if isinstance(told, DatabaseLockedError) and self.patience(waits):
                        continue
                    raise
                stack.push(trying.pop_all())
                return connection

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        current: Connection | None = getattr(self._mine, "connection", None)
        if current is not None:
            # Inside a transaction, what it has written so far is seen.
            yield current
            return
        with explained(self.location.shown), database.reading(self._engine) as connection:
            yield connection

    # -- runs ------------------------------------------------------------------------------------------

    def begin_run(
        self,
        key: str,
        spec: Mapping[str, Any],
        *,
        title: str | None = None,
        steps: int,
        provenance: Mapping[str, Any],
        from_step: int | None = None,
    ) -> Begun:
        """Say that the run is being trained; a run that is there and not done is gone on with, its rows kept.

        ``from_step`` is the step of the checkpoint that a continued run starts from: what it had stored for
        later steps is removed, for it will come again. A run that is done is left as it is, and says so: somebody
        else was faster, and there is nothing to train. Each beginning adds its ``provenance``.
        """
        now = datetime.now(UTC)
        row = {
            "key": key,
            "title": title,
            "spec": dict(spec),
            "status": "running",
            "created_at": now,
            "started_at": now,
            "steps": steps,
        }
        with self.transaction() as connection:
            new = insert_if_absent(connection, run, row, unique="key")
            # On a server the row stays ours until the end, so that beginnings of one run come one by one.
            known = connection.execute(
                select(run.c.id, run.c.status).where(run.c.key == key).with_for_update()
            ).one()
            if known.status == "done":
                return "done"
            self._add_provenance(connection, known.id, provenance)
            if not new:
                self._continue(connection, known.id, title, steps, now, from_step)
        return "new" if new else "continued"

    @staticmethod
    def _continue(
        connection: Connection, run_id: int, title: str | None, steps: int, now: datetime, from_step: int | None
    ) -> None:
        changed: dict[str, Any] = {
            "status": "running",
            "steps": steps,
            "started_at": now,
            "finished_at": None,
            "error": None,
            "traceback": None,
        }
        if title is not None:
            changed["title"] = title
        connection.execute(update(run).where(run.c.id == run_id).values(**changed))
        if from_step is not None:
            for table in (metric, array):
                connection.execute(delete(table).where(table.c.run_id == run_id, table.c.step > from_step))

    @staticmethod
    def _add_provenance(connection: Connection, run_id: int, data: Mapping[str, Any]) -> None:
        earlier = connection.scalar(select(func.max(provenance.c.attempt)).where(provenance.c.run_id == run_id))
        attempt = read_attempts(earlier) + 1
        upsert(connection, provenance, [{"run_id": run_id, "attempt": attempt, "data": dict(data)}])

    def finish_run(
        self,
        key: str,
        status: Status,
        *,
        final_step: int | None,
        seconds: float | None,
        error: str | None = None,
        traceback: str | None = None,
    ) -> None:
        """Say how the run ended, after which step and how many seconds of training.

        ``error`` is kept as one line. Raises ValueError for a status that is no end.
        """
        if status not in FINAL_STATUSES:
            raise ValueError(f"a run does not end as {status!r}: one of {', '.join(FINAL_STATUSES)}")
        values = {
            "status": status,
            "final_step": final_step,
            "seconds": seconds,
            "finished_at": datetime.now(UTC),
            "error": None if error is None else " ".join(error.split()),
            "traceback": traceback,
        }
        with self.transaction() as connection:
            run_id = self._id(connection, key)
            connection.execute(update(run).where(run.c.id == run_id).values(**values))

    def discard_runs(self, keys: Iterable[str]) -> int:
        """Remove runs with all that they stored; how many there were."""
        unique = list(dict.fromkeys(keys))
        removed = 0
        with self.transaction() as connection:
            for start in range(0, len(unique), PORTION):
                portion = unique[start : start + PORTION]
                removed += connection.execute(delete(run).where(run.c.key.in_(portion))).rowcount
        return removed

    # -- what runs leave -------------------------------------------------------------------------------

    def record_metrics(self, key: str, step: int, values: Mapping[str, float]) -> None:
        """Store the numbers of one step; NaN and infinities are kept, an earlier number is replaced."""
        with self.transaction() as connection:
            run_id = self._id(connection, key)
            rows = [{"run_id": run_id, "name": n, "step": int(step), "value": float(v)} for n, v in values.items()]
            upsert(connection, metric, rows)

    def record_array(self, key: str, step: int, name: str, values: npt.ArrayLike) -> None:
        """Store an array of numbers, booleans or text of any shape; an earlier one is replaced."""
        encoded = array_codec.encode(values)
        with self.transaction() as connection:
            upsert(
                connection,
                array,
                [{"run_id": self._id(connection, key), "name": name, "step": int(step), **encoded}],
            )

    def record_artifact(self, key: str, name: str, path: str, *, sha256: str, size: int) -> None:
        """Note a file that the run left: its path in the checkpoint folder, its digest and size in bytes.

        Raises ValueError for a path that leads elsewhere: on another machine it would mean nothing.
        """
        pure = PurePosixPath(path)
        if pure.is_absolute() or ".." in pure.parts or "\\" in path or not pure.parts:
            raise ValueError(f"an artifact's path is relative to the checkpoint folder, with '/', not {path!r}")
        row = {"name": name, "path": str(pure), "sha256": sha256, "bytes": int(size)}
        with self.transaction() as connection:
            upsert(connection, artifact, [{"run_id": self._id(connection, key), **row}])

    def record_computation(self, name: str, params: Mapping[str, Any], values: npt.ArrayLike) -> None:
        """Store an array that was computed from ``params`` (plain data) without training; replaces an earlier one.

        Whatever changes the result belongs to ``params``, a revision of the computation included.
        """
        row = {"name": name, "digest": digest(params), "params": dict(params), **array_codec.encode(values)}
        with self.transaction() as connection:
            upsert(connection, computation, [{**row, "created_at": datetime.now(UTC)}])

    def set_stand_in(self, name: str, stands_in_for: str | None) -> None:
        """Say that data set ``name`` stands in for another one; None takes it back."""
        with self.transaction() as connection:
            if stands_in_for is None:
                connection.execute(delete(stand_in).where(stand_in.c.name == name))
            else:
                upsert(connection, stand_in, [{"name": name, "stands_in_for": stands_in_for}])

    def _id(self, connection: Connection, key: str) -> int:
        # Asked anew each time: a number kept in memory could, after the run's removal, be another run's.
        run_id = connection.scalar(select(run.c.id).where(run.c.key == key))
        if run_id is None:
            raise RunRemovedError(
                f"no run has the key {key!r}",
                where=self.location.shown,
                next="it was removed while it was trained: train it again",
            )
        return read_count(run_id)
