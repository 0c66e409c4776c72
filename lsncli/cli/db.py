"""``lsn db``: what a result database is, and its upgrade."""

from __future__ import annotations

import typer

from lsncli.cli.options import DEFAULT_DATABASE, DatabaseOption, FormatOption, ListFormat
from lsncli.cli.output import say

app = typer.Typer(help="Look after the result database.", no_args_is_help=True)


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
