"""Where a database is: what ``--db`` says, read without touching anything."""

from __future__ import annotations

import os
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from lsncli.errors import LsnError

if TYPE_CHECKING:
    from sqlalchemy.engine import URL

#: Others cannot keep infinities in a column of floats, or have no "insert, or else update".
SUPPORTED = ("sqlite", "postgresql")

#: Shorter than this, SQLite takes a file of any content for an empty database; its own files never are.
_SMALLEST = 512


@dataclass(frozen=True, slots=True)
class Location:
    """A SQLite file (``path``) or a database server (``url``); ``shown`` is for messages, without password."""

    shown: str
    path: Path | None = None
    url: URL | None = None

    @classmethod
    def parse(cls, target: str | os.PathLike[str]) -> Location:
        """Understand a path or an SQLAlchemy URL; raise :class:`LsnError` for one that cannot be used."""
        text = os.fspath(target)
        if "://" not in text:
            if not text.strip() or text == ":memory:":
                raise LsnError("the result database needs a file", where=f"--db {text!r}", next="--db results.db")
            return cls(shown=text, path=Path(text))
        from sqlalchemy.engine import make_url
        from sqlalchemy.exc import ArgumentError

        try:
            url = make_url(text)
        except (ArgumentError, ValueError):
            # The text may hold a password that merely failed to parse: it is not repeated.
            raise LsnError(
                "not an SQLAlchemy URL", where="--db", valid="dialect+driver://user:password@host:port/database"
            ) from None
        shown = _without_secrets(url)
        if url.get_backend_name() not in SUPPORTED:
            raise LsnError(
                f"databases of kind {url.get_backend_name()!r} are not supported", where=shown, valid=SUPPORTED
            )
        if url.get_backend_name() != "sqlite":
            return cls(shown=shown, url=url)
        if url.drivername not in ("sqlite", "sqlite+pysqlite") or url.query or not url.database:
            raise LsnError(
                "a SQLite URL names a file and nothing else",
                where=shown,
                valid="sqlite:///results.db, or just results.db",
            )
        return cls.parse(url.database)

    def uri(self, mode: str) -> str:
        """The SQLite URI of the file; ``mode`` is ``ro``, ``rw``, ``rwc`` or ``ro&immutable=1``."""
        assert self.path is not None
        # A relative path would be taken from the folder at the time of each connection, not of the opening.
        return f"file:{quote(str(self.path.absolute()))}?mode={mode}"

    def exists(self) -> bool:
        """Whether the file is there; a server always is, until it is asked."""
        return self.path is None or os.path.exists(self.path)  # noqa: PTH110 - false where a name is too long

    def writable(self) -> bool:
        """Whether the file, and the folder that its log files go to, can be written."""
        if self.path is None:
            return True
        folder_ok = os.access(self.path.absolute().parent, os.W_OK | os.X_OK)
        return folder_ok and (not self.exists() or os.access(self.path, os.W_OK))

    def check_for_reading(self) -> None:
        """Raise :class:`LsnError` if there is no file, or one that cannot be a database."""
        if self.path is None:
            return
        try:
            size = self.path.stat().st_size
        except FileNotFoundError:
            raise no_database(self.shown) from None
        except OSError as error:
            raise LsnError(f"the result database cannot be read: {error.strerror}", where=self.shown) from None
        if self.path.is_dir():
            raise LsnError("the result database is a file, this is a folder", where=self.shown)
        if not os.access(self.path, os.R_OK):
            raise LsnError("the result database cannot be read: permission denied", where=self.shown)
        if 0 < size < _SMALLEST:
            raise not_a_database(self.shown)

    def check_for_writing(self, *, create: bool) -> None:
        """Raise :class:`LsnError` if the file, or a new one where ``create`` allows it, cannot be written."""
        if self.path is None:
            return
        folder = self.path.absolute().parent
        if not create or self.exists():
            self.check_for_reading()
        elif not folder.is_dir():
            raise LsnError(
                "the folder of the result database does not exist",
                where=self.shown,
                next=f"mkdir -p {shlex.quote(str(folder))}",
            )
        if not self.writable():
            raise read_only(self.shown)

    def size(self) -> int | None:
        """Bytes of the file and of its write-ahead log; None for a server."""
        if self.path is None:
            return None
        log = self.path.with_name(self.path.name + "-wal")
        return self.path.stat().st_size + (log.stat().st_size if log.exists() else 0)


def _without_secrets(url: URL) -> str:
    """The URL for messages and for the record: without its password, wherever in it that stands."""
    secret = {name: "***" for name in url.query if "pass" in name.lower() or "secret" in name.lower()}
    shown = url.update_query_dict(secret) if secret else url
    return shown.render_as_string(hide_password=True).replace("%2A%2A%2A", "***")


def no_database(shown: str, command: str | None = None) -> LsnError:
    """The error for a file that is not there; ``command`` trains into it what was asked about, if that is known."""
    command = command or shlex.join(["lsn", "run", "quickstart", "--db", shown])
    return LsnError(
        "there is no result database",
        where=shown,
        next=f"check the name, or make one with: {command}",
    )


def not_a_database(shown: str) -> LsnError:
    """The error for a file of something else."""
    return LsnError("the file is not a database", where=shown, next="name another file with --db; it is unchanged")


def read_only(shown: str) -> LsnError:
    """The error for a file or folder without permission to write."""
    return LsnError(
        "the result database cannot be written: the file or its folder is read-only",
        where=shown,
        next="make both writable, or name another file with --db",
    )
