"""Claims: who trains which run, so that batches side by side train nothing twice.

A claim is taken, renewed and given back in transactions that write, and a write for a run can ask in its own
transaction whether the claim is still held: between the answer and the write nobody else can take it.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, delete, func, inspect, select, update

from lsncli.store.claimant import Claimant, ClaimEntry
from lsncli.store.models import claim
from lsncli.store.queries import PORTION, Queries
from lsncli.store.records import RunState
from lsncli.store.stored_values import read_claim
from lsncli.store.upsert import insert_if_absent

#: The statuses of a run that is not trained again unless somebody asks for it.
ENDED = ("done", "diverged", "failed")


class ClaimStore(Queries):
    """The part of :class:`lsncli.store.Store` that looks after claims."""

    @abstractmethod
    def transaction(self) -> AbstractContextManager[Connection]:
        """A transaction that writes."""

    def claims(self, keys: Iterable[str] | None = None) -> dict[str, ClaimEntry]:
        """The claims on the runs ``keys`` (all, if None), whether or not their claimants live."""
        found: dict[str, ClaimEntry] = {}
        with self._reading() as connection:
            if not inspect(connection).has_table(claim.name):
                return found  # a database of an earlier schema, opened for reading
            now = _now(connection)
            for portion in _portions(keys):
                query = select(claim) if portion is None else select(claim).where(claim.c.key.in_(portion))
                for row in connection.execute(query):
                    found[row.key] = read_claim(row._asdict(), now)
        return found

    def claim(
        self,
        keys: Collection[str],
        claimant: Claimant,
        known: Mapping[str, RunState],
        gone: Callable[[ClaimEntry], bool],
    ) -> dict[str, RunState | ClaimEntry | None]:
        """Claim runs for ``claimant``, all of them at one moment; what stands in the way of each, or None.

        That is the claim of another one, unless ``gone`` says that its claimant has ended, and then it is taken
        over; or the end of the run, if it has ended otherwise than ``known`` says: there is nothing to train.
        """
        result: dict[str, RunState | ClaimEntry | None] = {}
        with self.transaction() as connection:
            rows = self._locked_or_made(connection, keys, claimant)
            # Only now: whoever held a claim until this moment has stored the run's end with giving it back.
            states = self.statuses(keys)
            for key, entry in rows.items():
                now, before = states.get(key), known.get(key)
                if now is not None and now.status in ENDED and not _same_end(now, before):
                    result[key] = now
                elif entry.token == claimant.token:
                    result[key] = None
                elif gone(entry):
                    values = _values(claimant, _now(connection))
                    connection.execute(update(claim).where(claim.c.key == key).values(**values))
                    result[key] = None
                else:
                    result[key] = entry
            ended = [key for key, hindrance in result.items() if isinstance(hindrance, RunState)]
            self._give_back(connection, claimant.token, ended)
        return result

    @staticmethod
    def _locked_or_made(connection: Connection, keys: Collection[str], claimant: Claimant) -> dict[str, ClaimEntry]:
        """The claims on all of ``keys``, ours where there was none, locked until the transaction ends."""
        rows: dict[str, ClaimEntry] = {}
        while missing := sorted(set(keys) - rows.keys()):
            now = _now(connection)
            for key in missing:
                insert_if_absent(connection, claim, {"key": key, **_values(claimant, now)}, unique="key")
            # On a server a claim may go between the two statements: then it is made once more.
            for row in _locked(connection, missing):
                rows[row.key] = read_claim(row._asdict(), now)
        return rows

    def renew_claims(self, token: str) -> None:
        """The heartbeat of all claims of one claimant."""
        with self.transaction() as connection:
            _lock(connection, claim.c.token == token)
            connection.execute(update(claim).where(claim.c.token == token).values(heartbeat=_now(connection)))

    def held_claims(self, token: str, keys: Iterable[str]) -> set[str]:
        """Those of ``keys`` that ``token`` has claimed; inside a transaction that writes, until its end."""
        with self.transaction() as connection:
            return {row.key for row in _locked(connection, sorted(set(keys))) if row.token == token}

    def release_claims(self, token: str, keys: Iterable[str] | None = None) -> None:
        """Give back the claims on ``keys`` (all, if None), as far as ``token`` holds them."""
        with self.transaction() as connection:
            if keys is None:
                _lock(connection, claim.c.token == token)
                connection.execute(delete(claim).where(claim.c.token == token))
            else:
                self._give_back(connection, token, list(keys))

    @staticmethod
    def _give_back(connection: Connection, token: str, keys: list[str]) -> None:
        for portion in _portions(keys):
            connection.execute(delete(claim).where(claim.c.token == token, claim.c.key.in_(portion or [])))


def _same_end(now: RunState, before: RunState | None) -> bool:
    return before is not None and (before.status, before.finished_at) == (now.status, now.finished_at)


def _values(claimant: Claimant, now: datetime) -> dict[str, Any]:
    return {**asdict(claimant), "since": now, "heartbeat": now}


def _now(connection: Connection) -> datetime:
    """The time by a clock that all claimants share: a server's own, or that of the machine with the file."""
    if connection.dialect.name == "postgresql":
        found: datetime = connection.execute(select(func.clock_timestamp())).scalar_one()
        return found.astimezone(UTC)
    return datetime.now(UTC)


def _portions(keys: Iterable[str] | None) -> Iterable[list[str] | None]:
    if keys is None:
        return [None]
    unique = sorted(set(keys))
    return [unique[start : start + PORTION] for start in range(0, len(unique), PORTION)]


def _locked(connection: Connection, keys: list[str]) -> list[Any]:
    """The rows of ``keys``; on a server locked, always in the same order, so that nobody waits in a circle."""
    rows: list[Any] = []
    for portion in _portions(keys):
        rows += _lock(connection, claim.c.key.in_(portion or []))
    return rows


def _lock(connection: Connection, which: ColumnElement[bool]) -> list[Any]:
    return list(connection.execute(select(claim).where(which).order_by(claim.c.key).with_for_update()))
