"""``lsn db``: what a result database is, its upgrade, copies, damage, and results that come from elsewhere."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from lsncli.cli.options import DEFAULT_DATABASE, DatabaseOption, FormatOption, ListFormat
from lsncli.cli.output import say

app = typer.Typer(help="Look after the result database.", no_args_is_help=True)


class Preference(StrEnum):
    """Whose results stay where both databases have other ones."""

    ours = "ours"
    theirs = "theirs"
    newer = "newer"


@app.command()
def info(db: DatabaseOption = DEFAULT_DATABASE, format: FormatOption = ListFormat.table) -> None:
    """Show where the database is, its schema, its size and how much it holds."""
    from lsncli.cli.output import print_json, print_table
    from lsncli.store import Store
    from lsncli.store.records import STATUSES

    with Store.open(db, read_only=True) as store:
        contents, stand_ins, size = store.contents(), store.stand_ins(), store.location.size()
        path = store.location.path
        found = {
            "path": store.location.shown if path is None else str(path.absolute()),
            "schema": store.schema_version,
            "bytes": size,
            "runs": {status: contents.runs.get(status, 0) for status in STATUSES},
            "metrics": contents.metrics,
            "arrays": contents.arrays,
            "artifacts": contents.artifacts,
            "stand_ins": stand_ins,
        }
    if format is ListFormat.json:
        print_json(found)
        return
    by_status = ", ".join(f"{count} {status}" for status, count in contents.runs.items())
    rows: list[tuple[str, object]] = [
        ("path", found["path"]),
        ("schema", found["schema"]),
        ("size", "" if size is None else f"{size / 1e6:.2f} MB"),
        ("runs", f"{sum(contents.runs.values())}" + (f" ({by_status})" if by_status else "")),
        ("metric rows", contents.metrics),
        ("arrays", contents.arrays),
        ("artifacts", contents.artifacts),
        ("stand-ins", ", ".join(f"{name} for {real}" for name, real in stand_ins.items())),
    ]
    print_table(("what", "value"), rows)


@app.command()
def upgrade(db: DatabaseOption = DEFAULT_DATABASE) -> None:
    """Bring the schema of an existing database up to date; all of it, or, if that fails, nothing."""
    from lsncli.store.database import upgrade as bring_up_to_date
    from lsncli.store.location import Location

    location = Location.parse(db)
    before, after = bring_up_to_date(location)
    if before == after:
        say(f"{location.shown}: schema {after} is up to date")
    else:
        say(f"{location.shown}: schema {before or '(empty)'} is now {after}")


@app.command()
def backup(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The copy, a new file.")],
    force: Annotated[bool, typer.Option("--force", help="Replace an older file of that name.")] = False,
    db: DatabaseOption = DEFAULT_DATABASE,
) -> None:
    """Copy the database, as it is at one moment, while others use it; weights and checkpoints are not in it."""
    from lsncli.store.backup import backup as copy
    from lsncli.store.location import Location

    location = Location.parse(db)
    size = copy(location, file, force=force)
    say(f"{location.shown}: copied to {file} ({size / 1e6:.2f} MB)")


@app.command()
def merge(
    others: Annotated[
        list[str], typer.Argument(metavar="OTHER", help="Databases whose results come in: files or URLs.")
    ],
    prefer: Annotated[
        Preference,
        typer.Option("--prefer", help="Whose results stay where both have ended a run with other results."),
    ] = Preference.ours,
    files: Annotated[
        bool, typer.Option("--files/--no-files", help="Whether weights are copied along, where they are there.")
    ] = True,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done and write nothing.")] = False,
    db: DatabaseOption = DEFAULT_DATABASE,
    format: FormatOption = ListFormat.table,
) -> None:
    """Bring the results of other databases into this one, by run key and never twice; the others stay as they are.

    All of it is stored, or nothing. Exit status 1: something of another database could not be used.
    """
    from functools import partial

    from lsncli.batch import artifact_prefix
    from lsncli.checkpoint_folder import checkpoint_dir, keep_checkpoint_dir
    from lsncli.cli.merge_words import print_merge
    from lsncli.cli.output import print_json
    from lsncli.store.merge_files import Destination
    from lsncli.store.merging import merge as bring

    folder = checkpoint_dir(db)
    prefix = artifact_prefix(folder, db) if files else None
    destination = None if prefix is None else Destination(folder, prefix, partial(keep_checkpoint_dir, db))
    found = bring(db, others, prefer=prefer.value, destination=destination, weights=folder, dry_run=dry_run)
    if format is ListFormat.json:
        print_json(found.plain())
    else:
        print_merge(found)
    if found.refused:
        raise typer.Exit(1)


@app.command()
def check(
    salvage: Annotated[
        Path | None,
        typer.Option("--salvage", metavar="FILE", help="Save what can be read into this new database."),
    ] = None,
    files: Annotated[
        bool, typer.Option("--files/--no-files", help="Whether the weights beside the database are read, too.")
    ] = True,
    force: Annotated[bool, typer.Option("--force", help="Replace an older file of --salvage.")] = False,
    db: DatabaseOption = DEFAULT_DATABASE,
    format: FormatOption = ListFormat.table,
) -> None:
    """Look for damage in the database and in the files of its runs, and say what can be saved.

    Nothing is changed. Exit status 1: something is damaged.
    """
    from lsncli.cli.check_words import print_check, print_saved
    from lsncli.cli.output import print_json
    from lsncli.store.checking import check as look
    from lsncli.store.location import Location
    from lsncli.store.salvage import salvage as save

    if salvage is not None:
        location = Location.parse(db)
        saved = save(location, salvage, force=force)
        if format is ListFormat.json:
            print_json(saved.plain())
            return
        print_saved(saved, f"saved to {salvage}")
        say(f"next: keep {location.shown} under another name, and give {salvage} its name")
        return
    report = look(db, files=files)
    if format is ListFormat.json:
        print_json(report.plain())
    else:
        print_check(report)
    if not report.sound:
        raise typer.Exit(1)
