"""The table as JSON, for programs: the keys of this object are a contract, further ones may be added."""

from __future__ import annotations

from typing import Any

from lsncli.report.json_text import json_text
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
    return json_text(value)


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
