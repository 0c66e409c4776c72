"""The table as CSV in long form: one line per cell, for spreadsheets and data frames."""

from __future__ import annotations

import csv
import io
import math
from typing import Any

from lsncli.inert import for_spreadsheet
from lsncli.report.footnotes import DIFFERENCE
from lsncli.report.layout import METRIC
from lsncli.report.table import Table


def render_csv(table: Table) -> str:
    """One header line and one line per cell. Values and keys of several runs are separated by semicolons.

    Text that a spreadsheet would take for a formula gets an apostrophe in front; numbers stay as they are, and so
    do lists of them.
    """
    coordinates = [key for key in (*table.row_keys, *table.column_keys) if key != METRIC]
    lines = [_line(["title", "table", "profile", *coordinates, *_FIXED])]
    for cell in table.cells:
        at = {**cell.row, **cell.column}
        marks = [*([DIFFERENCE] if cell.differs else []), *cell.marks]
        fixed: list[Any] = [
            cell.metric,
            cell.unit,
            cell.mean,
            cell.std,
            cell.n,
            cell.expected,
            cell.failed,
            cell.status,
            cell.paper.mean if cell.paper else None,
            cell.paper.std if cell.paper else None,
            cell.stand_in,
            cell.values,
            ";".join(cell.keys),
            ";".join(marks),
        ]
        lines.append(_line([table.title, table.number, table.profile, *(at[key] for key in coordinates), *fixed]))
    return "".join(lines)


_FIXED = (
    "metric",
    "unit",
    "mean",
    "std",
    "n",
    "runs",
    "failed",
    "status",
    "paper_mean",
    "paper_std",
    "stands_in_for",
    "values",
    "keys",
    "footnotes",
)


def _line(values: list[Any]) -> str:
    # The writer quotes the characters of its line end only; both are given, so that a lone \r is quoted too.
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerow([_guard(value) for value in values])
    return out.getvalue().removesuffix("\r\n") + "\n"


def _guard(value: Any) -> Any:
    if isinstance(value, tuple):  # numbers alone: no formula, whatever their sign
        return ";".join(map(str, value))
    if value is None or (isinstance(value, int | float) and not isinstance(value, bool)):
        return "" if isinstance(value, float) and math.isnan(value) else value
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return for_spreadsheet(text)
