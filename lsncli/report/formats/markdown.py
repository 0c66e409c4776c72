"""The table as GitHub Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterable

from lsncli.report.footnotes import DIFFERENCE
from lsncli.report.table import Cell, Table
from lsncli.report.wording import (
    MISSING,
    caption,
    column_lines,
    command_line,
    count,
    heading_text,
    key_words,
    mean_and_std,
    one_line,
    row_cells,
    source_line,
)

#: Characters that begin markup anywhere, or end a table cell.
_SPECIAL = re.compile(r"([\\`*_\[\]|~$#])")
#: What makes a list, a quotation or a rule at the beginning of a line.
_LEADING = re.compile(r"^(\d*)([+=>-]|(?<=\d)[.)](?=\s|$))")


def render_markdown(table: Table) -> str:
    """A heading, the table, its footnotes; the published value stands below ours in each cell."""
    lines = [f"### {escape(heading_text(table))}", "", escape(caption(table)), ""]
    heads = [escape(key_words(key)) for key in table.row_keys]
    columns = [_break(map(escape, column_lines(table, column))) for column in table.columns]
    lines.append(_row([*heads, *columns]))
    lines.append(_row([*("---" for _ in heads), *("---:" for _ in columns)]))
    for row, cells in zip(table.rows, table.grid(), strict=True):
        lines.append(_row([*map(escape, row_cells(row, table.row_keys)), *map(_cell, cells)]))
    lines.append("")
    notes = [f"{_mark(note.mark)} {escape(note.text)}".strip() for note in table.footnotes]
    if source := source_line(table):
        notes.append(escape(source))
    if table.fill:
        notes.append(f"Train the missing runs: {_code(table.fill)}")
    lines += [f"{note}\n" for note in notes]
    return "\n".join(lines).rstrip() + "\n"


def escape(text: str) -> str:
    """``text`` so that Markdown shows it as it is, on one line."""
    plain = one_line(text).replace("&", "&amp;").replace("<", "&lt;")
    escaped = _SPECIAL.sub(r"\\\1", plain)
    return _LEADING.sub(r"\1\\\2", escaped)


def _cell(cell: Cell | None) -> str:
    if cell is None:
        return ""
    ours = _mean_and_std(cell.mean, cell.std, cell.metric) if cell.n else MISSING
    marks = (_mark(DIFFERENCE) if cell.differs else "") + _mark(",".join(cell.marks))
    lines = [f"{ours} ({count(cell)}){marks}"]
    if cell.paper:
        lines.append(f"<sub>paper {_mean_and_std(cell.paper.mean, cell.paper.std, cell.metric)}</sub>")
    return _break(lines)


def _mean_and_std(mean: float | None, std: float | None, metric: str) -> str:
    return " ± ".join(mean_and_std(mean, std, metric))


def _mark(mark: str) -> str:
    if not mark:
        return ""
    return rf"\{DIFFERENCE}" if mark == DIFFERENCE else f"<sup>{mark}</sup>"


def _code(text: str) -> str:
    """A code span; the fence is longer than any run of backticks inside."""
    plain = command_line(text)
    fence = "`" * (max((len(run) for run in re.findall("`+", plain)), default=0) + 1)
    return f"{fence} {plain} {fence}" if "`" in plain else f"{fence}{plain}{fence}"


def _break(lines: Iterable[str]) -> str:
    return "<br>".join(lines)


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"
