"""Brings the results of other databases into ours, by key: all of it in one transaction, or nothing.

The others are only read. What merging twice, or in another order, would add or change again is found out by
comparing results, so that a merge can be repeated whenever something went wrong.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, select

from lsncli.errors import EmptyDatabaseError, LsnError
from lsncli.store.claimed import claimed_runs
from lsncli.store.failures import explained
from lsncli.store.location import Location
from lsncli.store.merge_decision import TAKEN, Prefer, Standing, Verdict, attempts_of_both, decide
from lsncli.store.merge_files import Destination, Files
from lsncli.store.merge_report import MergeReport, SourceReport
from lsncli.store.merge_rest import Rest
from lsncli.store.models import run
from lsncli.store.newest import as_newest
from lsncli.store.records import ArtifactEntry
from lsncli.store.store import Store
from lsncli.store.whole_run import (
    DamagedRunError,
    WholeRun,
    flaws,
    read_run,
    write_artifact,
    write_attempts,
    write_run,
)


def merge(
    target: str,
    others: Sequence[str],
    *,
    prefer: Prefer = "ours",
    destination: Destination | None = None,
    weights: Path | None = None,
    dry_run: bool = False,
) -> MergeReport:
    """Bring the runs, computations and stand-ins of ``others`` into ``target``, which is made if it is not there.

    ``destination`` is where the files of runs go; None brings none. ``weights`` is our folder of weights where none
    are brought: where a run becomes theirs, its old files there are removed, for its numbers are no longer those of
    these files. Raises :class:`LsnError`, with ``target`` as it
    was, for a database that cannot be read: a damaged one, another program's, a newer lsn's, or ``target`` itself.
    """
    location = Location.parse(target)
    for other in others:
        _refuse_itself(location, Location.parse(other))
    with ExitStack() as stack:
        sources = [_Source(i, *stack.enter_context(as_newest(other))) for i, other in enumerate(others)]
        connections = [stack.enter_context(source.store._reading()) for source in sources]
        files = Files(destination, weights if destination is None else destination.folder)
        stack.callback(files.close)
        # One that is not there is made only when everything has been looked at: damage may show in the last row.
        if not dry_run:
            location.check_for_writing(create=True)
        ours = _open(stack, target, location, dry_run)
        # First without the lock, so that nobody waits while files are copied.
        looking = _Merge(prefer, files, ours, copy=not dry_run)
        with nullcontext() if ours is None else ours._reading() as connection:
            reports = [looking.bring(s, c, connection) for s, c in zip(sources, connections, strict=True)]
        if dry_run:
            return MergeReport(location.shown, True, reports)
        if ours is None:
            ours = stack.enter_context(Store.open(target))
        writing = _Merge(prefer, files, ours, copy=False, write=True)
        try:
            with ours.transaction() as connection:
                reports = [writing.bring(s, c, connection) for s, c in zip(sources, connections, strict=True)]
                files.set_aside(writing.taken, writing.wanted)
                # A crash must not leave our numbers with their weights either.
                replaced = {key for key, there in writing.taken.items() if there}
                files.put_new({p: s for p, s in writing.wanted.items() if p.parent.name not in replaced})
        except BaseException:
            files.take_back()
            raise
        files.put_rest(writing.wanted)
        return MergeReport(location.shown, False, reports)


@dataclass(frozen=True, slots=True)
class _Source:
    number: int
    store: Store
    schema: str


def _open(stack: ExitStack, target: str, location: Location, dry_run: bool) -> Store | None:
    if location.path is not None and (not location.exists() or location.path.stat().st_size == 0):
        return None
    if not dry_run:
        return stack.enter_context(Store.open(target))
    try:
        return stack.enter_context(as_newest(target))[0]
    except EmptyDatabaseError:
        # A merge would make the tables.
        return None


def _refuse_itself(ours: Location, theirs: Location) -> None:
    same = ours.url is not None and theirs.url is not None and ours.url == theirs.url
    if ours.path is not None and theirs.path is not None and ours.exists() and theirs.exists():
        same = ours.path.samefile(theirs.path)
    if same:
        raise LsnError(
            "a database cannot be merged into itself", where=theirs.shown, next="name the database that comes in"
        )


class _Merge:
    """One pass over the sources: looking, or writing.

    ``known`` is how the runs of ours stand after the sources before: in a pass that writes nothing, too.
    """

    def __init__(
        self, prefer: Prefer, files: Files, store: Store | None, *, copy: bool, write: bool = False
    ) -> None:
        self.prefer = prefer
        self.store = store
        self.files = files
        self.copy = copy
        self.write = write
        self.known: dict[str, Standing] = {}
        #: Files that our database will name: place → SHA-256.
        self.wanted: dict[Path, str] = {}
        #: The runs whose results are theirs now, and whether our database has known them.
        self.taken: dict[str, bool] = {}
        self.rest = Rest(prefer, write=write)

    def bring(self, source: _Source, theirs: Connection, ours: Connection | None) -> SourceReport:
        """Everything of one source; ``ours`` is None for a database that is not there yet."""
        location = source.store.location
        report = SourceReport(location.shown, source.schema)
        busy: frozenset[str] = frozenset() if self.store is None else claimed_runs(self.store)
        for key in self._keys(theirs, location.shown):
            try:
                whole = self._read(theirs, location.shown, key)
            except DamagedRunError as error:
                report.runs["refused"].append(key)
                report.refused.append((f"run {key}", str(error)))
                continue
            mine = self._standing(ours, key, busy)
            standing = Standing.of(whole)
            verdict = decide(mine, standing, self.prefer)
            report.runs[verdict].append(key)
            if verdict != "busy":
                self._bring_run(source, ours, whole, mine, standing, verdict, report)
        self.rest.bring_computations(theirs, ours, location.shown, report)
        self.rest.bring_stand_ins(theirs, ours, location.shown, report)
        return report

    # -- runs ------------------------------------------------------------------------------------------

    @staticmethod
    def _keys(theirs: Connection, shown: str) -> list[str]:
        with explained(shown):
            return [str(key) for key in theirs.execute(select(run.c.key).order_by(run.c.id)).scalars()]

    @staticmethod
    def _read(theirs: Connection, shown: str, key: str) -> WholeRun:
        with explained(shown):
            whole = read_run(theirs, key)
        if whole is None:
            raise DamagedRunError("it cannot be found by its key")
        found = flaws(whole)
        if found:
            raise DamagedRunError("; ".join(found))
        return whole

    def _standing(self, ours: Connection | None, key: str, busy: frozenset[str]) -> Standing | None:
        if key in self.known:
            return self.known[key]
        if ours is None:
            return None
        attempts: tuple[dict[str, Any], ...] = ()
        try:
            whole = read_run(ours, key)
            if whole is None:
                return None
            attempts = whole.provenance
            if not flaws(whole):
                return Standing.of(whole, busy=key in busy)
        except DamagedRunError:
            pass
        # A whole one from elsewhere may take its place.
        return Standing("damaged", "", None, attempts, key in busy)

    def _bring_run(
        self,
        source: _Source,
        ours: Connection | None,
        whole: WholeRun,
        mine: Standing | None,
        theirs: Standing,
        verdict: Verdict,
        report: SourceReport,
    ) -> None:
        key, attempts = whole.key, attempts_of_both(mine, theirs, verdict)
        if verdict in TAKEN:
            self.taken.setdefault(key, mine is not None)
            # What an earlier source brought of the run belongs to results that are replaced.
            self.wanted = {place: sha256 for place, sha256 in self.wanted.items() if place.parent.name != key}
            entries = self._files_of(source, whole, whole.artifacts, report)
            whole = _as_ours(whole, source.store.location.shown)
            if self.write and ours is not None:
                write_run(ours, whole, entries, attempts)
            self.known[key] = Standing(
                whole.status, theirs.result, whole.finished_at, attempts, files=tuple(entries)
            )
            return
        assert mine is not None
        named = {entry.name: entry for entry in mine.files}
        if verdict == "same":
            for entry in self._files_of(source, whole, self._lacking(whole, named), report):
                named[entry.name] = entry
                if self.write and ours is not None:
                    write_artifact(ours, key, entry)
        if self.write and ours is not None and attempts != mine.attempts:
            write_attempts(ours, key, attempts)
        self.known[key] = Standing(
            mine.status, mine.result, mine.finished_at, attempts, files=tuple(named.values())
        )

    def _lacking(self, whole: WholeRun, named: Mapping[str, ArtifactEntry]) -> list[ArtifactEntry]:
        """The files of a run whose results both have that our folder lacks.

        It also lacks a file that lies there and is not what our database has ``named``: that belongs to other
        results.
        """
        return [e for e in whole.artifacts if not self.files.has(whole.key, e, named.get(e.name))]

    def _files_of(
        self, source: _Source, whole: WholeRun, entries: Sequence[ArtifactEntry], report: SourceReport
    ) -> list[ArtifactEntry]:
        """The entries, as our database names them, of the files that are in our folder or will be."""
        path = source.store.location.path
        folder = None if path is None else path.absolute().parent
        kept = []
        for entry in entries:
            name = (source.number, whole.key, entry.name)
            if self.write:
                # A run that was not to be taken when the files were copied has none now.
                outcome = self.files.outcomes.get(name, "missing")
            else:
                outcome = self.files.look(source.number, folder, whole.key, entry, copy=self.copy)
            report.files[outcome] += 1
            if outcome in ("copied", "there") and self.files.destination is not None:
                kept.append(self.files.destination.entry(whole.key, entry))
                self.wanted[self.files.destination.path(whole.key, entry)] = entry.sha256
        return kept


def _as_ours(whole: WholeRun, shown: str) -> WholeRun:
    """A run as it comes in: nobody here trains one that was being trained there."""
    if whole.status != "running":
        return whole
    row = {**whole.row, "status": "interrupted", "error": f"it was being trained when {shown} was merged"}
    return WholeRun(row, whole.metrics, whole.arrays, whole.artifacts, whole.provenance)
