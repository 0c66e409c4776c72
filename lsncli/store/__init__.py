"""The result database: the only place that writes results.

The names here are resolved on first use, so that importing :mod:`lsncli.store` costs nothing; SQLAlchemy and
SQLModel are paid for by the first database that is opened, Alembic only by one that must be migrated.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lsncli.store.records import ArrayEntry, ArtifactEntry, MetricRow, RunRecord, RunState
    from lsncli.store.store import Store

_HOME = {
    "ArrayEntry": "lsncli.store.records",
    "ArtifactEntry": "lsncli.store.records",
    "MetricRow": "lsncli.store.records",
    "RunRecord": "lsncli.store.records",
    "RunState": "lsncli.store.records",
    "Store": "lsncli.store.store",
}

__all__ = ["ArrayEntry", "ArtifactEntry", "MetricRow", "RunRecord", "RunState", "Store"]


def __getattr__(name: str) -> Any:
    """Import a public name on first use (PEP 562)."""
    if name not in _HOME:
        raise AttributeError(f"module 'lsncli.store' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOME[name]), name)
