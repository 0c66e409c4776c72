"""The command as it was typed, to be kept with what it made."""

from __future__ import annotations


def command_line(db: str) -> str:
    """The command as it was typed, less a password in ``--db``."""
    import shlex
    import sys

    from lsncli.store.location import Location

    shown = Location.parse(db).shown
    return shlex.join(["lsn", *(word.replace(db, shown) for word in sys.argv[1:])])
