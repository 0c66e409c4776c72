"""The page itself: head, contents, sections; nothing in it asks a network for anything."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources

from lsncli.report.claims.claim import ClaimsReport
from lsncli.report.figures.canvas import title_of
from lsncli.report.figures.model import Figure
from lsncli.report.formats.html import escape
from lsncli.report.listing import Listing
from lsncli.report.page.claims import claims_section
from lsncli.report.page.figures import figure_section
from lsncli.report.page.grid import Entry, Head, grid, text
from lsncli.report.page.provenance import Origin, origin_section
from lsncli.report.page.runs import RunBook, run_list
from lsncli.report.page.tables import listing_section, table_section
from lsncli.report.table import Table
from lsncli.report.wording import heading_text

TITLE = "Does label smoothing mitigate label noise? A reproduction"

#: Statement, where the paper says it, what was measured, its bound, and whether it holds.
CheckRow = tuple[str, str, str, str, bool]


@dataclass(frozen=True, slots=True)
class Contents:
    """What the page shows. notes: what is said before all else; checks: of the paper's theorems."""

    tables: Sequence[Table | Listing]
    figures: Sequence[Figure]
    claims: ClaimsReport
    checks: Sequence[CheckRow]
    origin: Origin
    notes: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the page with its place in the list of contents; ``content`` is ready HTML."""

    anchor: str
    title: str
    content: str


def render_page(contents: Contents, book: RunBook) -> str:
    """The whole page; what the numbers are made of is read from ``book``."""
    tables = [_table(table, book) for table in contents.tables]
    figures = [
        Section(f"figure{figure.number}", title_of(figure), figure_section(figure, book))
        for figure in contents.figures
    ]
    rest = [
        Section("claims", "Claims", claims_section(contents.claims, book)),
        Section("theory", "Theory", _checks(contents.checks)),
        Section("provenance", "Provenance", origin_section(contents.origin, book)),
        Section("runs", "Runs", run_list(book) if book.used else "<p>No run yet.</p>"),
    ]
    origin = contents.origin
    style, script = _part("page.css"), _part("page.js")
    policy = "; ".join(
        [
            # Whatever a name might smuggle in, a browser would load and run nothing but what is written here.
            "default-src 'none'",
            f"style-src {_digest(style)}",
            f"script-src {_digest(script)}",
            "img-src data:",
            "base-uri 'none'",
            "form-action 'none'",
        ]
    )
    parts = [
        "<!doctype html>",
        '<html lang="en">',
        "<head>",
        '<meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">',
        '<meta name="referrer" content="no-referrer">',
        # Without an icon of its own a browser asks the server for one.
        '<link rel="icon" href="data:,">',
        f"<title>{escape(TITLE)}</title>",
        f"<style>{style}</style>",
        "</head>",
        "<body>",
        '<a class="skip" href="#main">Skip to the tables</a>',
        "<header>",
        f"<h1>{escape(TITLE)}</h1>",
        f'<p class="about">Profile {escape(origin.profile)}. Made by lsn {escape(origin.version)} on'
        f" {origin.made:%Y-%m-%d %H:%M} UTC. {escape(_state(contents.tables))}</p>",
        *(f"<p><strong>{escape(note)}</strong></p>" for note in contents.notes),
        '<p class="about">Press a number to see the runs behind it, a heading to sort by it.</p>',
        _navigation(tables, figures, rest),
        "</header>",
        '<main id="main">',
        _group("tables", "Tables", tables),
        _group("figures", "Figures", figures),
        *(_section(section, 2) for section in rest),
        "</main>",
        f"<script>{script}</script>",
        "</body>",
        "</html>",
    ]
    return "\n".join(parts) + "\n"


def _table(table: Table | Listing, book: RunBook) -> Section:
    if isinstance(table, Listing):
        return Section(f"table{table.number}", f"Table {table.number}: {table.title}", listing_section(table))
    return Section(f"table{table.number}", heading_text(table), table_section(table, book))


def _state(tables: Sequence[Table | Listing]) -> str:
    """How much of the tables is there."""
    cells = [cell for table in tables if isinstance(table, Table) for cell in table.cells]
    counts = {status: sum(cell.status == status for cell in cells) for status in ("complete", "partial", "missing")}
    said = ", ".join(f"{count} {status}" for status, count in counts.items() if count)
    return f"Of {len(cells)} cells of trained tables: {said}."


def _checks(checks: Sequence[CheckRow]) -> str:
    heads = [Head(name, "words") for name in ("statement", "in the paper", "measured", "bound", "verdict")]
    rows = [
        [
            text(statement, "words", heads_row=True),
            text(source, "words"),
            Entry(escape(measured), None, "number"),
            Entry(escape(bound), None, "number"),
            text("holds" if holds else "does not hold", "words"),
        ]
        for statement, source, measured, bound, holds in checks
    ]
    return grid("The paper's theorems and equations, checked numerically.", "Theory", heads, rows)


def _navigation(tables: Sequence[Section], figures: Sequence[Section], rest: Sequence[Section]) -> str:
    groups = [_item("tables", "Tables", tables), _item("figures", "Figures", figures)]
    groups += [_item(section.anchor, section.title, ()) for section in rest]
    return f'<nav aria-label="Contents">\n<ul>\n{"".join(groups)}</ul>\n</nav>'


def _item(anchor: str, title: str, below: Sequence[Section]) -> str:
    inner = "".join(_item(section.anchor, section.title, ()) for section in below)
    nested = f"\n<ul>\n{inner}</ul>\n" if inner else ""
    return f'<li><a href="#{anchor}">{escape(title)}</a>{nested}</li>\n'


def _group(anchor: str, title: str, sections: Sequence[Section]) -> str:
    content = "\n".join(_section(section, 3) for section in sections)
    return _section(Section(anchor, title, content), 2)


def _section(section: Section, level: int) -> str:
    heading = f'<h{level} id="{section.anchor}-title">{escape(section.title)}</h{level}>'
    return (
        f'<section id="{section.anchor}" aria-labelledby="{section.anchor}-title">\n{heading}\n'
        f"{section.content}\n</section>"
    )


@cache
def _part(name: str) -> str:
    return (resources.files("lsncli.report.page") / name).read_text(encoding="utf-8")


def _digest(content: str) -> str:
    """How the policy names what is written in the page."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(content.encode('utf-8')).digest()).decode('ascii')}'"
