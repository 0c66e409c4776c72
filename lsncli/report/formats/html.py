"""The table as one HTML page that needs nothing else: no network, no script, no other file."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence

from lsncli.report.footnotes import DIFFERENCE
from lsncli.report.table import Cell, Table
from lsncli.report.wording import (
    MISSING,
    caption,
    column_lines,
    count,
    heading_text,
    key_words,
    mean_and_std,
    one_line,
    row_cells,
    source_line,
)

#: Colours follow the reader's light or dark setting, and are black on white on paper.
_STYLE = """
:root { color-scheme: light dark; --text: #1a1a1a; --soft: #595959; --back: #fff; --line: #bbb; --warn: #8a4b00; }
@media (prefers-color-scheme: dark) {
  :root { --text: #e8e8e8; --soft: #a8a8a8; --back: #16181c; --line: #4a4f57; --warn: #f0b060; }
}
body { margin: 2rem auto; padding: 0 1rem; max-width: 84rem; background: var(--back); color: var(--text);
  font: 1rem/1.45 system-ui, sans-serif; }
h1 { font-size: 1.3rem; margin: 0 0 .4rem; }
p { margin: .4rem 0; }
.about, .notes, .paper, .runs { color: var(--soft); }
.frame { overflow-x: auto; margin: 1rem 0; }
table { border-collapse: collapse; border-top: 2px solid; border-bottom: 2px solid;
  font-variant-numeric: tabular-nums; }
th, td { padding: .3rem .55rem; text-align: left; vertical-align: top; unicode-bidi: isolate; }
thead th { border-bottom: 1px solid; vertical-align: bottom; }
tbody tr + tr > * { border-top: 1px solid var(--line); }
th:first-child, td:first-child { padding-left: .1rem; }
th:last-child, td:last-child { padding-right: .1rem; }
.number { text-align: right; }
td.number { white-space: nowrap; }
th { max-width: 16rem; overflow-wrap: anywhere; }
tbody th { font-weight: 500; }
sup { line-height: 0; }
.paper { font-size: .85em; }
.runs { font-size: .85em; }
.partial .ours, .missing .ours { color: var(--warn); }
.missing .ours { font-style: italic; }
.notes { font-size: .9em; padding: 0; list-style: none; max-width: 60rem; }
pre { overflow-x: auto; padding: .6rem .8rem; border: 1px solid var(--line); border-radius: .3rem;
  white-space: pre-wrap; overflow-wrap: anywhere; }
@media print {
  :root { --text: #000; --soft: #333; --back: #fff; --line: #999; --warn: #000; }
  body { margin: 0; max-width: none; font-size: 9pt; }
  .frame { overflow: visible; }
  tr { break-inside: avoid; }
}
"""


def render_html(table: Table) -> str:
    """A page with title, caption, the table, its footnotes, and the command for missing runs."""
    heads = "".join(f'<th scope="col">{escape(key_words(key))}</th>' for key in table.row_keys)
    columns = "".join(
        f'<th scope="col" class="number">{_lines(column_lines(table, column))}</th>' for column in table.columns
    )
    texts = [row_cells(row, table.row_keys) for row in table.rows]
    spans = _spans(texts)
    rows = []
    for index, cells in enumerate(table.grid()):
        own = "".join(_heading(text, span) for text, span in zip(texts[index], spans[index], strict=True) if span)
        rows.append(f"<tr>{own}{''.join(map(_cell, cells))}</tr>")
    notes = [f"{superscript(note.mark)} {escape(note.text)}".strip() for note in table.footnotes]
    if source := source_line(table):
        notes.append(escape(source))
    return page(
        title=heading_text(table),
        about=caption(table),
        head=f"<tr>{heads}{columns}</tr>",
        rows=rows,
        notes=notes,
        command=table.fill,
    )


def page(
    *, title: str, about: str, head: str, rows: Iterable[str], notes: Iterable[str], command: str | None = None
) -> str:
    """The whole page; ``title``, ``about`` and ``command`` are plain text, the rest is ready HTML."""
    listed = "\n".join(f"<li>{note}</li>" for note in notes)
    parts = [
        "<!doctype html>",
        '<html lang="en">',
        "<head>",
        '<meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        # Whatever a name might smuggle in, a browser would load and run nothing.
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">",
        f"<title>{escape(title)}</title>",
        f"<style>{_STYLE}</style>",
        "</head>",
        "<body>",
        "<main>",
        f"<h1>{escape(title)}</h1>",
        f'<p class="about">{escape(about)}</p>',
        '<div class="frame">',
        "<table>",
        f"<thead>{head}</thead>",
        "<tbody>",
        *rows,
        "</tbody>",
        "</table>",
        "</div>",
        *([f'<ul class="notes">\n{listed}\n</ul>'] if listed else []),
        *([f"<p>Train the missing runs:</p>\n<pre><code>{escape(command)}</code></pre>"] if command else []),
        "</main>",
        "</body>",
        "</html>",
    ]
    return "\n".join(parts) + "\n"


def escape(text: str) -> str:
    """``text`` as HTML shows it, on one line; safe between tags and in attributes."""
    return html.escape(one_line(text), quote=True)


def superscript(mark: str) -> str:
    """The mark of a footnote."""
    return f"<sup>{escape(mark)}</sup>" if mark else ""


def _lines(texts: Sequence[str]) -> str:
    return "<br>".join(map(escape, texts))


def _spans(rows: Sequence[Sequence[str]]) -> list[list[int]]:
    """How many rows each heading stands for, 0 where the one above stands for it; the last key is always shown."""
    spans = [[1] * len(row) for row in rows]
    for key in range(len(rows[0]) - 1 if rows else 0):
        first = 0
        for index in range(1, len(rows)):
            if rows[index][: key + 1] == rows[first][: key + 1]:
                spans[first][key] += 1
                spans[index][key] = 0
            else:
                first = index
    return spans


def _heading(text: str, span: int) -> str:
    rows = f' rowspan="{span}"' if span > 1 else ""
    return f'<th scope="row"{rows}>{escape(text)}</th>'


def _cell(cell: Cell | None) -> str:
    if cell is None:
        return "<td></td>"
    ours = _mean_and_std(cell.mean, cell.std, cell.metric) if cell.n else MISSING
    marks = (superscript(DIFFERENCE) if cell.differs else "") + superscript(",".join(cell.marks))
    text = f'<span class="ours">{ours}</span> <span class="runs">({count(cell)})</span>{marks}'
    if cell.paper:
        published = _mean_and_std(cell.paper.mean, cell.paper.std, cell.metric)
        text += f'<br><span class="paper">paper {published}</span>'
    return f'<td class="number {cell.status}">{text}</td>'


def _mean_and_std(mean: float | None, std: float | None, metric: str) -> str:
    return escape(" ± ".join(mean_and_std(mean, std, metric)))
