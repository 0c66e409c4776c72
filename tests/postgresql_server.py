"""A PostgreSQL server of the tests' own: on loopback, in a temporary folder, gone afterwards."""

from __future__ import annotations

import ctypes
import itertools
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

USER = "lsn"
#: Databases of each test are copies of this one, whose schema is up to date.
TEMPLATE = "lsn_template"
#: Nothing here must survive a power cut.
OPTIONS = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "unix_socket_directories": "",
    "timezone": "UTC",
}
#: From <linux/prctl.h>: the signal that a process gets when its parent is gone.
PR_SET_PDEATHSIG = 1


def missing() -> str | None:
    """Why no server can be started here; None if one can."""
    if program("initdb") is None or program("postgres") is None:
        return "PostgreSQL is not installed (Debian: apt-get install postgresql)"
    try:
        import psycopg  # noqa: F401
    except ImportError:
        return "psycopg is not installed"
    return None


def program(name: str) -> str | None:
    """A program of PostgreSQL; Debian keeps them out of the search path."""
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda p: int(p.parts[4].split(".")[0]))
    return shutil.which(name) or (str(found[-1]) if found else None)


@dataclass
class Server:
    port: int
    _names: Iterator[int] = field(default_factory=itertools.count)

    def url(self, database: str) -> str:
        return f"postgresql+psycopg://{USER}@127.0.0.1:{self.port}/{database}"

    def administer(self, statement: str, database: str = "postgres") -> list[tuple[Any, ...]]:
        """Run one statement outside any transaction; what it returns."""
        import psycopg

        with psycopg.connect(
            host="127.0.0.1", port=self.port, user=USER, dbname=database, autocommit=True
        ) as connection:
            cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []

    @contextmanager
    def database(self, template: str = TEMPLATE) -> Iterator[str]:
        """The URL of a new database, removed afterwards whoever is connected."""
        name = f"test{next(self._names)}"
        self.administer(f"CREATE DATABASE {name} TEMPLATE {template}")
        try:
            yield self.url(name)
        finally:
            self.administer(f"DROP DATABASE {name} WITH (FORCE)")


@contextmanager
def started() -> Iterator[Server]:
    """A server; the programs refuse to run as root, which then becomes ``postgres`` or ``nobody`` for them."""
    folder = Path(tempfile.mkdtemp(prefix="lsn-postgresql-"))
    try:
        whose = _unprivileged() if os.getuid() == 0 else {}
        if whose:
            os.chown(folder, whose["user"], whose["group"])
        options = ["-U", USER, "-A", "trust", "--no-sync", "--encoding=UTF8", "--locale=C"]
        _run([program("initdb"), "-D", folder / "data", *options], folder, whose)
        with _serving(folder, whose) as server:
            server.administer(f"CREATE DATABASE {TEMPLATE}")
            from lsncli.store import Store

            Store.open(server.url(TEMPLATE)).close()
            yield server
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _unprivileged() -> dict[str, Any]:
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
    raise RuntimeError("there is neither a user postgres nor nobody")


def _run(command: list[Any], folder: Path, whose: dict[str, Any]) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, **whose)
    if done.returncode:
        raise RuntimeError(done.stderr)


@contextmanager
def _serving(folder: Path, whose: dict[str, Any]) -> Iterator[Server]:
    process, server = None, None
    for _ in range(5):  # the port may be taken between the asking and the listening
        with socket.socket() as asked:
            asked.bind(("127.0.0.1", 0))
            port = asked.getsockname()[1]
        command = [program("postgres"), "-D", "data", "-h", "127.0.0.1", "-p", str(port)]
        command += [word for name, value in OPTIONS.items() for word in ("-c", f"{name}={value}")]
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                command, cwd=folder, stdout=log, stderr=log, preexec_fn=_end_with_parent, **whose
            )
        server = Server(port)
        if _answers(server, process):
            break
    else:
        raise RuntimeError((folder / "log").read_text())
    try:
        yield server
    finally:
        process.send_signal(signal.SIGINT)  # PostgreSQL's "fast shutdown": without waiting for clients
        try:
            process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _end_with_parent() -> None:
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGINT)


def _answers(server: Server, process: subprocess.Popen[bytes]) -> bool:
    import psycopg

    deadline = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < deadline:
        try:
            server.administer("SELECT 1")
            return True
        except psycopg.OperationalError:
            time.sleep(0.05)
    return False
