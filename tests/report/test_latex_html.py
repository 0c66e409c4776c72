"""LaTeX and HTML: what they show, that any name is inert in them, and that independent readers accept them."""

from __future__ import annotations

import math
import shutil
import string
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pylatexenc.latex2text import LatexNodes2Text
from pylatexenc.latexwalker import LatexMacroNode, LatexNode, LatexWalker

from lsncli.recipe.loading import LoadedRecipe
from lsncli.recipe.resolve import ResolvedRecipe
from lsncli.registry import registry
from lsncli.report.build import build_report
from lsncli.report.formats.html import render_html
from lsncli.report.formats.latex import render_latex
from lsncli.report.formats.latex_text import escape
from lsncli.report.table import Cell, Footnote, Heading, Published, Table

Load = Callable[..., LoadedRecipe]
Resolve = Callable[..., ResolvedRecipe]

NASTY = (
    r"\input{/etc/passwd} $x_1^2$ & 100% #1 ~ {} </script><script>alert(1)</script> [a] *b* \\ --"
    r" \end{tabular} α²é中🙂"
)
#: The commands that the format itself writes; any other in the output would have come out of a name.
OURS = {
    *(
        "begin",
        "end",
        "caption",
        "centering",
        "small",
        "footnotesize",
        "scriptsize",
        "setlength",
        "tabcolsep",
        "belowcaptionskip",
        "makebox",
    ),
    *("toprule", "midrule", "bottomrule", "addlinespace", "par", "medskip", "linewidth", "raggedright", "\\"),
    *("textsuperscript", "texttt", "pm", "cdot", "infty", "mathrm", "ensuremath", "textendash", "ldots", "surd"),
    *("textbackslash", "textasciicircum", "textasciitilde", "textless", "textgreater", "textbar", "symbol"),
    *("textquotesingle", "textasciigrave", "{", "}", "$", "&", "#", "%", "_", "alpha", "'"),
}


def cell(label: str, values: tuple[float, ...] = (1.0, 2.0, 3.0), **changes: Any) -> Cell:
    n = len(values)
    made = Cell(
        row={"data.name": "digits"},
        column={"label": label},
        metric="test_loss",
        unit="",
        values=values,
        keys=("0" * 20,) * 3,
        mean=sum(values) / n if n else None,
        std=0.25 if n > 1 else None,
        n=n,
        paper=None,
        status="complete" if n == 3 else "partial" if n else "missing",
    )
    return replace(made, **changes)


def table_of(*cells: Cell, title: str = "A title", **changes: Any) -> Table:
    made = Table(
        title=title,
        profile="paper",
        row_keys=("data.name",),
        column_keys=("label",),
        rows=tuple({str(c.row): Heading(c.row) for c in cells}.values()),
        columns=tuple({str(c.column): Heading(c.column) for c in cells}.values()),
        cells=cells,
        metrics=("test_loss",),
    )
    return replace(made, **changes)


@pytest.fixture
def table7(loaded: Load, resolved: Resolve, results: Any) -> Table:
    """One cell complete and different from the paper's, one partial with a diverged run, the others missing."""
    specs = resolved().specs()
    for spec, accuracy in zip(specs[:8], (0.60, 0.61, 0.62, 0.63, 0.64, 0.61, 0.62, 0.63), strict=True):
        results.add(spec, test_accuracy=accuracy)
    results.add(specs[8], "diverged", test_accuracy=0.01)
    return build_report(loaded(), results)


def nasty_table() -> Table:
    made = cell(NASTY, row={"data.name": NASTY}, marks=("1",), differs=True, paper=Published(1.0, 0.5, 5))
    return table_of(
        made,
        title=NASTY,
        footnotes=(Footnote(NASTY, "1"), Footnote(NASTY)),
        source=NASTY,
        fill=f"lsn run '{NASTY}'",
    )


def macros(text: str) -> set[str]:
    """The commands in LaTeX, as an independent parser sees them; strict, so that a broken text raises."""

    def walk(nodes: list[LatexNode] | None) -> Iterator[str]:
        for node in nodes or []:
            if node is None:
                continue
            if isinstance(node, LatexMacroNode):
                yield node.macroname
            yield from walk(getattr(node, "nodelist", None))
            arguments = getattr(node, "nodeargd", None)
            yield from walk(list(arguments.argnlist) if arguments is not None and arguments.argnlist else None)

    nodes, _, _ = LatexWalker(text, tolerant_parsing=False).get_latex_nodes()
    return set(walk(nodes))


def compiled(folder: Path, tables: str) -> str:
    """What pdflatex says of a document with the tables."""
    preamble = r"\documentclass{article}\usepackage[margin=2.5cm]{geometry}\usepackage{booktabs}\begin{document}"
    (folder / "report.tex").write_text(f"{preamble}\n{tables}\n\\end{{document}}\n", encoding="utf-8")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "-no-shell-escape", "report.tex"]
    done = subprocess.run(command, cwd=folder, capture_output=True, timeout=60, check=False)
    log = done.stdout.decode("utf-8", "replace")
    assert done.returncode == 0, log[-2000:]
    return log


