"""Names are shown as they are and obeyed by nobody, in every format of a report, whoever chose them."""

from __future__ import annotations

import csv
import io
import json
import re
import xml.etree.ElementTree as ET
from html.parser import HTMLParser

import pytest
from hostile_samples import NAMES, Place
from pylatexenc.latexwalker import LatexMacroNode, LatexWalker

from lsncli.report.formats.listing import renderer
from lsncli.report.listing import Column, Listing

REPORTS = (("report", "evil.toml"), ("report", "evil.toml", "--claims"))

#: What a terminal would obey.
STEERS = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e]")


class Tags(HTMLParser):
    """The tags of a page and their attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}


@pytest.mark.parametrize("words", REPORTS)
def test_html(hostile: Place, words: tuple[str, ...]) -> None:
    page = hostile(*words, "--format", "html").out
    found = Tags()
    found.feed(page)
    ours = (
        "html head meta title style body main h1 h2 h3 p div table thead tbody tr th td br sup span ul li pre code"
    )
    assert found.tags <= set(ours.split())
    assert found.attributes <= {"lang", "charset", "name", "content", "http-equiv", "class", "scope", "rowspan"}
    assert "&lt;script&gt;" in page
    assert "default-src 'none'" in page  # and if one got through all the same, a browser would not run it
    assert not STEERS.search(page)


@pytest.mark.parametrize("words", REPORTS)
def test_latex(hostile: Place, words: tuple[str, ...]) -> None:
    text = hostile(*words, "--format", "latex").out
    nodes, _, _ = LatexWalker(text, tolerant_parsing=False).get_latex_nodes()
    macros: set[str] = set()

    def walk(found: object) -> None:
        for node in found if isinstance(found, list) else [found]:
            if isinstance(node, LatexMacroNode):
                macros.add(node.macroname)
            for part in ("nodelist", "nodeargd"):
                inner = getattr(node, part, None)
                walk(getattr(inner, "argnlist", inner) or [])

    walk(nodes)
    # Nothing that reads, writes, defines or runs; what is meant as text has become text.
    assert not macros & {"input", "include", "write", "write18", "immediate", "openin", "openout", "def", "frac"}
    assert "\\textbackslash{}input\\{/etc/passwd\\}" in text
    assert text.count("\\begin{tabular}") == text.count("\\end{tabular}")
    assert text.isascii()
    assert not STEERS.search(text)


@pytest.mark.parametrize("words", [*REPORTS, ("runs", "export")])
def test_csv(hostile: Place, words: tuple[str, ...]) -> None:
    text = hostile(*words, *(() if words[0] == "runs" else ("--format", "csv"))).out
    rows = list(csv.reader(io.StringIO(text)))
    assert len(rows) > 10
    assert {len(row) for row in rows} == {len(rows[0])}
    cells = {cell for row in rows for cell in row}
    for cell in cells:
        if cell and cell[0] in "=+-@\t\r":
            float(cell)  # a negative number is no formula
    assert any("cmd" in cell for cell in cells) or "--claims" in words  # claims name components only
    assert not STEERS.search(text)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("format", ["rich", "md", "csv", "json", "latex", "html"])
def test_a_listing(name: str, format: str) -> None:
    """What ``lsn select`` prints, and computed tables: names in every place that a listing has."""
    rows = ((name, (name, "92.00"), -0.5),)
    listing = Listing(name, None, name, (Column(name), Column("told"), Column("lost", True)), rows, (name,))
    text = renderer(format)(listing)
    assert not STEERS.search(text)
    if format == "csv":
        head, row = csv.reader(io.StringIO(text))
        assert not {cell[0] for cell in (*head, *row[:2])} & set("=+-@")
        assert row[2] == "-0.5"  # a number stays one


def test_a_label_of_a_selection_is_no_formula() -> None:
    rows = (('=HYPERLINK("http://e")', "91.00 ± 1.41"),)
    text = renderer("csv")(Listing("t", None, "a", (Column("method"), Column("selected", True)), rows))
    assert list(csv.reader(io.StringIO(text)))[1] == ['\'=HYPERLINK("http://e")', "91.00 ± 1.41"]


@pytest.mark.parametrize("words", REPORTS)
def test_a_terminal_s_text_in_a_pipe(hostile: Place, words: tuple[str, ...]) -> None:
    assert not STEERS.search(hostile(*words, "--output", "-").out)


@pytest.mark.parametrize("words", REPORTS)
def test_markdown(hostile: Place, words: tuple[str, ...]) -> None:
    text = hostile(*words, "--format", "md").out
    # Tags that GitHub would keep: only those that lsn writes itself.
    assert set(re.findall(r"<\s*(/?\w+)", text)) <= {"br", "sup", "/sup", "sub", "/sub"}
    assert not re.search(r"(?<!\\)\]\(javascript", text)
    for table in re.findall(r"(?:^\|.*\|\n)+", text, flags=re.MULTILINE):
        # A bar with a backslash in front ends no cell; a backslash of the name's own has one in front, too.
        widths = {len(re.findall(r"(?<!\\)(?:\\\\)*\|", line)) for line in table.splitlines()}
        assert len(widths) == 1
    assert not STEERS.search(text)


@pytest.mark.parametrize("words", [*REPORTS, ("runs", "export"), ("runs", "list")])
def test_json_says_the_names_and_steers_nothing(hostile: Place, words: tuple[str, ...]) -> None:
    text = hostile(*words, "--format", "json").out
    said = json.dumps(json.loads(text), ensure_ascii=False)
    assert "<script>" in said or "--claims" in words
    assert not STEERS.search(text)


@pytest.mark.parametrize(
    "words",
    [
        *REPORTS,
        ("runs", "list"),
        ("runs", "list", "--status", "failed"),
        ("runs", "show", "KEY"),
        ("runs", "compare", "KEY", "OTHER"),
        ("runs", "rm", "KEY", "--yes"),
        ("plan", "evil.toml"),
        ("db", "info"),
        ("db", "check"),
        ("run", "evil.toml", "--dry-run"),
        ("report", "\x1b[31mnothing.toml"),
        ("data", "prepare", "\x1b[31m", "\x9bx"),
    ],
)
def test_a_terminal_is_told_and_not_steered(hostile: Place, words: tuple[str, ...]) -> None:
    from lsncli.store import Store

    with Store.open("results.db", read_only=True) as store:
        keys = sorted(store.statuses(), key=lambda key: store.run(key).title or "")
    named = dict(zip(("KEY", "OTHER"), keys, strict=False))
    answer = hostile(*(named.get(word, word) for word in words))
    assert answer.status in (0, 1, 2)
    assert answer.out + answer.err
    for text in (answer.out, answer.err):
        assert not STEERS.search(text), text


def test_markup_of_rich_is_text(hostile: Place) -> None:
    assert "[bold red]x[/bold red]" in hostile("report", "evil.toml").out


@pytest.mark.parametrize("form", ["svg", "png", "pdf"])
def test_figures(hostile: Place, form: str) -> None:
    answer = hostile("report", "evil.toml", "--figure", "2", "--output", f"figure.{form}")
    assert answer.status == 0, answer.err
    assert not STEERS.search(answer.err)
    data = (hostile.folder / f"figure.{form}").read_bytes()
    assert not (hostile.folder / "pwned").exists()
    if form == "svg":
        # As a browser reads it: no element that runs or loads anything.
        tags = {element.tag.rpartition("}")[2] for element in ET.fromstring(data).iter()}
        assert not tags & {"script", "foreignObject", "a", "iframe", "image"}
