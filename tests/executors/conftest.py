"""Settings in a temporary folder, the plugin of unruly losses, and both executors."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from executor_samples import draw, install

from lsncli.engine.settings import EngineSettings
from lsncli.executors.in_process import InProcessExecutor
from lsncli.executors.interface import Executor
from lsncli.executors.processes import ProcessExecutor
from lsncli.registry import registry


@pytest.fixture(scope="session")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    draw(folder)
    return folder


@pytest.fixture
def settings(tmp_path: Path, data_dir: Path) -> EngineSettings:
    return EngineSettings(data_dir, tmp_path / "checkpoints", device="cpu", threads=1, download=False)


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A folder of installed distributions, with the plugin in it."""
    install(tmp_path / "site")
    return tmp_path / "site"


@pytest.fixture
def plugin(site: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.syspath_prepend(site)
    registry.cache_clear()
    yield
    registry.cache_clear()


@pytest.fixture(params=["in-process", "processes"])
def executor(request: pytest.FixtureRequest) -> Executor:
    return InProcessExecutor() if request.param == "in-process" else ProcessExecutor(2)
