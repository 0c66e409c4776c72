"""Every stored number as one row of a file: comma-separated values or JSON, written as the rows are read."""

from __future__ import annotations

import csv
import json
import math
import os
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TextIO

from lsncli.errors import LsnError
from lsncli.inert import for_json, for_spreadsheet
from lsncli.store.description import PARTS, components

if TYPE_CHECKING:
    from lsncli.store.store import Store

COLUMNS = ("key", "title", "status", *PARTS, "seed", "step", "metric", "value")


def rows(store: Store, keys: Sequence[str] | None = None) -> Iterator[dict[str, Any]]:
    """One mapping of :data:`COLUMNS` per stored number of the runs ``keys`` (None: all)."""
    wanted = None if keys is None else set(keys)
    runs = {
        record.key: {
            "key": record.key,
            "title": record.title or "",
            "status": record.status,
            **components(record.spec),
            "seed": record.spec.get("seed"),
        }
        for record in store.runs()
        if wanted is None or record.key in wanted
    }
    for key, name, step, value in store.metrics(keys):
        if key in runs:  # a run may begin between the two questions
            yield {**runs[key], "step": step, "metric": name, "value": value}


def write_csv(found: Iterable[Mapping[str, Any]], stream: TextIO) -> int:
    """Write a header and the rows; how many. Numbers are as they are, text cannot become a formula."""
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(COLUMNS)
    count = 0
    for row in found:
        writer.writerow([_cell(row[column]) for column in COLUMNS])
        count += 1
    return count


def write_json(found: Iterable[Mapping[str, Any]], stream: TextIO) -> int:
    """Write a list of objects; how many.

    JSON has no number for what is not finite: such a value is one of the strings ``"NaN"``, ``"Infinity"`` and
    ``"-Infinity"``, so that nothing is lost.
    """
    count = 0
    for row in found:
        text = for_json(json.dumps({**row, "value": _number(row["value"])}, ensure_ascii=False, allow_nan=False))
        stream.write(("[\n" if count == 0 else ",\n") + text)
        count += 1
    stream.write("\n]\n" if count else "[]\n")
    return count


def export(store: Store, keys: Sequence[str] | None, output: Path | None, form: Literal["csv", "json"]) -> int:
    """Write the numbers of the runs ``keys`` to a file, or to standard output for None; how many.

    A file is replaced only when the new one is complete. Raises :class:`LsnError` if it cannot be written.
    """
    write = write_csv if form == "csv" else write_json
    if output is None:
        return write(rows(store, keys), sys.stdout)
    with _replaced(output) as stream:
        return write(rows(store, keys), stream)


@contextmanager
def _replaced(output: Path) -> Iterator[TextIO]:
    try:
        handle, name = tempfile.mkstemp(dir=output.absolute().parent, prefix=f".{output.name}.", suffix=".part")
    except OSError as error:
        raise LsnError(f"the file cannot be written: {error.strerror}", where=str(output)) from None
    temporary = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as stream:
            yield stream
        # A temporary file is its owner's alone; a result is as readable as any new file.
        mask = os.umask(0)
        os.umask(mask)
        temporary.chmod(0o666 & ~mask)
        temporary.replace(output)
    except OSError as error:
        raise LsnError(f"the file cannot be written: {error.strerror}", where=str(output)) from None
    finally:
        temporary.unlink(missing_ok=True)


def _cell(value: object) -> object:
    return for_spreadsheet(value) if isinstance(value, str) else value


def _number(value: float) -> float | str:
    if math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
