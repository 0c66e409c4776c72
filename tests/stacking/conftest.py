"""Drawn images, settings in a temporary folder, and an installed plugin of losses."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from stack_samples import draw, install

from lsncli.engine import clock
from lsncli.engine.settings import EngineSettings
from lsncli.registry import registry


@pytest.fixture(scope="session")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    draw(folder)
    return folder


@pytest.fixture
def settings(tmp_path: Path, drawn: Path) -> EngineSettings:
    return EngineSettings(drawn, tmp_path / "stacked", device="cpu", threads=1)


@pytest.fixture
def elsewhere(tmp_path: Path, settings: EngineSettings) -> EngineSettings:
    """The same with other files: for the runs that results are compared with."""
    return replace(settings, checkpoint_dir=tmp_path / "reference")


@pytest.fixture
def told_every_step(monkeypatch: pytest.MonkeyPatch) -> None:
    """Progress is due, and a stop is asked for, after every step."""
    monkeypatch.setattr(clock, "PROGRESS_SECONDS", 0.0)


@pytest.fixture
def plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    install(tmp_path / "site")
    monkeypatch.syspath_prepend(tmp_path / "site")
    registry.cache_clear()
    yield
    registry.cache_clear()
