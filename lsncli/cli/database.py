"""The database that a report reads: opened where there is one, else told of; and named again in advice."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from lsncli.cli.options import DEFAULT_DATABASE
from lsncli.errors import EmptyDatabaseError

if TYPE_CHECKING:
    from lsncli.recipe.loading import LoadedRecipe
    from lsncli.store import Store


def open_database(db: str, asked: LoadedRecipe | None = None, data_dir: Path | None = None) -> Store | None:
    """The database, for reading only; None where it is empty, or where the default one does not exist yet.

    Neither is a mistake; one that was named and is not there is. ``asked`` is what was asked about, which the
    message advises to train.
    """
    if db == DEFAULT_DATABASE and not Path(db).exists():
        return None
    from lsncli.store import Store
    from lsncli.store.location import Location, no_database

    location = Location.parse(db)
    if asked is not None and not location.exists():
        from lsncli.report.filling import command_for

        raise no_database(location.shown, command_for(asked, repeated_options(db, data_dir)))
    try:
        return Store.open(db, create=False, read_only=True)
    except EmptyDatabaseError:
        return None


def absent_note(db: str, store: Store | None) -> tuple[str, ...]:
    """What a report from no database, or from an empty one, says first; never with a password."""
    from lsncli.store.location import Location

    if store:
        return ()
    location = Location.parse(db)
    if location.exists():
        return (f"The database {location.shown} is empty: nothing has been trained.",)
    return (f"There is no database {location.shown} here yet: nothing has been trained.",)


def repeated_options(db: str, data_dir: Path | None) -> list[str]:
    """The options that the command for the missing runs must repeat; never with a password."""
    from lsncli.store.location import Location

    words = ["--db", Location.parse(db).shown] if db != DEFAULT_DATABASE else []
    return [*words, "--data-dir", str(data_dir)] if data_dir is not None else words
