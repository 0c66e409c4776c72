"""What can be asked of the store about runs and their numbers.

Every query is a few statements on indices, however many runs it is about: a report of 500 runs reads them at
once, not one by one. Lists of keys go in portions, as databases limit the parameters of one statement.
"""

from __future__ import annotations

import difflib
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, Connection, Select, and_, func, inspect, select, true

from lsncli.errors import LsnError
from lsncli.store import array_codec
from lsncli.store.computations import digest
from lsncli.store.models import array, artifact, computation, metric, provenance, run, stand_in
from lsncli.store.records import (
    BEST_BY,
    ArrayEntry,
    ArtifactEntry,
    Contents,
    MetricRow,
    RunRecord,
    RunState,
    Status,
    Which,
)
from lsncli.store.stored_values import (
    read_array_entry,
    read_artifact,
    read_metric,
    read_object,
    read_record,
    read_state,
    read_text,
)

if TYPE_CHECKING:
    import numpy.typing as npt

#: Keys per statement; SQLite before 3.32 accepts 999 parameters.
PORTION = 900

_RECORD_COLUMNS = [column for column in run.columns if column.name != "id"]


class Queries(ABC):
    """The reading half of :class:`lsncli.store.Store`."""

    @abstractmethod
    def _reading(self) -> AbstractContextManager[Connection]:
        """A connection inside a transaction, so that several statements see one state."""

    # -- runs ------------------------------------------------------------------------------------------

    def statuses(self, keys: Iterable[str] | None = None) -> dict[str, RunState]:
        """How far each of the runs ``keys`` is (all runs, if None); keys without a run are left out."""
        columns = (run.c.status, run.c.steps, run.c.final_step, run.c.seconds, run.c.error, run.c.finished_at)
        with self._reading() as connection:
            rows = _for_keys(connection, select(run.c.key, *columns), keys)
            return {read_text(row[0], "run"): read_state(row[1:]) for row in rows}

    def runs(self, status: Status | None = None, *, limit: int | None = None) -> list[RunRecord]:
        """The runs, those begun last first."""
        query = select(*_RECORD_COLUMNS).order_by(run.c.started_at.desc(), run.c.id.desc()).limit(limit)
        if status is not None:
            query = query.where(run.c.status == status)
        with self._reading() as connection:
            return [read_record(row._asdict()) for row in connection.execute(query)]

    def run(self, key: str) -> RunRecord:
        """The run of exactly this key; raises :class:`LsnError` if there is none."""
        with self._reading() as connection:
            row = connection.execute(select(*_RECORD_COLUMNS).where(run.c.key == key)).first()
            if row is not None:
                return read_record(row._asdict())
        raise LsnError(f"no run has the key {key!r}", next="lsn runs list shows the keys")

    def resolve(self, prefix: str) -> str:
        """The key that begins with ``prefix``.

        Raises :class:`LsnError` with the candidates if several do, with the nearest keys if none does.
        """
        wanted = prefix.strip().lower()
        with self._reading() as connection:
            rows = connection.execute(select(run.c.key).order_by(run.c.key)).scalars()
            keys = [read_text(key, "run") for key in rows]
        found = [key for key in keys if key.lower().startswith(wanted)]
        # A key may be the beginning of a longer one; written out in full it is meant.
        exact = [key for key in found if key == prefix.strip()]
        if exact or (wanted and len(found) == 1):
            return (exact or found)[0]
        if wanted and found:
            shown = found[:10] + ([f"and {len(found) - 10} more"] if len(found) > 10 else [])
            raise LsnError(
                f"{len(found)} runs have keys that begin with {prefix!r}", valid=shown, next="give more digits"
            )
        close = difflib.get_close_matches(wanted, [key[: max(len(wanted), 4)] for key in keys], n=3, cutoff=0.6)
        hint = [key for key in keys if any(key.startswith(c) for c in close)][:5]
        raise LsnError(
            f"no run has a key that begins with {prefix!r}",
            valid=[f"for example {key}" for key in hint] or None,
            next="lsn runs list shows the keys" if keys else "the database has no runs yet: lsn run quickstart",
        )

    # -- numbers ---------------------------------------------------------------------------------------

    def values(
        self,
        keys: Iterable[str] | None,
        names: Sequence[str] | None = None,
        which: Which = "last",
        *,
        statuses: Sequence[Status] | None = ("done",),
    ) -> dict[str, dict[str, float]]:
        """One value per run and metric: ``{key: {name: value}}``.

        *last* is the value at the run's largest step at which that metric exists; *best* the value at the step of
        the highest finite test accuracy (of several, the first). Only runs with one of ``statuses`` count (None:
        all); a run or metric without a value is left out. ``names`` None asks for all metrics.
        """
        by_name = true() if names is None else metric.c.name.in_(list(names))
        by_status = true() if statuses is None else run.c.status.in_(list(statuses))
        build = _last if which == "last" else _best
        result: dict[str, dict[str, float]] = {}
        with self._reading() as connection:
            for portion in _portions(keys):
                for key, name, value in connection.execute(build(and_(by_status, portion), by_name)):
                    result.setdefault(read_text(key, "run"), {})[read_text(name, "metric")] = value
        return result

    def history(self, key: str) -> dict[str, list[tuple[int, float]]]:
        """All numbers of one run: for each metric its (step, value) pairs in the order of steps."""
        result: dict[str, list[tuple[int, float]]] = {}
        for row in self.metrics([key]):
            result.setdefault(row.name, []).append((row.step, row.value))
        return result

    def metrics(self, keys: Iterable[str] | None = None) -> Iterator[MetricRow]:
        """Every stored number, run by run in the order in which the runs were made; read as it is consumed."""
        query = (
            select(run.c.key, metric.c.name, metric.c.step, metric.c.value)
            .join(metric, metric.c.run_id == run.c.id)
            .order_by(run.c.id, metric.c.name, metric.c.step)
            .execution_options(yield_per=5000)
        )
        with self._reading() as connection:
            for row in _for_keys(connection, query, keys):
                yield read_metric(row)

    # -- what else a run left --------------------------------------------------------------------------

    def arrays(self, key: str) -> list[ArrayEntry]:
        """The arrays of one run, by name and step, without their contents."""
        columns = (array.c.name, array.c.step, array.c.dtype, array.c.shape, func.length(array.c.data))
        with self._reading() as connection:
            rows = connection.execute(_of_run(select(*columns), array.c, key).order_by(array.c.name, array.c.step))
            return [read_array_entry(row) for row in rows]

    def get_array(self, key: str, name: str, step: int | None = None) -> npt.NDArray[Any]:
        """An array of one run at ``step``, or its last one; raises :class:`LsnError` if there is none."""
        query = _of_run(select(array.c.dtype, array.c.shape, array.c.data), array.c, key).where(
            array.c.name == name
        )
        if step is not None:
            query = query.where(array.c.step == step)
        with self._reading() as connection:
            row = connection.execute(query.order_by(array.c.step.desc()).limit(1)).first()
            if row is not None:
                return array_codec.decode(*row)
        known = sorted({entry.name for entry in self.arrays(key)})
        at = "" if step is None else f" at step {step}"
        raise LsnError(f"run {key} has no array {name!r}{at}", valid=known or "(none)")

    def artifacts(self, key: str) -> list[ArtifactEntry]:
        """The files that one run left."""
        columns = (artifact.c.name, artifact.c.path, artifact.c.sha256, artifact.c.bytes)
        with self._reading() as connection:
            rows = connection.execute(_of_run(select(*columns), artifact.c, key).order_by(artifact.c.name))
            return [read_artifact(row) for row in rows]

    def provenance(self, key: str) -> list[dict[str, Any]]:
        """Where and with what a run was trained: one mapping for each time it was begun or gone on with."""
        query = _of_run(select(provenance.c.data), provenance.c, key).order_by(provenance.c.attempt)
        with self._reading() as connection:
            return [read_object(data, "provenance") for data in connection.execute(query).scalars()]

    def latest_provenance(self, keys: Iterable[str] | None = None) -> dict[str, dict[str, Any]]:
        """With what each of the runs ``keys`` (None: all) was trained last; runs that do not say are left out."""
        query = (
            select(run.c.key, provenance.c.data)
            .join(provenance, provenance.c.run_id == run.c.id)
            .order_by(provenance.c.attempt)
        )
        with self._reading() as connection:
            rows = _for_keys(connection, query, keys)
            # Later attempts come later, and replace the earlier ones.
            return {key: read_object(data, "provenance") for key, data in rows}

    def data_digests(self, keys: Iterable[str] | None = None) -> dict[str, str]:
        """The digest of the data that each run was trained on last; runs that do not say are left out.

        It is that of the run's subset, where its spec names one.
        """
        found = ((key, data.get("data_digest")) for key, data in self.latest_provenance(keys).items())
        return {key: digest for key, digest in found if isinstance(digest, str)}

    def get_computation(self, name: str, params: Mapping[str, Any]) -> npt.NDArray[Any] | None:
        """The array that was computed from exactly these parameters, or None where it has not been stored."""
        columns = (computation.c.dtype, computation.c.shape, computation.c.data)
        query = select(*columns).where(computation.c.name == name, computation.c.digest == digest(params))
        with self._reading() as connection:
            if not inspect(connection).has_table(computation.name):
                return None  # a database of schema 0001, opened for reading
            row = connection.execute(query).first()
            return None if row is None else array_codec.decode(*row)

    def stand_ins(self) -> dict[str, str]:
        """Data sets that stand in for others: ``{name: stands in for}``."""
        with self._reading() as connection:
            rows = connection.execute(select(stand_in.c.name, stand_in.c.stands_in_for).order_by(stand_in.c.name))
            return {read_text(name, "stand_in"): read_text(real, "stand_in") for name, real in rows}

    def metric_names(self) -> set[str]:
        """The names of all metrics that any run has."""
        with self._reading() as connection:
            names = connection.execute(select(metric.c.name).distinct()).scalars()
            return {read_text(name, "metric") for name in names}

    def contents(self) -> Contents:
        """How much the database holds."""
        with self._reading() as connection:
            by_status = connection.execute(select(run.c.status, func.count()).group_by(run.c.status))
            counts = {status: int(count) for status, count in by_status}
            totals = [
                int(connection.scalar(select(func.count()).select_from(t)) or 0) for t in (metric, array, artifact)
            ]
        return Contents(counts, *totals)


