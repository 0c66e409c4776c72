"""The table as a LaTeX table environment with booktabs rules, to be included in a document."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence

from lsncli.report.footnotes import DIFFERENCE
from lsncli.report.formats.latex_text import escape
from lsncli.report.table import Cell, Table
from lsncli.report.wording import (
    MISSING,
    caption,
    column_lines,
    count,
    key_words,
    mean_and_std,
    row_cells,
    source_line,
)

#: Tables with more columns are set smaller and closer.
_COMFORTABLE_COLUMNS = 5
#: Letters of a column's heading on one line: as many as a mean with its deviation and marks has.
_HEADING = 22


def render_latex(table: Table) -> str:
    """A ``table`` environment; the document needs ``booktabs`` and nothing else.

    The published value stands below ours in small print; footnotes, source and the command for missing runs follow
    below the table. Every name is escaped: no text of a recipe can be a command of LaTeX.
    """
    heads = [escape(key_words(key)) for key in table.row_keys]
    columns = [
        [escape(part) for line in column_lines(table, column) for part in _broken(line)] for column in table.columns
    ]
    body: list[str] = []
    previous: list[str] = []
    for row, cells in zip(table.rows, table.grid(), strict=True):
        texts = row_cells(row, table.row_keys)
        shown = _without_repetition(texts, previous)
        if previous and table.row_keys and texts[0] != previous[0] and len(table.row_keys) > 1:
            body.append(r"\addlinespace")
        body.append(line([*map(escape, shown), *map(_ours, cells)]))
        if any(cell is not None and cell.paper for cell in cells):
            body.append(line([*("" for _ in shown), *map(_papers, cells)]) + "[2pt]")
        previous = texts
    notes = [f"{superscript(note.mark)} {escape(note.text)}".strip() for note in table.footnotes]
    if source := source_line(table):
        notes.append(escape(source))
    if table.fill:
        notes.append(rf"Train the missing runs: \texttt{{{escape(table.fill)}}}")
    if any(cell.paper for cell in table.cells):
        notes.insert(0, "Small print below a number: the paper's value.")
    return environment(
        caption=f"{escape(_title(table))}. {escape(caption(table))}",
        alignment="l" * len(heads) + "r" * len(columns),
        header=_header(heads, columns),
        body=body,
        notes=notes,
    )


def environment(
    *, caption: str, alignment: str, header: Sequence[str], body: Sequence[str], notes: Iterable[str]
) -> str:
    """The table environment around ready lines of LaTeX; ``alignment`` has one letter per column."""
    wide = len(alignment) > _COMFORTABLE_COLUMNS
    lines = [
        r"% Needs \usepackage{booktabs} in the preamble.",
        r"\begin{table}[htbp]",
        r"\centering",
        r"\setlength{\belowcaptionskip}{6pt}",
        rf"\caption{{{caption}}}",
        r"\footnotesize" if wide else r"\small",
        *([r"\setlength{\tabcolsep}{3pt}"] if wide else []),
        # Without space at the ends, so that the rules are as wide as the text.
        # Centred on the page even where it is wider than the text, and not over its right edge alone.
        r"\makebox[\linewidth][c]{%",
        rf"\begin{{tabular}}{{@{{}}{alignment or 'l'}@{{}}}}",
        r"\toprule",
        *header,
        *([r"\midrule"] if header else []),
        *body,
        r"\bottomrule",
        r"\end{tabular}}",
    ]
    if noted := list(notes):
        lines += [r"\par\medskip", r"\begin{minipage}{\linewidth}", r"\footnotesize\raggedright"]
        lines += [rf"{note}\par" for note in noted]
        lines.append(r"\end{minipage}")
    return "\n".join([*lines, r"\end{table}"]) + "\n"


def line(cells: Iterable[str]) -> str:
    """One line of a table, from ready cells."""
    return " & ".join(cells) + r" \\"


def superscript(mark: str) -> str:
    """The mark of a footnote."""
    return rf"\textsuperscript{{{escape(mark)}}}" if mark else ""


def _title(table: Table) -> str:
    """The title, the paper's number behind it: LaTeX puts a number of its own in front."""
    title = table.title.strip().rstrip(".")
    if table.number is None:
        return title
    said = f"Table {table.number}:"
    if title.lower().startswith(said.lower()):
        title = title[len(said) :].strip()
    return f"{title[:1].upper()}{title[1:]} (Table {table.number} of the paper)"


def _broken(heading: str) -> list[str]:
    """A long heading on several lines, broken between words alone."""
    return textwrap.wrap(heading, _HEADING, break_long_words=False, break_on_hyphens=False) or [""]


def _header(heads: Sequence[str], columns: Sequence[Sequence[str]]) -> list[str]:
    """The lines of the columns' headings, the last ones side by side; those of the rows stand on the last line."""
    height = max((len(lines) for lines in columns), default=1)
    if not heads and not columns:
        return []
    rows = []
    for index in range(height):
        texts = [lines[index - height + len(lines)] if index >= height - len(lines) else "" for lines in columns]
        rows.append(line([*(head if index == height - 1 else "" for head in heads), *texts]))
    return rows


def _without_repetition(texts: Sequence[str], previous: Sequence[str]) -> list[str]:
    """A row's heading without what it shares with the row above; the last key is always shown."""
    same = True
    shown = []
    for index, text in enumerate(texts):
        same = same and index < len(texts) - 1 and index < len(previous) and previous[index] == text
        shown.append("" if same else text)
    return shown


def _ours(cell: Cell | None) -> str:
    if cell is None:
        return ""
    ours = _mean_and_std(cell.mean, cell.std, cell.metric) if cell.n else MISSING
    marks = (DIFFERENCE if cell.differs else "") + ",".join(cell.marks)
    return f"{ours} ({count(cell)}){superscript(marks)}"


def _papers(cell: Cell | None) -> str:
    if cell is None or cell.paper is None:
        return ""
    return rf"{{\scriptsize {_mean_and_std(cell.paper.mean, cell.paper.std, cell.metric)}}}"


def _mean_and_std(mean: float | None, std: float | None, metric: str) -> str:
    return "$" + r" \pm ".join(map(mathematics, mean_and_std(mean, std, metric))) + "$"


def mathematics(text: str) -> str:
    """A number as Python writes it, in the notation of LaTeX's mathematics: ``2.5e-07`` has a power of ten."""
    if text in ("inf", "-inf", "nan"):
        return {"inf": r"\infty", "-inf": r"-\infty"}.get(text, r"\mathrm{nan}")
    mantissa, exponent, power = text.replace(",", "{,}").partition("e")
    return rf"{mantissa} \cdot 10^{{{int(power)}}}" if exponent else mantissa
