"""The formats: layout and width in a terminal, Markdown, CSV, the JSON contract, and names that must be escaped."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from lsncli.recipe.loading import LoadedRecipe
from lsncli.recipe.resolve import ResolvedRecipe
from lsncli.registry import registry
from lsncli.report.build import build_report, build_table
from lsncli.report.formats.markdown import escape
from lsncli.report.formats.terminal import TableView, render_terminal
from lsncli.report.table import Cell, Footnote, Heading, Published, Table

Load = Callable[..., LoadedRecipe]
Resolve = Callable[..., ResolvedRecipe]

#: The contract of the JSON format; further keys are allowed.
NUMBER = {"type": ["number", "null"]}
CONTRACT = {
    "type": "object",
    "required": ["title", "profile", "cells"],
    "properties": {
        "title": {"type": "string"},
        "profile": {"type": "string"},
        "cells": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["row", "column", "metric", "mean", "std", "n", "values", "keys", "paper", "status"],
                "properties": {
                    "row": {"type": "object"},
                    "column": {"type": "object"},
                    "metric": {"type": "string"},
                    "mean": NUMBER,
                    "std": NUMBER,
                    "n": {"type": "integer", "minimum": 0},
                    "values": {"type": "array", "items": NUMBER},
                    "keys": {"type": "array", "items": {"type": "string", "pattern": "^[0-9a-f]{20}$"}},
                    "paper": {
                        "type": ["object", "null"],
                        "required": ["mean", "std"],
                        "properties": {"mean": {"type": "number"}, "std": NUMBER},
                    },
                    "status": {"enum": ["complete", "partial", "missing"]},
                },
            },
        },
    },
}

NASTY = "a | b\n**c** [bold red]d[/] <script> \x1b[31m `e` =f"


def render(table: Table, format: str) -> str:
    text = registry().get("report format", format).build(None, None)(table)
    assert isinstance(text, str)
    return text


def cell(label: str, values: tuple[float, ...], **changes: Any) -> Cell:
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
        columns=tuple(Heading(c.column) for c in cells),
        cells=cells,
        metrics=("test_loss",),
    )
    return replace(made, **changes)


@pytest.fixture
def table7(loaded: Load, resolved: Resolve, results: Any) -> Table:
    """One cell complete, one partial with a diverged run, the others missing."""
    specs = resolved().specs()
    for spec, accuracy in zip(specs[:8], (0.60, 0.61, 0.62, 0.63, 0.64, 0.61, 0.62, 0.63), strict=True):
        results.add(spec, test_accuracy=accuracy)
    results.add(specs[8], "diverged", test_accuracy=0.01)
    return build_report(loaded(), results)


def lines_with(text: str, *words: str) -> list[str]:
    return [line for line in text.splitlines() if all(word in line for word in words)]


# -- the terminal --------------------------------------------------------------------------------------


@pytest.mark.parametrize("width", [40, 60, 80, 120, 200])
def test_no_line_is_wider_than_the_terminal(table7: Table, width: int) -> None:
    assert max(map(len, render_terminal(table7, width).splitlines())) <= width


def test_the_whole_of_table_7_fits_80_columns_in_one_block(table7: Table) -> None:
    six = [replace(table7.columns[0], coordinates={"label": label}) for label in ("FC Patrini", "BC Patrini")]
    cells = [replace(c, column=six[i].coordinates) for c in table7.cells[:16:4] for i in (0, 1)]
    wide = replace(table7, columns=(*table7.columns, *six), cells=(*table7.cells, *cells))
    text = render_terminal(wide, 80)
    assert max(map(len, text.splitlines())) <= 80
    assert lines_with(text, "Baseline", "LS", "FC Patrini", "BC Patrini")


def test_ours_n_and_the_papers_number(table7: Table) -> None:
    text = render_terminal(table7, 160)
    # Means and ddof-1 deviations by hand: sqrt(2.5) = 1.58; three values one apart: 1.00.
    (ours,) = lines_with(text, "cifar100  resnet32")
    assert "62.00 ± 1.58 (5)*" in ours
    assert "62.00 ± 1.00 (3/5)" in ours
    assert "missing (0/5)" in ours
    assert lines_with(text, "paper 57.06 ± 0.38", "paper 60.70 ± 0.28")
    assert lines_with(text, "1 of 5 runs diverged")
    assert lines_with(text, "Profile paper.", "sample standard deviation (ddof 1)")
    assert lines_with(text, "lsn run recipe.toml")


def test_narrow_cells_are_stacked(table7: Table) -> None:
    text = render_terminal(table7, 60)
    assert lines_with(text, "62.00±1.58", "62.00±1.00")
    assert lines_with(text, "(5)*", "(3/5)")
    assert lines_with(text, "57.06±0.38", "60.70±0.28")
    assert "The last line of a cell is the paper's value." in " ".join(text.split())


def test_many_columns_make_blocks() -> None:
    cells = [cell(f"method {i}", (1.0, 1.5, 2.0)) for i in range(20)]
    text = render_terminal(table_of(*cells), 80)
    assert max(map(len, text.splitlines())) <= 80
    assert text.count("digits") == text.count("─\n")  # every block has its row headings
    assert text.split().count("1.50±0.25") == 20


def test_a_value_wider_than_the_terminal_is_folded_not_cut() -> None:
    text = render_terminal(table_of(cell("x" * 70, (1.0,))), 40)
    assert max(map(len, text.splitlines())) <= 40
    assert text.count("x") == 70


def test_a_long_command_is_continued_as_in_a_shell() -> None:
    fill = "lsn run table7 " + " ".join(f"--set train.key{i}=value" for i in range(6))
    text = render_terminal(table_of(cell("LS", ()), fill=fill), 60)
    command = text[text.index("lsn run") :]
    assert max(map(len, command.splitlines())) <= 60
    assert command.replace("\\\n", " ").split() == fill.split()


def test_a_table_without_a_sweep_says_what_its_number_is(resolved: Resolve, small_text: str) -> None:
    text = render_terminal(build_table(resolved(small_text), None), 80)
    assert lines_with(text, "test accuracy, %")
    assert lines_with(text, "missing (0/3)")


def test_repeated_row_headings_are_left_out(table7: Table) -> None:
    text = render_terminal(table7, 160)
    assert len(lines_with(text, "cifar100 ")) == 1
    assert len(lines_with(text, "resnet56")) == 2


def test_colours_on_a_terminal_only(table7: Table) -> None:
    out = io.StringIO()
    Console(file=out, force_terminal=True, color_system="standard", width=100).print(TableView(table7))
    assert "\x1b[2m" in out.getvalue()  # dim
    assert "\x1b" not in render_terminal(table7)


@pytest.mark.parametrize(("format", "sign"), [("rich", "±"), ("md", "±"), ("html", "±"), ("latex", "\\pm")])
def test_deviations_have_two_digits_and_means_as_many_places(format: str, sign: str) -> None:
    made = cell("LS", (0.4599, 0.4599, 0.4599), std=0.02148)
    assert f"0.460 {sign} 0.021" in " ".join(render(table_of(made), format).split())
    assert render(table_of(made), "csv").count("0.02148") == 1  # for programs, in full
    assert json.loads(render(table_of(made), "json"))["cells"][0]["std"] == 0.02148


# -- names ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("format", ["rich", "md", "csv", "json"])
def test_names_are_shown_as_they_are(format: str) -> None:
    made = cell(NASTY, (1.0, 1.5, 2.0), row={"data.name": NASTY})
    text = render(table_of(made, title=NASTY, footnotes=(Footnote(NASTY, "1"),)), format)
    assert "\x1b" not in text
    if format == "rich":
        assert "[bold red]d[/]" in " ".join(text.split())  # not taken for markup
    elif format == "json":
        assert json.loads(text)["title"] == NASTY
    elif format == "csv":
        assert next(csv.DictReader(io.StringIO(text, newline="")))["title"] == NASTY.replace("\x1b", "\\x1b")
    else:
        assert len(text.splitlines()) == len(render(table_of(cell("a", (1.0,) * 3)), "md").splitlines()) + 2


def test_markdown_rows_keep_their_columns() -> None:
    text = render(table_of(cell(NASTY, (1.0,)), cell("b", (2.0,))), "md")
    rows = [line.replace("\\|", "") for line in text.splitlines() if line.startswith("| ")]
    assert len(rows) == 3
    assert {row.count("|") for row in rows} == {4}


@given(st.text(alphabet=st.sampled_from("ab1.)#-+=>|*_`[]<>&~$\\ \n"), max_size=12))
def test_markdown_escapes_every_special_character(text: str) -> None:
    escaped = escape(text)
    assert "\n" not in escaped
    assert "<" not in escaped
    bare = ""
    characters = iter(escaped)
    for character in characters:  # what is left when escaped pairs are taken away
        if character == "\\":
            next(characters)
        else:
            bare += character
    assert not set(bare) & set("|*_`[]~$#\\")
    assert escaped[:1] not in ("+", "-", "=", ">")


@pytest.mark.parametrize(
    ("text", "written"),
    [
        *((formula, f"'{formula}") for formula in ("=1+1", "+1", "-1", "@SUM(A1)")),
        # What a terminal would obey is written out, too: the text may be printed.
        ("\tx", "'    x"),
        ("\rx", "'\\x0dx"),
        ("\x1b[31m", "\\x1b[31m"),
        ("\u202egnp.exe", "\\u202egnp.exe"),
        ("\udcff", "\\udcff"),
    ],
)
def test_csv_guards_formulas_in_text(text: str, written: str) -> None:
    rendered = render(table_of(cell(text, (1.0,)), title=text), "csv")
    (row,) = csv.DictReader(io.StringIO(rendered, newline=""))
    assert row["title"] == written
    assert row["label"] == written


def test_csv_leaves_numbers_alone() -> None:
    made = cell("LS", (-1.0, -2.0, -3.0), paper=Published(-2.5), marks=("1",), differs=True)
    (row,) = csv.DictReader(io.StringIO(render(table_of(made), "csv")))
    assert (row["mean"], row["std"], row["paper_mean"], row["paper_std"]) == ("-2.0", "0.25", "-2.5", "")
    assert (row["n"], row["runs"], row["status"], row["footnotes"]) == ("3", "3", "complete", "*;1")
    assert row["values"] == "-1.0;-2.0;-3.0"


def test_csv_leaves_lists_of_numbers_alone() -> None:
    """A spreadsheet runs ``-5.5;-5.25`` as little as ``-5.5``."""
    made = replace(cell("LS", (-5.5, -5.25)), keys=("-key", "other"))
    (row,) = csv.DictReader(io.StringIO(render(table_of(made), "csv")))
    assert (row["values"], row["keys"]) == ("-5.5;-5.25", "'-key;other")


def test_csv_of_a_missing_cell() -> None:
    (row,) = csv.DictReader(io.StringIO(render(table_of(cell("LS", ())), "csv")))
    assert (row["mean"], row["std"], row["n"], row["values"]) == ("", "", "0", "")


# -- JSON ----------------------------------------------------------------------------------------------


def test_json_keeps_the_contract(table7: Table) -> None:
    value = json.loads(render(table7, "json"))
    jsonschema.validate(value, CONTRACT)
    assert (value["title"], value["profile"], value["table"]) == (table7.title, "paper", 7)
    assert len(value["cells"]) == 16
    first = value["cells"][0]
    assert (first["row"], first["column"]) == (
        {"data.name": "cifar100", "model.name": "resnet32"},
        {"label": "Baseline"},
    )
    assert first["values"] == [60.0, 61.0, 62.0, 63.0, 64.0]
    assert first["mean"] == pytest.approx(62.0)
    assert first["std"] == pytest.approx(2.5**0.5)
    assert (first["n"], first["unit"], first["status"]) == (5, "%", "complete")
    assert first["paper"] == {"mean": 57.06, "std": 0.38}
    missing = value["cells"][-1]
    assert (missing["mean"], missing["std"], missing["values"], missing["n"]) == (None, None, [], 0)


def test_json_has_no_numbers_that_json_has_not() -> None:
    made = cell("LS", (math.inf, math.nan), mean=math.nan, std=math.nan)
    text = render(table_of(made), "json")
    jsonschema.validate(json.loads(text), CONTRACT)
    assert json.loads(text)["cells"][0]["values"] == [None, None]
    assert "nan" in render(table_of(made), "md")


# -- wording -------------------------------------------------------------------------------------------


def test_keys_and_values_of_other_kinds(resolved: Resolve, small_text: str) -> None:
    text = small_text + (
        '[sweep]\nloss = [{ name = "standard" }, { name = "label-smoothing", alpha = 0.1 }]\n"noise.rate" = [0.2]\n'
        '[report]\nmetrics = ["test_accuracy", "test_ece_100"]\n'
    )
    shown = " ".join(render_terminal(build_table(resolved(text), None), 160).split())
    for words in ("label-smoothing alpha 0.1", "noise rate = 0.2", "test accuracy, %", "test ECE (100 bins)"):
        assert words in shown


def test_a_case_without_a_value_shows_a_dash(resolved: Resolve, small_text: str) -> None:
    text = small_text + (
        '[[sweep.case]]\nlabel = "Baseline"\n[[sweep.case]]\nlabel = "LS"\n'
        'loss = { name = "label-smoothing" }\nsweep = { "loss.alpha" = [0.1, 0.4] }\n'
    )
    by_rows = render_terminal(build_table(resolved(text), None), 100)
    assert lines_with(by_rows, "–", "missing")
    columns = text + '[report]\nrows = []\ncolumns = ["label", "loss.alpha"]\n'
    shown = render_terminal(build_table(resolved(columns), None), 100)
    assert lines_with(shown, "α = 0.1", "α = 0.4")
    assert "–" not in shown


@pytest.mark.parametrize(
    ("title", "shown"),
    [("Smearing", "Table 7: Smearing"), ("Table 7: smearing", "Table 7: smearing"), ("table 7", "table 7")],
)
def test_the_number_of_the_table_is_said_once(title: str, shown: str) -> None:
    text = render_terminal(table_of(cell("LS", ()), title=title, number=7))
    assert text.splitlines()[0] == shown
