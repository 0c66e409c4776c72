"""Prints the report of a recipe on a console, as ``lsn run`` does at its end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from lsncli.recipe.resolve import ResolvedRecipe
from lsncli.registry import Registry
from lsncli.report.build import build_table
from lsncli.report.results import Results

if TYPE_CHECKING:
    from rich.console import Console


def print_report(
    resolved: ResolvedRecipe,
    results: Results | None,
    console: Console,
    *,
    components: Registry | None = None,
    run_options: Sequence[str] = (),
) -> None:
    """Print the report of ``resolved``, under its own profile, from an open store.

    run_options: words to add to the command that the report suggests for missing runs (``--db …``).
    """
    from lsncli.report.formats.terminal import TableView

    table = build_table(resolved, results, components=components, run_options=run_options)
    console.print(TableView(table))
