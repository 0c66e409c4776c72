"""Whether a value is one that the store writes into a column; SQLite itself keeps any value in any column."""

from __future__ import annotations

import json
import math
from typing import Any

from sqlalchemy import JSON, Column, Float, Integer, LargeBinary
from sqlalchemy.dialects.sqlite import dialect

from lsncli.store.column_types import AnyFloat, UtcDateTime
from lsncli.store.stored_values import UnreadableValueError

_SQLITE = dialect()


def fits(column: Column[Any], value: Any) -> bool:
    """Whether ``value``, as it lies in the file, can be read as what ``column`` is declared to hold."""
    if value is None:
        return bool(column.nullable)
    match column.type:
        case JSON():
            return _is_json(value)
        case UtcDateTime():
            return _is_moment(column.type, value)
        case AnyFloat():
            return isinstance(value, int | float)
        case Float():
            return isinstance(value, int | float) and math.isfinite(value)
        case Integer():
            return isinstance(value, int) and value >= 0
        case LargeBinary():
            return isinstance(value, bytes)
        case _:
            return isinstance(value, str)


def _is_json(value: Any) -> bool:
    try:
        json.loads(value)
    except (ValueError, TypeError, RecursionError):
        return False
    return isinstance(value, str)


def _is_moment(kind: UtcDateTime, value: Any) -> bool:
    try:
        read = kind.dialect_impl(_SQLITE).result_processor(_SQLITE, None)
        return isinstance(value, str) and (read is None or read(value) is not None)
    except UnreadableValueError:
        return False
