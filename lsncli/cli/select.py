"""``lsn select``: which α a validation split with noisy labels selects, and what the choice is worth."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lsncli.cli import completing
from lsncli.cli.options import DEFAULT_DATABASE, DatabaseOption, DataDirOption
from lsncli.cli.selection import DataOption, OnlyOption, ProfileOption, SeedsOption, SetOption

#: Proves that a recipe runs, in seconds.
SMOKE = "smoke"


def command(
    recipe: Annotated[
        str,
        typer.Argument(
            metavar="RECIPE",
            help="A recipe with data.validation_size: a file, or a shipped one's name.",
            autocompletion=completing.recipes,
        ),
    ],
    over: Annotated[
        list[str] | None,
        typer.Option(
            "--over",
            metavar="KEY",
            help="The swept key that is chosen (repeatable: both together). Default: loss.alpha.",
            show_default=False,
        ),
    ] = None,
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
            help="rich, md, csv, json, latex or html. Not given: as the ending of --output says.",
            show_default="rich",
        ),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", metavar="FILE", help="Write to FILE instead of standard output.")
    ] = None,
    db: DatabaseOption = DEFAULT_DATABASE,
    data_dir: DataDirOption = None,
) -> None:
    """Say which α the noisy validation split selects, and what it is worth beside the best and the worst.

    Reads the database alone. Train the recipe first: lsn run choose-alpha, then lsn select choose-alpha.
    """
    from lsncli.cli.database import absent_note, open_database, repeated_options
    from lsncli.cli.deliver import deliver, format_of
    from lsncli.cli.output import warn
    from lsncli.cli.selection import overrides_from
    from lsncli.cli.unknown_data import warn_of_replaced_data
    from lsncli.recipe.loading import load
    from lsncli.report.formats.listing import ListingView, renderer
    from lsncli.report.results import find_profile
    from lsncli.report.selection import DEFAULT_OVER, select
    from lsncli.report.selection_table import selection_table

    loaded = load(recipe, overrides_from(profile, settings, only, data, seeds))
    format = format_of(format, output)
    render = renderer(format)
    store = open_database(db, loaded, data_dir)
    try:
        found = find_profile(loaded, store)
        if profile is None and found.resolved.loaded.profile == SMOKE:
            warn(
                "the database has runs of the profile smoke alone, which is too short to say anything: train the"
                " recipe without it"
            )
        chosen = select(found, store, tuple(dict.fromkeys(over or DEFAULT_OVER)), repeated_options(db, data_dir))
        table = selection_table(chosen, absent_note(db, store))
        warn_of_replaced_data([loaded], store, data_dir)
    finally:
        if store is not None:
            store.close()
    deliver(table, render, ListingView, format, output)
