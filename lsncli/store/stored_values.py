"""What a database may hold that lsn has not written: SQLite keeps any value in any column.

Files come from anywhere. A value that is not what the store writes is refused here, at the border, so that nothing
behind it has to expect it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from lsncli.store.claimant import ClaimEntry
from lsncli.store.records import STATUSES, ArrayEntry, ArtifactEntry, MetricRow, RunRecord, RunState

#: Largest whole number that a column holds.
_LARGEST = 2**63 - 1
#: Most dimensions of an array that NumPy has.
_DIMENSIONS = 32


class UnreadableValueError(ValueError):
    """A value in the database is not one that the store writes."""


def read_json(text: str | bytes) -> Any:
    """What a column of JSON holds."""
    try:
        return json.loads(text)
    except (ValueError, TypeError, RecursionError) as error:
        raise UnreadableValueError(f"a value is no JSON ({type(error).__name__})") from None


def read_record(row: Mapping[str, Any]) -> RunRecord:
    """A run out of its columns by name."""
    record = RunRecord(**row)
    read_text(record.key, "run")
    for text in (record.title, record.traceback):
        _require(isinstance(text, str | None), "run", "text")
    for moment in (record.created_at, record.started_at):
        _require(moment is not None, "run", "time")
    read_object(record.spec, "run")
    _check_state(record)
    return record


def read_state(row: Sequence[Any]) -> RunState:
    """How far a run is, out of a row of these columns."""
    state = RunState(*row)
    _check_state(state)
    return state


def _check_state(found: RunRecord | RunState) -> None:
    _require(found.status in STATUSES, "run", "status")
    read_count(found.steps)
    _require(found.final_step is None or _is_count(found.final_step), "run", "final_step")
    _require(found.seconds is None or _is_number(found.seconds), "run", "seconds")
    _require(isinstance(found.error, str | None), "run", "error")


def read_metric(row: Sequence[Any]) -> MetricRow:
    """A stored number out of ``(key, name, step, value)``."""
    found = MetricRow(*row)
    read_text(found.key, "run")
    read_place(found.name, found.step, "metric")
    return found


def read_place(name: Any, step: Any, table: str) -> None:
    """What an array or a number of a run is called, and its step."""
    read_text(name, table)
    _require(isinstance(step, int), table, "step")


def read_array_entry(row: Sequence[Any]) -> ArrayEntry:
    """An array without its contents, out of ``(name, step, dtype, shape, size)``."""
    name, step, dtype, shape, size = row
    read_place(name, step, "array")
    return ArrayEntry(name, step, read_text(dtype, "array"), read_shape(shape), read_count(size, "array"))


def read_artifact(row: Sequence[Any]) -> ArtifactEntry:
    """A file that a run left, out of ``(name, path, sha256, size)``; where its path leads is another question."""
    name, path, sha256 = (read_text(value, "artifact") for value in row[:3])
    return ArtifactEntry(name, path, sha256, read_count(row[3], "artifact"))


def read_text(value: Any, table: str) -> str:
    """A column that holds text."""
    _require(isinstance(value, str), table, "text")
    return str(value)


def read_count(value: Any, table: str = "run") -> int:
    """A column that holds a whole number from 0 on."""
    _require(_is_count(value), table, "number")
    return int(value)


def read_attempts(value: Any) -> int:
    """How many attempts at a run there are, by the number of the last one (None: there is none); one more fits."""
    _require(value is None or (_is_count(value) and value < _LARGEST), "provenance", "number")
    return int(value or 0)


def read_claim(row: Mapping[str, Any], now: datetime) -> ClaimEntry:
    """A claim out of its columns by name, at the moment ``now``."""
    for name in ("key", "token", "host"):
        read_text(row[name], "claim")
    read_count(row["pid"], "claim")
    _require(isinstance(row["machine"], str | None), "claim", "text")
    _require(row["process_start"] is None or _is_count(row["process_start"]), "claim", "number")
    _require(row["since"] is not None and row["heartbeat"] is not None, "claim", "time")
    return ClaimEntry(**row, silent=(now - row["heartbeat"]).total_seconds())


def read_object(value: Any, table: str) -> dict[str, Any]:
    """A column that holds a JSON object."""
    _require(isinstance(value, dict), table, "object")
    return dict(value)


def read_shape(value: Any) -> tuple[int, ...]:
    """The shape of an array."""
    _require(isinstance(value, list) and len(value) <= _DIMENSIONS and all(map(_is_count, value)), "array", "shape")
    return tuple(value)


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _LARGEST


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)


def _require(condition: bool, table: str, what: str) -> None:
    if not condition:
        raise UnreadableValueError(f"table {table} holds a {what} that lsn does not write")
