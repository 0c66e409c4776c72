"""A copy of a database that may be in use: one state of it, under its name only when it is complete."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy.engine import URL

from lsncli.errors import LsnError
from lsncli.store import database
from lsncli.store.failures import explain
from lsncli.store.location import Location

#: What SQLite keeps beside a database that is in use; it would be taken for the log of a new file of that name.
_LOGS = ("-wal", "-journal")

#: What SQLite says if the disk of the copy refuses.
_REFUSED_WRITES = ("SQLITE_FULL", "SQLITE_IOERR_WRITE", "SQLITE_IOERR_FSYNC", "SQLITE_CANTOPEN")


def backup(location: Location, target: Path, *, force: bool = False) -> int:
    """Copy the database to the new file ``target``; its size in bytes.

    The copy is of one moment, whoever writes meanwhile, and its schema is that of the original. With ``force``
    an older file is replaced. Raises :class:`LsnError` for a server, for a target that must not be written and
    for a disk that refuses; ``target`` then is as it was.
    """
    if location.url is not None:
        there = location.url
        url = URL.create("postgresql", there.username, None, there.host, there.port, there.database)
        raise LsnError(
            "lsn copies database files; a server has its own program for that",
            where=location.shown,
            next=f"pg_dump --format=custom --file {target} --dbname={url.render_as_string()}",
        )
    location.check_for_reading()
    with new_file(target, force=force, keep=location.path) as temporary:
        copy_into(location, temporary, shown=str(target))
    return target.stat().st_size


def copy_into(location: Location, target: Path, *, shown: str) -> None:
    """Write one state of a SQLite file into ``target``, which must not be there; no more room than it needs."""
    engine = database.open_for_reading(location)
    try:
        connection = engine.raw_connection()
        try:
            driver = connection.driver_connection
            assert isinstance(driver, sqlite3.Connection)
            # It refuses VACUUM INTO, too, which changes nothing of this database.
            driver.execute("PRAGMA query_only = OFF")
            driver.execute("VACUUM INTO ?", (str(target.absolute()),))
        finally:
            connection.close()
    except sqlite3.Error as error:
        code = str(getattr(error, "sqlite_errorname", ""))
        if code.startswith("SQLITE_CANTOPEN") and not os.access(target.absolute().parent, os.W_OK):
            raise LsnError(
                "the copy cannot be written: no permission to write into its folder",
                where=shown,
                next="name another folder",
            ) from error
        if code == "SQLITE_FULL" or code.startswith(
            ("SQLITE_IOERR_WRITE", "SQLITE_IOERR_FSYNC", "SQLITE_CANTOPEN")
        ):
            raise LsnError(
                f"the copy cannot be written: {error}", where=shown, next="make room there, or name another folder"
            ) from error
        told = explain(error, location.shown)
        if told is None:
            raise
        raise told from error
    finally:
        engine.dispose()


@contextmanager
def new_file(target: Path, *, force: bool, keep: Path | None) -> Iterator[Path]:
    """A temporary name beside ``target``; what the block writes there becomes ``target`` if it succeeds.

    ``keep`` is a file that must not be replaced even with ``force``. Raises :class:`LsnError` where there is a
    file already and ``force`` is not given, or a database in use.
    """
    _check(target, force, keep)
    temporary = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        temporary.unlink(missing_ok=True)
        yield temporary
        with temporary.open("rb+") as stream:
            os.fsync(stream.fileno())
        _check(target, force, keep)
        if force:
            temporary.replace(target)
        else:
            _put(temporary, target)
    except OSError as error:
        raise LsnError(f"the file cannot be written: {error.strerror or error}", where=str(target)) from None
    finally:
        for suffix in ("", "-journal"):
            temporary.with_name(temporary.name + suffix).unlink(missing_ok=True)


def _check(target: Path, force: bool, keep: Path | None) -> None:
    try:
        target.stat()
    except (FileNotFoundError, NotADirectoryError):
        pass
    except OSError as error:  # a name that is too long, a folder that cannot be entered
        raise LsnError(f"the new file cannot be written: {error.strerror}", where=str(target)) from None
    folder = target.absolute().parent
    if not folder.is_dir():
        raise LsnError("the folder of the new file does not exist", where=str(target), next=f"mkdir -p {folder}")
    if target.is_dir():
        raise LsnError("the new file needs a name, this is a folder", where=str(target))
    if keep is not None and target.exists() and target.samefile(keep):
        raise LsnError("that is the database itself", where=str(target), next="name another file")
    if target.exists() and not force:
        raise _there_already(target)
    for suffix in _LOGS:
        log = target.with_name(target.name + suffix)
        if log.exists() and log.stat().st_size:
            raise LsnError(
                f"{log.name} lies beside the new file: a database of that name is in use, or was when its program"
                " ended",
                where=str(target),
                next="name another file",
            )


def _put(temporary: Path, target: Path) -> None:
    """Give the file its name without ever replacing another's."""
    try:
        os.link(temporary, target)
    except FileExistsError:
        raise _there_already(target) from None
    except OSError:  # a file system without hard links
        temporary.replace(target)
    else:
        temporary.unlink()


def _there_already(target: Path) -> LsnError:
    return LsnError("there is a file of that name already", where=str(target), next="name another, or say --force")
