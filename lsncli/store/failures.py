"""Errors of the database that a user can put right, told as one message each."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError, IntegrityError, ProgrammingError

from lsncli.errors import LsnError
from lsncli.store.location import not_a_database, read_only


@contextmanager
def explained(shown: str) -> Iterator[None]:
    """Turn what SQLite or a server says of its file, disk, lock or network into an :class:`LsnError`.

    Errors that are ours (a wrong statement, a broken constraint) pass through: they are bugs and need their
    traceback.
    """
    try:
        yield
    except (IntegrityError, ProgrammingError):
        raise
    except DBAPIError as error:
        told = explain(error.orig, shown)
        if told is None:
            raise
        raise told from error


def explain(error: BaseException | None, shown: str) -> LsnError | None:
    """The message for one driver error; None for an error that is no user's."""
    code = getattr(error, "sqlite_errorname", None)
    if code is None:
        return _from_server(error, shown)
    code = str(code)
    if code == "SQLITE_NOTADB":
        return not_a_database(shown)
    if code.startswith("SQLITE_READONLY"):
        return read_only(shown)
    if code.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return LsnError(
            "the result database is locked by another program",
            where=shown,
            next="wait for the other program or end it, then repeat the command: what is done stays done",
        )
    if code.startswith("SQLITE_CORRUPT"):
        return LsnError(
            "the result database is damaged",
            where=shown,
            next="keep the file as it is and go on with a backup, or with another file by --db",
        )
    if code.startswith("SQLITE_CANTOPEN"):
        return LsnError(
            "the result database cannot be opened", where=shown, next="check the path and its permissions"
        )
    if code == "SQLITE_FULL":
        return LsnError(
            "the disk of the result database is full",
            where=shown,
            next="make room, then repeat the command: what is done stays done",
        )
    if code.startswith("SQLITE_IOERR"):
        return LsnError(f"the disk of the result database fails: {error}", where=shown)
    return None


def _from_server(error: BaseException | None, shown: str) -> LsnError | None:
    if type(error).__name__ not in ("OperationalError", "InterfaceError") or type(error).__module__ == "sqlite3":
        return None
    first_line = (str(error).strip().splitlines() or ["no reason given"])[0]
    return LsnError(
        f"the database server cannot be used: {first_line}",
        where=shown,
        next="check that the server runs, and the URL",
    )
