"""Keeps what was computed for a figure in the database, where that is possible without getting in anyone's way."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy.typing as npt

from lsncli.errors import LsnError
from lsncli.report.figures.computed import Keep

if TYPE_CHECKING:
    from lsncli.store import Store

#: Seconds to wait for another writer; the figure is drawn anyway.
_PATIENCE = 1.0


def keep_in(store: Store | None) -> Keep | None:
    """A function that writes to the database which ``store`` reads; None where there is none to write to.

    A database of an older schema is left as it is: to read a report is no reason to upgrade it.
    """
    if store is None:
        return None
    from lsncli.store import Store as Writer
    from lsncli.store.schema import REVISIONS

    if store.schema_version != REVISIONS[-1] or not store.location.writable():
        return None
    url = store.location.url
    target = str(store.location.path) if url is None else url.render_as_string(hide_password=False)

    def keep(name: str, params: Mapping[str, Any], values: npt.NDArray[Any]) -> None:
        try:
            with Writer.open(target, create=False, timeout=_PATIENCE) as writer:
                writer.record_computation(name, params, values)
        except LsnError:
            return  # locked, full or on a read-only server: the figure does not need it

    return keep
