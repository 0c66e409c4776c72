"""The tables of the result database.

A change here needs a new migration in ``migrations/versions`` and its revision in ``schema.py``; a test compares
the two. The registry is our own: another package's SQLModel tables in the same process must not become ours.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import JSON, BigInteger, LargeBinary, MetaData, Text
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel

from lsncli.store.column_types import AnyFloat, UtcDateTime

#: Constraints need names of their own, or later migrations could not address them on every database.
NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_name)s",
    "uq": "uq_%(table_name)s_%(column_0_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}

METADATA = MetaData(naming_convention=NAMING)

#: On SQLite the rows of such a table lie in the order of the primary key: all steps of one metric of one run
#: are neighbours, and there is no second copy of the key in an index.
_CLUSTERED: dict[str, Any] = {"sqlite_with_rowid": False}


class Record(SQLModel, registry=registry(metadata=METADATA)):
    """Base class of our tables."""


class Run(Record, table=True):
    """One training; ``spec`` is its RunSpec as plain data, ``steps`` how many it will take."""

    __tablename__ = "run"

    id: int | None = Field(default=None, primary_key=True)
    key: str = Field(unique=True, index=True)
    title: str | None = Field(default=None, sa_type=Text)
    spec: dict[str, Any] = Field(sa_type=JSON)
    status: str
    created_at: datetime = Field(sa_type=UtcDateTime)
    started_at: datetime = Field(sa_type=UtcDateTime)
    finished_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    seconds: float | None = None
    steps: int
    final_step: int | None = None
    error: str | None = Field(default=None, sa_type=Text)
    traceback: str | None = Field(default=None, sa_type=Text)


class Metric(Record, table=True):
    """One number of one run at one step; NULL is NaN."""

    __tablename__ = "metric"
    __table_args__: ClassVar[dict[str, Any]] = _CLUSTERED

    run_id: int = Field(primary_key=True, foreign_key="run.id", ondelete="CASCADE")
    name: str = Field(primary_key=True)
    step: int = Field(primary_key=True)
    value: float | None = Field(default=None, sa_type=AnyFloat)


class Array(Record, table=True):
    """One array of one run at one step, compressed, in C order."""

    __tablename__ = "array"

    run_id: int = Field(primary_key=True, foreign_key="run.id", ondelete="CASCADE")
    name: str = Field(primary_key=True)
    step: int = Field(primary_key=True)
    dtype: str
    shape: list[int] = Field(sa_type=JSON)
    data: bytes = Field(sa_type=LargeBinary)


class Artifact(Record, table=True):
    """A file that a run left, with its path in the checkpoint folder."""

    __tablename__ = "artifact"

    run_id: int = Field(primary_key=True, foreign_key="run.id", ondelete="CASCADE")
    name: str = Field(primary_key=True)
    path: str = Field(sa_type=Text)
    sha256: str
    bytes: int = Field(sa_type=BigInteger)


class Provenance(Record, table=True):
    """Where and with what a run was trained; one row for every time it was begun or gone on with."""

    __tablename__ = "provenance"

    run_id: int = Field(primary_key=True, foreign_key="run.id", ondelete="CASCADE")
    attempt: int = Field(primary_key=True)
    data: dict[str, Any] = Field(sa_type=JSON)


class StandIn(Record, table=True):
    """A data set whose results a report may show in another's place."""

    __tablename__ = "stand_in"

    name: str = Field(primary_key=True)
    stands_in_for: str


class Computation(Record, table=True):
    """An array that was computed without training; ``digest`` is of ``params``, which databases cannot compare."""

    __tablename__ = "computation"

    name: str = Field(primary_key=True)
    digest: str = Field(primary_key=True)
    params: dict[str, Any] = Field(sa_type=JSON)
    dtype: str
    shape: list[int] = Field(sa_type=JSON)
    data: bytes = Field(sa_type=LargeBinary)
    created_at: datetime = Field(sa_type=UtcDateTime)


class Claim(Record, table=True):
    """The process that trains a run, as long as it does; no result, so nobody merges or exports it.

    ``token`` names one batch, and no other ever again. ``machine`` and ``process_start`` tell on the same machine
    whether the process still lives; None where the system does not say.
    """

    __tablename__ = "claim"

    key: str = Field(primary_key=True)
    token: str
    host: str
    pid: int
    machine: str | None = None
    process_start: int | None = Field(default=None, sa_type=BigInteger)
    since: datetime = Field(sa_type=UtcDateTime)
    heartbeat: datetime = Field(sa_type=UtcDateTime)


# The queries are written on the tables, not on mapped objects: a report reads thousands of numbers, and none of
# them needs an identity map.
run = METADATA.tables["run"]
metric = METADATA.tables["metric"]
array = METADATA.tables["array"]
artifact = METADATA.tables["artifact"]
provenance = METADATA.tables["provenance"]
stand_in = METADATA.tables["stand_in"]
computation = METADATA.tables["computation"]
claim = METADATA.tables["claim"]
