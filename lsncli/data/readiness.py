"""Data sets made ready before the first run of a batch: what is wrong with one is told once, not by every run."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lsncli.data import catalogue, stored
from lsncli.data.context import DataContext
from lsncli.errors import LsnError


def make_ready(name: str, params: Mapping[str, Any], context: DataContext) -> None:
    """Get, decode and check data set ``name``, built with ``params``, as far as that is done once for all runs.

    A prepared set must be what was prepared. A registered one that has no decoded copy is downloaded (where
    ``context`` allows it) and decoded, which compares its files with their checksums; a copy whose content has
    changed is made again. Raises :class:`LsnError` where the data are missing, damaged, or cannot be built.
    """
    if not catalogue.is_registered(name):
        stored.refuse_changed(context.prepared_dir / name)
        return
    copy = catalogue.copy_folder(name, params, context)
    if copy.is_dir() and (reason := stored.changed(copy)):
        context.report(f"making the decoded copy {copy.name} again, which is damaged", 0)
        _remove(copy, reason)
    elif catalogue.cached_digest(copy) is not None or not catalogue.is_kept_on_disk(name):
        return
    try:
        catalogue.load(name, params, context)
    except LsnError:
        raise
    except Exception as error:
        raise LsnError(
            f"data set {name!r} cannot be built: {type(error).__name__}: {error}",
            next="--debug shows the traceback",
        ) from error


def _remove(copy: Path, reason: str) -> None:
    """Remove a damaged copy; where that is not allowed, nobody may go on reading it."""
    try:
        shutil.rmtree(copy)
    except OSError as error:
        raise LsnError(
            f"the decoded copy {copy.name!r} is damaged: {reason}",
            where=str(copy),
            next=f"remove that folder, which this user cannot ({error.strerror or error}): it is made again",
        ) from None
