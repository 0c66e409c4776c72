"""Column types that keep on every database what SQLite alone would lose."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import DateTime, Dialect, Double
from sqlalchemy.types import TypeDecorator

from lsncli.store.stored_values import UnreadableValueError


class AnyFloat(TypeDecorator[float]):
    """A float64 including NaN and both infinities.

    SQLite stores infinities but turns NaN into NULL without a word; here NULL *means* NaN, on every database,
    so that a query for finite values (``IS NOT NULL``) is the same everywhere.
    """

    impl = Double
    cache_ok = True

    def process_bind_param(self, value: float | None, dialect: Dialect) -> float | None:
        """NaN becomes NULL."""
        return None if value is None or math.isnan(value) else float(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> float:
        """NULL becomes NaN."""
        if value is None:
            return math.nan
        if not isinstance(value, int | float):
            raise UnreadableValueError("a number is no number")
        return float(value)


class UtcDateTime(TypeDecorator[datetime]):
    """A moment in UTC; SQLite keeps no time zone, so it is put back on the way out."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Convert to UTC; a time without zone is refused, as nobody could say which moment it means."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without time zone cannot be stored")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def result_processor(self, dialect: Dialect, coltype: object) -> Any:
        """The reader of stored times; what it cannot read, no lsn has written."""
        read = super().result_processor(dialect, coltype)

        def process(value: Any) -> datetime | None:
            try:
                found: datetime | None = read(value) if read is not None else value
            except (ValueError, TypeError, OverflowError) as error:
                raise UnreadableValueError(f"a time cannot be read ({error})") from None
            return found

        return process

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """The same moment, in UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
