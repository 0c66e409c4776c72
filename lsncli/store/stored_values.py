"""What a database may hold that lsn has not written: SQLite keeps any value in any column.

Files come from anywhere. A value that is not what the store writes is refused here, at the border, so that nothing
behind it has to expect it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any

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


def read_record(row: Any) -> RunRecord:
    """A run out of a row of its columns."""
    record = RunRecord(**row._mapping)
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
    read_text(found.name, "metric")
    _require(isinstance(found.step, int), "metric", "step")
    return found


def read_array_entry(row: Sequence[Any]) -> ArrayEntry:
    """An array without its contents, out of ``(name, step, dtype, shape, size)``."""
    name, step, dtype, shape, size = row
    _require(isinstance(step, int), "array", "step")
    return ArrayEntry(
        read_text(name, "array"), step, read_text(dtype, "array"), read_shape(shape), read_count(size)
    )


def read_artifact(row: Sequence[Any]) -> ArtifactEntry:
    """A file that a run left, out of ``(name, path, sha256, size)``; where its path leads is another question."""
    name, path, sha256 = (read_text(value, "artifact") for value in row[:3])
    return ArtifactEntry(name, path, sha256, read_count(row[3]))


def read_text(value: Any, table: str) -> str:
    """A column that holds text."""
    _require(isinstance(value, str), table, "text")
    return str(value)


def read_count(value: Any) -> int:
    """A column that holds a whole number from 0 on."""
    _require(_is_count(value), "run", "number")
    return int(value)


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
