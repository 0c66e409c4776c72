"""``lsn report``: what a recipe's runs came to, beside the published numbers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lsncli.cli import completing
from lsncli.cli.computed_tables import COMPUTED_TABLES, report_computed
from lsncli.cli.database import absent_note, open_database, repeated_options
from lsncli.cli.options import DEFAULT_DATABASE, DatabaseOption, DataDirOption
from lsncli.cli.selection import DataOption, OnlyOption, ProfileOption, SeedsOption, SetOption
from lsncli.cli.unknown_data import warn_of_replaced_data, warn_of_unknown_data
from lsncli.errors import LsnError

if TYPE_CHECKING:
    from lsncli.recipe.loading import Overrides


def command(
    ctx: typer.Context,
    recipe: Annotated[
        str | None,
        typer.Argument(
            metavar="RECIPE",
            help="A recipe file, or the name of a shipped one.",
            show_default=False,
            autocompletion=completing.recipes,
        ),
    ] = None,
    table: Annotated[
        int | None,
        typer.Option("--table", metavar="N", help="The paper's table N, instead of RECIPE; 1 and 6 are computed."),
    ] = None,
    figure: Annotated[
        int | None,
        typer.Option("--figure", metavar="N", help="Draw the paper's figure N; 1 and 5 are computed."),
    ] = None,
    quantity: Annotated[
        str | None,
        typer.Option(
            "--quantity", metavar="NAME", help="Of figures 3 and 7: probabilities (the default) or logits."
        ),
    ] = None,
    claims: Annotated[
        bool, typer.Option("--claims", help="Test the paper's findings; with a recipe, on its runs alone.")
    ] = False,
    all: Annotated[
        bool,
        typer.Option(
            "--all",
            help="Write every table and figure of the paper, and its claims, into the folder --output; as html, one"
            " page, index.html.",
        ),
    ] = False,
    profile: ProfileOption = None,
    settings: SetOption = None,
    only: OnlyOption = None,
    data: DataOption = None,
    seeds: SeedsOption = None,
    format: Annotated[
        str | None,
        typer.Option(
            "--format",
            metavar="NAME",
            help="Of tables and claims: rich, md, csv, json, latex, html; of tables also a plugin's. Of figures:"
            " png, svg, pdf, or json, which is their numbers. Not given: as the ending of --output says.",
            show_default="rich",
            autocompletion=completing.report_formats,
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            metavar="FILE",
            help="Write to FILE instead of standard output; a figure is written to figureN.png where none is named;"
            " a folder with --all (default: report).",
        ),
    ] = None,
    db: DatabaseOption = DEFAULT_DATABASE,
    data_dir: DataDirOption = None,
) -> None:
    """Report a recipe from the database alone; nothing is trained, and a missing run is an empty cell.

    Without --profile: the first of the recipe's profiles, in the order paper, quick, smoke, that has results.
    """
    from lsncli.cli.deliver import deliver, format_of
    from lsncli.cli.selection import overrides_from
    from lsncli.recipe.loading import load
    from lsncli.registry import registry
    from lsncli.report.build import build_report
    from lsncli.report.formats.rendering import table_renderer
    from lsncli.report.formats.terminal import TableView

    if figure is None and quantity is not None:
        raise LsnError("--quantity is of a figure, and none is asked for", next="add --figure 3 or --figure 7")
    if all:
        given = {"RECIPE": recipe, "--table": table, "--figure": figure, "--claims": claims or None}
        overrides = overrides_from(profile, settings, only, data, seeds)
        _all(
            [word for word, value in given.items() if value is not None],
            overrides,
            format or "rich",
            output,
            db,
            data_dir,
        )
        return
    if figure is not None:
        wrong = [name for name, given in (("--table", table is not None), ("--claims", claims)) if given]
        overrides = overrides_from(profile, settings, only, data, seeds)
        _figure(figure, recipe, wrong, quantity, overrides, format or "rich", output, db, data_dir)
        return
    format = format_of(format, output)
    if claims:
        if recipe is None and table in COMPUTED_TABLES:
            raise LsnError(
                f"table {table} is computed: it has no runs to test claims on",
                where=f"--table {table} --claims",
                next="leave --claims out for the table, or --table for all claims",
            )
        tested = _recipe(recipe, table) if recipe is not None or table is not None else None
        _claims(tested, overrides_from(profile, settings, only, data, seeds), format, output, db, data_dir)
        return
    if recipe is None and table in COMPUTED_TABLES:
        # A profile that is configured is there for other reports.
        told = ctx.get_parameter_source("profile")
        named = profile if told is not None and told.name == "COMMANDLINE" else None
        options = {"--profile": named, "--only": only, "--data": data, "--seeds": seeds}
        report_computed(table, settings or (), format, output, meaningless=options)
        return
    # Everything that can be wrong with the request is, before the database is opened.
    loaded = load(_recipe(recipe, table), overrides_from(profile, settings, only, data, seeds))
    render = table_renderer(format, registry())
    store = open_database(db, loaded, data_dir)
    try:
        report = build_report(
            loaded,
            store,
            run_options=repeated_options(db, data_dir),
            notes=absent_note(db, store),
        )
        warn_of_unknown_data(loaded.overrides, store, data_dir)
        warn_of_replaced_data([loaded], store, data_dir)
    finally:
        if store is not None:
            store.close()
    deliver(report, render, TableView, format, output)


def _recipe(recipe: str | None, table: int | None) -> str:
    """The recipe that was asked for, by name or by the paper's table."""
    if recipe is not None and table is not None:
        raise LsnError(f"both the recipe {recipe!r} and --table {table} are given", next="leave one of the two out")
    if recipe is not None:
        return recipe
    if table is not None:
        from lsncli.report.shipped import recipe_of_table

        return recipe_of_table(table)
    from lsncli.recipe.loading import shipped_recipes

    raise LsnError(
        "what to report is missing",
        valid=f"a recipe file, a shipped recipe ({', '.join(shipped_recipes())}), or --table N",
        next="for example: lsn report --table 7",
    )


