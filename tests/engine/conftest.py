"""Drawn images, settings in a temporary folder, and an installed plugin of peculiar losses."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from engine_samples import PLUGIN, draw_images, install

from lsncli.engine import clock
from lsncli.engine.settings import EngineSettings
from lsncli.registry import registry


@pytest.fixture(scope="session")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    draw_images(folder)
    return folder


@pytest.fixture
def settings(tmp_path: Path, data_dir: Path) -> EngineSettings:
    return EngineSettings(data_dir, tmp_path / "checkpoints", device="cpu", threads=1)


@pytest.fixture
def elsewhere(tmp_path: Path, settings: EngineSettings) -> EngineSettings:
    """The same with other files: for the run that a result is compared with."""
    return replace(settings, checkpoint_dir=tmp_path / "reference")


@pytest.fixture
def told_every_step(monkeypatch: pytest.MonkeyPatch) -> None:
    """Progress is due, and a stop is asked for, after every step."""
    monkeypatch.setattr(clock, "PROGRESS_SECONDS", 0.0)


@pytest.fixture
def plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    install(tmp_path / "site", "peculiar", PLUGIN)
    monkeypatch.syspath_prepend(tmp_path / "site")
    registry.cache_clear()
    yield
    registry.cache_clear()