# -- LaTeX -----------------------------------------------------------------------------------------------


def test_latex_has_ours_n_and_the_papers_number(table7: Table) -> None:
    text = render_latex(table7)
    # Means and ddof-1 deviations by hand: sqrt(2.5) = 1.58; three values one apart: 1.00.
    assert r"$62.00 \pm 1.58$ (5)\textsuperscript{{*}}" in text
    assert r"$62.00 \pm 1.00$ (3/5)\textsuperscript{" in text
    assert r"{\scriptsize $57.06 \pm 0.38$}" in text
    assert "missing (0/5)" in text
    assert "1 of 5 runs diverged" in text
    assert r"\caption{Label smearing under 20 \% symmetric noise (Table 7 of the paper). Profile paper." in text
    assert r"mean \ensuremath{\pm} sample" in text.lower()
    assert r"\texttt{lsn run recipe.toml}" in text
    # Two head columns and four methods, between booktabs' three rules.
    assert r"\begin{tabular}{@{}llrrrr@{}}" in text
    assert [text.count(rule) for rule in (r"\toprule", r"\midrule", r"\bottomrule")] == [1, 1, 1]


def test_a_long_heading_is_broken_between_words() -> None:
    made = table_of(cell("clean part of train, true labels", mean=1.0))
    text = render_latex(made)
    inner = text[text.index(r"\toprule") : text.index(r"\midrule")]
    # The lines of a heading stand one above the other, the row's key on the last of them.
    assert inner.splitlines()[1:] == [r" & clean part of train, \\", r"data & true labels \\"]


def test_every_line_of_a_latex_table_has_as_many_columns(table7: Table) -> None:
    text = render_latex(table7)
    inner = text[text.index(r"\toprule") : text.index(r"\bottomrule")]
    lines = [line for line in inner.splitlines() if line.endswith((r"\\", r"\\[2pt]"))]
    assert len(lines) == 1 + 2 * 4  # the heading, and ours and the paper's for two data sets and two networks
    assert {line.replace(r"\&", "").count("&") for line in lines} == {5}


def test_a_repeated_heading_is_left_out(table7: Table) -> None:
    text = render_latex(table7)
    assert text.count("cifar100 &") == 1
    assert text.count("& resnet32 &") == 2


def test_numbers_that_are_not_finite_and_small_ones() -> None:
    numbers = {"a": math.nan, "b": math.inf, "c": -math.inf, "d": 2.5e-7, "e": -1.5}
    made = table_of(*(cell(label, mean=value, std=None) for label, value in numbers.items()))
    text = render_latex(made)
    for shown in (r"$\mathrm{nan}$", r"$\infty$", r"$-\infty$", r"$2.5 \cdot 10^{-7}$", "$-1.5$"):
        assert shown in text
    assert macros(text) <= OURS


def test_any_name_is_inert_in_latex() -> None:
    text = render_latex(nasty_table())
    assert macros(text) <= OURS
    assert "\\input" not in text
    assert text.count(r"\end{tabular}") == 1
    assert r"\textbackslash{}input\{/etc/passwd\}" in text


@given(st.text(st.characters(exclude_categories=("Cs",)), max_size=60))
def test_escaped_text_holds_no_foreign_command(text: str) -> None:
    found = escape(text)
    # Commands for letters and symbols are all that may appear; each of them only sets a character.
    assert "\n" not in found
    for command in ("input", "include", "write", "openin", "def", "csname", "catcode", "immediate", "end", "begin"):
        assert f"\\{command}{{" not in found
        assert f"\\{command} " not in found
    walker = LatexWalker(found, tolerant_parsing=False)
    walker.get_latex_nodes()


@given(st.text(string.ascii_letters + string.digits + string.punctuation, max_size=60))
@example("--")
@example("a---b")
def test_ascii_is_read_back_by_an_independent_converter(text: str) -> None:
    # Commands of LaTeX's that the converter does not know, by their meaning in the LaTeX manual.
    unknown = {
        r"\symbol{34}": "QUOTE",
        r"\textquotesingle{}": "SINGLE",
        r"\textless{}": "LESS",
        r"\textgreater{}": "MORE",
        r"\textbar{}": "BAR",
        r"\textasciicircum{}": "CARET",
        r"\textasciitilde{}": "TILDE",
        r"\textasciigrave{}": "GRAVE",
    }
    latex = escape(text)
    for command, meaning in unknown.items():
        latex = latex.replace(command, meaning)
    words = {
        '"': "QUOTE",
        "'": "SINGLE",
        "<": "LESS",
        ">": "MORE",
        "|": "BAR",
        "^": "CARET",
        "~": "TILDE",
        "`": "GRAVE",
    }
    assert LatexNodes2Text().latex_to_text(latex) == "".join(words.get(c, c) for c in text)