def _figure(
    number: int,
    recipe: str | None,
    contradictions: list[str],
    quantity: str | None,
    overrides: Overrides,
    format: str,
    output: Path | None,
    db: str,
    data_dir: Path | None,
) -> None:
    """Draw a figure into a file, or print its numbers with ``--format json``."""
    from lsncli.data.context import default_data_dir
    from lsncli.recipe.loading import load
    from lsncli.report.figures.build import build_figure, needs_runs
    from lsncli.report.figures.keeping import keep_in
    from lsncli.report.figures.recipes import recipe_of_figure
    from lsncli.report.figures.request import FigureRequest

    request = FigureRequest.read(number, contradictions, format, output)
    asked = load(recipe or recipe_of_figure(number), overrides) if needs_runs(number) else None
    store = open_database(db, asked, data_dir)
    try:
        drawn = build_figure(
            *(number, store, overrides),
            recipe=recipe,
            quantity=quantity,
            keep=keep_in(store),
            run_options=repeated_options(db, data_dir),
            notes=absent_note(db, store) if needs_runs(number) else (),
            data_dir=data_dir or default_data_dir(),
        )
        warn_of_unknown_data(overrides, store, data_dir)
        warn_of_replaced_data([] if asked is None else [asked], store, data_dir)
    finally:
        if store is not None:
            store.close()
    request.answer(drawn)


def _all(
    contradictions: list[str],
    overrides: Overrides,
    format: str,
    output: Path | None,
    db: str,
    data_dir: Path | None,
) -> None:
    """Write the whole report into a folder."""
    from lsncli.cli.output import say
    from lsncli.cli.whole_report import WholeReport, check_folder, endings
    from lsncli.data.context import default_data_dir

    if contradictions:
        raise LsnError(
            f"--all and {' and '.join(contradictions)} cannot be reported together", next="leave one of them out"
        )
    endings(format)
    check_folder(output)
    store = open_database(db)
    try:
        options = repeated_options(db, data_dir)
        notes, folder = absent_note(db, store), data_dir or default_data_dir()
        whole = WholeReport(overrides, store, format, options, notes, db, folder)
        whole.write(output, lambda line: say(line, err=True))
        warn_of_unknown_data(overrides, store, data_dir)
    finally:
        if store is not None:
            store.close()


def _claims(
    recipe: str | None, overrides: Overrides, format: str, output: Path | None, db: str, data_dir: Path | None
) -> None:
    """Report the claims on the runs of ``recipe``, or of every recipe that a claim names."""
    from lsncli.cli.deliver import deliver
    from lsncli.data.catalogue import has_true_labels
    from lsncli.data.context import default_data_dir
    from lsncli.recipe.loading import load
    from lsncli.report.claims.evaluate import claims_of_paper, claims_of_recipe
    from lsncli.report.claims.formats import renderer
    from lsncli.report.claims.terminal import ClaimsView

    render = renderer(format)
    loaded = load(recipe, overrides) if recipe is not None else None
    folder = data_dir or default_data_dir()

    def true_labels(name: str) -> bool:
        return has_true_labels(name, folder)

    store = open_database(db, loaded, data_dir)
    try:
        options = repeated_options(db, data_dir)
        notes = absent_note(db, store)
        if loaded is not None:
            report = claims_of_recipe(loaded, store, run_options=options, notes=notes, true_labels=true_labels)
        else:
            report = claims_of_paper(overrides, store, run_options=options, notes=notes, true_labels=true_labels)
        warn_of_unknown_data(overrides, store, data_dir)
        warn_of_replaced_data([] if loaded is None else [loaded], store, data_dir)
    finally:
        if store is not None:
            store.close()
    deliver(report, render, ClaimsView, format, output)
