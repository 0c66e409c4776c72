"""Errors of the database that a user can put right, told as one message each."""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy.exc import DBAPIError, IntegrityError

from lsncli.errors import LsnError
from lsncli.store.location import not_a_database, read_only
from lsncli.store.stored_values import UnreadableValueError

#: What SQLite says of a schema that is not the one of its version. A wrong statement of ours would be told the same
#: way; its traceback is there with ``--debug``.
MISSHAPEN = re.compile(
    "no such (table|column)|already exists|malformed|has no column|no query solution|foreign key mismatch"
    "|unsupported file format"
)


class DatabaseLockedError(LsnError):
    """Another program did not let go of the database in time; the same request may succeed later."""


class DatabaseDamagedError(LsnError):
    """SQLite cannot read the file for what it should be."""


class RunRemovedError(LsnError):
    """Something is to be stored for a run that the database does not have, or no longer has."""


@contextmanager
def explained(shown: str) -> Iterator[None]:
    """Turn what SQLite or a server says of its file, disk, lock or network into an :class:`LsnError`.

    Errors that are ours (a wrong statement, a broken constraint) pass through: they are bugs and need their
    traceback.
    """
    try:
        yield
    except (UnreadableValueError, UnicodeDecodeError) as error:
        # SQLite's own complaint of a damaged schema may quote bytes that are no text.
        raise _damaged(shown) from error
    except IntegrityError:
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
        return _damaged(shown) if undecodable(error) else _from_server(error, shown)
    code = str(code)
    if code == "SQLITE_NOTADB":
        return not_a_database(shown)
    if code.startswith("SQLITE_READONLY"):
        return read_only(shown)
    if code.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return locked(shown)
    if code.startswith("SQLITE_CORRUPT") or (code == "SQLITE_ERROR" and MISSHAPEN.search(str(error))):
        return _damaged(shown)
    if code.startswith("SQLITE_CANTOPEN"):
        return LsnError(
            "the result database cannot be opened", where=shown, next="check the path and its permissions"
        )
    if code == "SQLITE_FULL":
        return _full(shown)
    if code.startswith("SQLITE_IOERR") and _no_room(shown):
        return _full(shown)
    if code.startswith("SQLITE_IOERR"):
        return LsnError(f"the disk of the result database fails: {error}", where=shown)
    return None


def undecodable(error: BaseException | None) -> bool:
    """Whether the driver met a text that is no UTF-8: bytes that the store has never written."""
    return type(error).__module__ == "sqlite3" and "decode to UTF-8" in str(error)


def _damaged(shown: str) -> DatabaseDamagedError:
    check = shlex.join(["lsn", "db", "check", "--db", shown])
    return DatabaseDamagedError(
        "the result database is damaged",
        where=shown,
        next=f"{check} says what can be saved, and --salvage FILE saves it; or use a backup",
    )


def locked(shown: str) -> DatabaseLockedError:
    """The error for a database that somebody else does not let go of."""
    return DatabaseLockedError(
        "the result database is locked by another program",
        where=shown,
        next="wait for the other program or end it, then repeat the command: what is done stays done",
    )


def _no_room(shown: str) -> bool:
    """Whether the disk of a file has no room even for the files that SQLite keeps beside it."""
    try:
        return shutil.disk_usage(Path(shown).absolute().parent).free < 2**16
    except OSError:
        return False


def _full(shown: str) -> LsnError:
    return LsnError(
        "the disk of the result database is full",
        where=shown,
        next="make room, then repeat the command: what is done stays done",
    )


def _from_server(error: BaseException | None, shown: str) -> LsnError | None:
    """What a server says, by its SQLSTATE (PostgreSQL's manual, appendix A)."""
    state = str(getattr(error, "sqlstate", None) or getattr(error, "pgcode", None) or "")
    if state in ("55P03", "57014"):  # a lock, or the statement that waits for one, took too long
        return locked(shown)
    if state == "53100":
        return _full(shown)
    if state == "25006":
        return read_only(shown)
    first_line = (str(error).strip().splitlines() or ["no reason given"])[0]
    if state == "42501":
        return LsnError(
            f"the database server does not allow it: {first_line}",
            where=shown,
            next="ask the database's owner for rights on its tables, or name another user in the URL",
        )
    if state in ("42P01", "42703"):  # no such table, no such column
        return _damaged(shown)
    if state in ("XX001", "XX002"):
        return LsnError(f"the server's database is damaged: {first_line}", where=shown, next="restore its backup")
    # Drivers raise classes of their own below those of Python's DB-API.
    classes = {(c.__name__, c.__module__) for c in type(error).__mro__}
    if ("OperationalError", "sqlite3") in classes or ("InterfaceError", "sqlite3") in classes:
        return None
    if not {name for name, _ in classes} & {"OperationalError", "InterfaceError"}:
        return None
    return LsnError(
        f"the database server cannot be used: {first_line}",
        where=shown,
        next="check that the server runs, and the URL",
    )