@pytest.mark.parametrize(
    ("text", "latex"),
    [
        ("α = 0.1", r"\ensuremath{\alpha} = 0.1"),
        ("Ω λ", r"\ensuremath{\Omega} \ensuremath{\lambda}"),
        ("x² T⁻¹", r"x\ensuremath{^{2}} T\ensuremath{^{-}}\ensuremath{^{1}}"),
        ("Müller, Łukasik, naïve", r"M\"{u}ller, \L{}ukasik, na\"{\i}ve"),
        ("--profile", "-{}-profile"),
        ("---", "-{}-{}-"),
        ("中", "{[}U+4E2D{]}"),
        ("a\nb\x00c", "a b c"),
    ],
)
def test_what_is_not_ascii(text: str, latex: str) -> None:
    assert escape(text) == latex


@pytest.mark.parametrize(
    "empty", [table_of(), table_of(cell("x"), row_keys=(), column_keys=(), columns=(Heading(),))]
)
def test_tables_with_little_in_them(empty: Table) -> None:
    assert macros(render_latex(empty)) <= OURS
    assert "</table>" in render_html(empty)


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed")
def test_latex_compiles(table7: Table, tmp_path: Path) -> None:
    log = compiled(tmp_path, render_latex(table7) + render_latex(nasty_table()))
    assert "Missing character" not in log


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed")
def test_a_wide_table_is_centred_and_not_overfull(tmp_path: Path) -> None:
    made = [cell(f"a method with a name {i}", mean=1.0, paper=Published(1.0, 0.5, 5)) for i in range(9)]
    assert "Overfull" not in compiled(tmp_path, render_latex(table_of(*made)))


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed")
def test_table_7_fits_a_page(table7: Table, tmp_path: Path) -> None:
    # Without the box that centres it, so that TeX says where it is too wide.
    text = render_latex(table7)
    frame = r"\makebox[\linewidth][c]{%"
    assert frame in text
    assert "Overfull" not in compiled(tmp_path, text.replace(frame, "{%"))


# -- HTML ------------------------------------------------------------------------------------------------


class Reader(HTMLParser):
    """Collects the elements, checks that they nest, and keeps the text of every cell."""

    VOID = frozenset({"meta", "br"})

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.rows: list[list[str]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data
        if self.open and {"td", "th"} & set(self.open):
            self.rows[-1][-1] += data


def read(text: str) -> Reader:
    reader = Reader()
    reader.feed(text)
    reader.close()
    assert reader.open == []
    return reader


def test_html_has_ours_n_and_the_papers_number(table7: Table) -> None:
    page = read(render_html(table7))
    # By hand, as above.
    assert "62.00 ± 1.58 (5)*paper 57.06 ± 0.38" in page.rows[1]
    assert any(text.startswith("62.00 ± 1.00 (3/5)") for text in page.rows[1])
    assert page.rows[0] == ["data", "model", "Baseline", "LS", "FC smoothing", "BC smoothing"]
    assert "Table 7: Label smearing under 20 % symmetric noise" in page.text
    assert "1 of 5 runs diverged" in page.text
    assert "lsn run recipe.toml" in page.text


def test_a_heading_spans_the_rows_that_share_it(table7: Table) -> None:
    page = read(render_html(table7))
    spans = [
        int(attributes.get("rowspan") or 1) for tag, attributes in page.seen if attributes.get("scope") == "row"
    ]
    assert spans == [2, 1, 1, 2, 1, 1]
    widths = [len(row) for row in page.rows]
    assert widths == [6, 6, 5, 6, 5]


def test_any_name_is_inert_in_html() -> None:
    page = read(render_html(nasty_table()))
    assert {tag for tag, _ in page.seen} <= {
        *("html", "head", "meta", "title", "style", "body", "main", "h1", "p", "div", "table", "thead", "tbody"),
        *("tr", "th", "td", "span", "sup", "br", "ul", "li", "pre", "code"),
    }
    assert NASTY in page.text


@given(st.text(st.characters(exclude_categories=("Cs",)), max_size=40))
def test_html_of_any_title_nests(title: str) -> None:
    page = read(render_html(table_of(cell(title), title=title)))
    assert "script" not in {tag for tag, _ in page.seen}


def test_html_needs_nothing_from_elsewhere(table7: Table) -> None:
    text = render_html(table7)
    page = read(text)
    assert not {"link", "script", "img", "iframe"} & {tag for tag, _ in page.seen}
    assert not [a for _, attributes in page.seen for a in attributes if a in ("src", "href") or a.startswith("on")]
    assert "url(" not in text
    assert "@import" not in text


# -- both ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["latex", "html"])
def test_they_are_registered(name: str, table7: Table) -> None:
    render = registry().get("report format", name).build(None, None)
    assert render(table7).endswith("\n")