def _portions(keys: Iterable[str] | None) -> Iterator[ColumnElement[bool]]:
    """Conditions that together select the runs ``keys``; one that selects all for None."""
    if keys is None:
        yield true()
        return
    unique = list(dict.fromkeys(keys))
    for start in range(0, len(unique), PORTION):
        yield run.c.key.in_(unique[start : start + PORTION])


def _for_keys(connection: Connection, query: Select[Any], keys: Iterable[str] | None) -> Iterator[Any]:
    for portion in _portions(keys):
        yield from connection.execute(query.where(portion))


def _of_run(query: Select[Any], columns: Any, key: str) -> Select[Any]:
    return query.join(run, run.c.id == columns.run_id).where(run.c.key == key)


def _last(runs: ColumnElement[bool], names: ColumnElement[bool]) -> Select[Any]:
    newest = (
        select(metric.c.run_id, metric.c.name, func.max(metric.c.step).label("step"))
        # A list of ids, not a join: SQLite then walks the metrics in the order of their primary key.
        .where(metric.c.run_id.in_(select(run.c.id).where(runs)), names)
        .group_by(metric.c.run_id, metric.c.name)
        .subquery()
    )
    return _at(newest)


def _at(steps: Any) -> Select[Any]:
    """Key, name and value of each metric of each run at the step that ``steps`` has of it."""
    same = and_(metric.c.run_id == steps.c.run_id, metric.c.name == steps.c.name, metric.c.step == steps.c.step)
    return select(run.c.key, metric.c.name, metric.c.value).select_from(
        steps.join(metric, same).join(run, run.c.id == steps.c.run_id)
    )


def _best(runs: ColumnElement[bool], names: ColumnElement[bool]) -> Select[Any]:
    rank = func.row_number().over(
        partition_by=metric.c.run_id, order_by=(metric.c.value.desc(), metric.c.step.asc())
    )
    ranked = (
        select(metric.c.run_id, metric.c.step, rank.label("rank"))
        .where(metric.c.run_id.in_(select(run.c.id).where(runs)), metric.c.name == BEST_BY)
        # NULL is NaN: a run that diverged later still has the best of its good steps.
        .where(metric.c.value.is_not(None))
        .subquery()
    )
    # What is recorded once, before the training, has no number at that step, yet holds at it.
    until = and_(metric.c.run_id == ranked.c.run_id, metric.c.step <= ranked.c.step, ranked.c.rank == 1)
    newest = (
        select(metric.c.run_id, metric.c.name, func.max(metric.c.step).label("step"))
        .select_from(ranked.join(metric, until))
        .where(names)
        .group_by(metric.c.run_id, metric.c.name)
        .subquery()
    )
    return _at(newest)
