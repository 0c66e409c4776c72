"""The table as JSON, for programs: the keys of this object are a contract, further ones may be added."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from lsncli.inert import for_json
from lsncli.report.table import Cell, Table


def render_json(table: Table) -> str:
    """``title``, ``profile`` and ``cells``; every ``std`` is the sample standard deviation (ddof 1).

    Means, deviations, values and published numbers are in the cell's ``unit``. A number that is not finite
    is null, as JSON has none.
    """
    value = {
        "title": table.title,
        "profile": table.profile,
        "table": table.number,
        "metrics": table.metrics,
        "which": table.which,
        "std": "sample standard deviation (ddof 1)",
        "cells": [_cell(cell) for cell in table.cells],
        "footnotes": [{"mark": note.mark, "text": note.text} for note in table.footnotes],
        "source": table.source,
        "fill": table.fill,
    }
    return for_json(json.dumps(_plain(value), indent=2, ensure_ascii=False, allow_nan=False)) + "\n"


def _cell(cell: Cell) -> dict[str, Any]:
    return {
        "row": cell.row,
        "column": cell.column,
        "metric": cell.metric,
        "unit": cell.unit,
        "mean": cell.mean,
        "std": cell.std,
        "n": cell.n,
        "values": cell.values,
        "keys": cell.keys,
        "paper": {"mean": cell.paper.mean, "std": cell.paper.std} if cell.paper else None,
        "status": cell.status,
        "stand_in": cell.stand_in,
        "failed": cell.failed,
        "differs": cell.differs,
        "footnotes": cell.marks,
    }


def _plain(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    if value is None or isinstance(value, bool | int | float | str):
        return value
    return str(value)  # a date in a recipe's sweep
