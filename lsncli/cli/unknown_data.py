"""A warning for ``--data`` of a report where nothing can be behind the name."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lsncli.recipe.loading import Overrides
    from lsncli.store import Store


def warn_of_unknown_data(overrides: Overrides, store: Store | None, data_dir: Path | None) -> None:
    """Warn of each data set that is to stand in, is not on this machine, and has no run in the database.

    No error: a report needs no data, and its runs may be trained elsewhere.
    """
    from lsncli.cli.output import warn
    from lsncli.data.catalogue import describe
    from lsncli.data.context import default_data_dir
    from lsncli.errors import UnknownNameError

    for name in dict.fromkeys((overrides.data or {}).values()):
        try:
            describe(name, data_dir or default_data_dir())
        except UnknownNameError as error:
            if not _has_runs(store, name):
                hint = f": {error.next}" if error.next else ""
                warn(f"--data: data set {name!r} is not known here, and no stored run uses it{hint}")


def _has_runs(store: Store | None, data: str) -> bool:
    specs = [] if store is None else [run.spec.get("data") for run in store.runs()]
    return any(isinstance(section, dict) and section.get("name") == data for section in specs)
