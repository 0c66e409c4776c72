"""Claims as documents: GitHub Markdown, HTML and LaTeX (booktabs)."""

from __future__ import annotations

from collections.abc import Iterable

from lsncli.report.claims.claim import ClaimsReport
from lsncli.report.claims.wording import Block, blocks, fill_line, footnotes
from lsncli.report.formats.html import escape as html
from lsncli.report.formats.latex_text import escape as latex
from lsncli.report.formats.markdown import escape
from lsncli.report.wording import one_line

#: Columns of words, which are set to the left and may be broken.
_WORDS = {
    "claim",
    "what the paper finds",
    "hypothesis",
    "what is asked",
    "settings",
    "setting",
    "compared",
    "with",
    "verdict",
    "after Holm",
}


def render_markdown(report: ClaimsReport) -> str:
    """A heading and a table per block, then the notes and the commands."""
    lines: list[str] = []
    for level, block in _levels(report):
        lines += [f"{'#' * level} {escape(block.heading)}", "", escape(block.lead), ""]
        lines.append(_row(map(escape, block.columns)))
        lines.append(_row("---" if column in _WORDS else "---:" for column in block.columns))
        lines += [_row(map(escape, row)) for row in block.rows]
        lines += ["", *(f"{escape(note)}\n" for note in block.notes)]
    lines += [f"{escape(note)}\n" for note in footnotes(report)]
    if line := fill_line(report):
        lines += [escape(line), "", "```", *map(one_line, report.fill), "```"]
    return "\n".join(lines).rstrip() + "\n"


def render_html(report: ClaimsReport) -> str:
    """A whole HTML page."""
    parts = [
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
        # Whatever a name might smuggle in, a browser would load and run nothing.
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">",
        f"<title>{html(blocks(report)[0].heading)}</title>",
        "<style>body{font-family:sans-serif;max-width:75em;margin:auto}table{border-collapse:collapse}"
        "th,td{padding:.2em .6em;text-align:left;border-bottom:1px solid #ccc}"
        ".n{text-align:right;white-space:nowrap}</style>\n</head>\n<body>",
    ]
    for level, block in _levels(report):
        parts.append(f"<h{level - 2}>{html(block.heading)}</h{level - 2}>")
        parts.append(f"<p>{html(block.lead)}</p>\n<table>\n<thead>{_html_row(block, block.columns, 'th')}</thead>")
        parts.append(
            "\n".join(["<tbody>", *(_html_row(block, row, "td") for row in block.rows), "</tbody>\n</table>"])
        )
        parts += [f"<p>{html(note)}</p>" for note in block.notes]
    parts += [f"<p>{html(note)}</p>" for note in footnotes(report)]
    if line := fill_line(report):
        commands = "\n".join(html(command) for command in report.fill)
        parts.append(f"<p>{html(line)}</p>\n<pre>{commands}</pre>")
    return "\n".join([*parts, "</body>\n</html>"]) + "\n"


def _html_row(block: Block, cells: Iterable[str], tag: str) -> str:
    written = ""
    for column, cell in zip(block.columns, cells, strict=True):
        kind = "" if column in _WORDS else ' class="n"'
        written += f"<{tag}{kind}>{html(cell)}</{tag}>"
    return f"<tr>{written}</tr>"


def render_latex(report: ClaimsReport) -> str:
    r"""Sections with tables, to be \input into a document that loads booktabs; needs no other package."""
    lines = ["% needs \\usepackage{booktabs}"]
    for level, block in _levels(report):
        lines.append(f"\\{'section' if level == 3 else 'subsection'}*{{{latex(block.heading)}}}")
        lines += [latex(block.lead), "", "{\\scriptsize\\setlength{\\tabcolsep}{3pt}\\noindent"]
        lines.append(f"\\begin{{tabular}}{{{''.join(map(_latex_column, block.columns))}}}")
        lines += ["\\toprule", _latex_row(block.columns), "\\midrule"]
        lines += [_latex_row(row) for row in block.rows]
        lines += ["\\bottomrule", "\\end{tabular}}", ""]
        lines += [f"{latex(note)}\n" for note in block.notes]
    lines += [f"{{\\small {latex(note)}}}\n" for note in footnotes(report)]
    if line := fill_line(report):
        lines += [latex(line), "\\begin{itemize}"]
        lines += [f"\\item \\texttt{{{latex(command)}}}" for command in report.fill]
        lines.append("\\end{itemize}")
    return "\n".join(lines).rstrip() + "\n"


#: Shares of the text width, so that the summary and the details fit it.
_LATEX_WIDTHS = {
    "claim": 0.14,
    "what the paper finds": 0.38,
    "hypothesis": 0.14,
    "what is asked": 0.38,
    "settings": 0.14,
    "after Holm": 0.1,
    "setting": 0.14,
    "compared": 0.12,
    "with": 0.11,
    "verdict": 0.1,
}


def _latex_column(column: str) -> str:
    width = _LATEX_WIDTHS.get(column)
    return f"p{{{width}\\textwidth}}" if width else "r"


def _latex_row(cells: Iterable[str]) -> str:
    return f"{' & '.join(map(latex, cells))} \\\\"


def _levels(report: ClaimsReport) -> list[tuple[int, Block]]:
    summary, *details = blocks(report)
    return [(3, summary), *((4, block) for block in details)]


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"
