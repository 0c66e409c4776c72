from __future__ import annotations

import os
import pickle
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from store_samples import SPEC, Begin

import lsncli
from lsncli.store import Store


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "results.db"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test module that says so is run on both databases."""
    if getattr(metafunc.module, "BOTH_DATABASES", False) and "target" in metafunc.fixturenames:
        metafunc.parametrize("target", ["sqlite", "postgresql"], indirect=True)


@pytest.fixture
def target(request: pytest.FixtureRequest) -> Iterator[str | Path]:
    """What ``--db`` names: a file that is not there yet, or an empty database of a server."""
    if getattr(request, "param", "sqlite") == "sqlite":
        yield request.getfixturevalue("path")
        return
    with request.getfixturevalue("postgresql").database() as url:
        yield url


@pytest.fixture
def store(target: str | Path) -> Iterator[Store]:
    with Store.open(target) as opened:
        yield opened


@pytest.fixture
def begin(store: Store) -> Begin:
    """Begin a run, record ``{step: {metric: value}}`` and, with a status, finish it."""

    def begin_run(
        key: str, metrics: dict[int, dict[str, float]] | None = None, status: str | None = None, **spec: Any
    ) -> str:
        store.begin_run(key, {**SPEC, **spec}, steps=1000, provenance={"device": "cpu"})
        for step, values in (metrics or {}).items():
            store.record_metrics(key, step, values)
        if status is not None:
            store.finish_run(key, status, final_step=1000, seconds=1.5)
        return key

    return begin_run


@pytest.fixture
def bare_folder() -> Iterator[Path]:
    """A folder that every user may enter: pytest's own ones are closed to all but one."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    yield folder
    folder.chmod(0o755)
    shutil.rmtree(folder)


def _in_child(function: Callable[[], Any], *, user: int | None = None) -> Any:
    """What ``function`` returns or raises in a forked process."""
    read_end, write_end = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            if user is not None:
                os.setgid(user)
                os.setuid(user)
            answer = (True, function())
        except BaseException as error:  # noqa: BLE001 - it is raised again in the parent
            answer = (False, error)
        with os.fdopen(write_end, "wb") as stream:
            pickle.dump(answer, stream)
        os._exit(0)
    os.close(write_end)
    with os.fdopen(read_end, "rb") as stream:
        written = stream.read()
    _, status = os.waitpid(child, 0)
    if not written:
        raise ChildProcessError(f"the child ended with {os.waitstatus_to_exitcode(status)}")
    good, value = pickle.loads(written)
    if not good:
        raise value
    return value


@pytest.fixture
def in_child() -> Callable[[Callable[[], Any]], Any]:
    """Call a function in a process of its own, whose limits and end are its own, too."""
    return _in_child


@pytest.fixture
def unprivileged() -> Callable[[Callable[[], Any]], Any]:
    """Call a function as a user whom permissions bind (root may write to what is read-only)."""
    # lsn reads its migrations when they are needed; a clone in root's own home lies where nobody else may look.
    migrations = Path(lsncli.__file__).parent / "store" / "migrations"
    if os.getuid() == 0 and not _in_child(lambda: os.access(migrations, os.R_OK), user=65534):
        pytest.skip("run by root, and other users may not read where lsn is installed")

    def call(function: Callable[[], Any]) -> Any:
        return _in_child(function, user=65534) if os.getuid() == 0 else function()

    return call
