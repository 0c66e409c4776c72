"""Registers the built-in report formats."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from lsncli.components import ReportInfo
from lsncli.hookspecs import hookimpl

if TYPE_CHECKING:
    from lsncli.report.table import Table

Render = Callable[["Table"], str]


@hookimpl
def lsn_reports(register: Callable[[ReportInfo], None]) -> None:
    """rich, md, csv, json, latex and html."""
    register(ReportInfo(name="rich", build=_rich, summary="A table for the terminal, laid out like the paper's."))
    register(ReportInfo(name="md", build=_markdown, summary="A GitHub Markdown table."))
    register(ReportInfo(name="csv", build=_csv, summary="One line per cell, for spreadsheets and data frames."))
    register(ReportInfo(name="json", build=_json, summary="Every cell with its values, run keys and statistics."))
    register(ReportInfo(name="latex", build=_latex, summary="A LaTeX table environment with booktabs rules."))
    register(ReportInfo(name="html", build=_html, summary="One HTML page that needs no other file and no network."))


def _rich(params: None, context: None) -> Render:
    from lsncli.report.formats.terminal import render_terminal

    return render_terminal


def _markdown(params: None, context: None) -> Render:
    from lsncli.report.formats.markdown import render_markdown

    return render_markdown


def _csv(params: None, context: None) -> Render:
    from lsncli.report.formats.long_csv import render_csv

    return render_csv


def _json(params: None, context: None) -> Render:
    from lsncli.report.formats.contract_json import render_json

    return render_json


def _latex(params: None, context: None) -> Render:
    from lsncli.report.formats.latex import render_latex

    return render_latex


def _html(params: None, context: None) -> Render:
    from lsncli.report.formats.html import render_html

    return render_html
