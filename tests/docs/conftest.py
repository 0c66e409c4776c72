"""A folder in which a reader of the pages would work: a database, other people's databases, images at home."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from documented import lsn
from PIL import Image


@pytest.fixture(scope="session")
def quickstart(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database of the quick start, at its smallest."""
    database = tmp_path_factory.mktemp("quickstart") / "results.db"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LSN_EXECUTOR", "in-process")
        status, told = lsn(["run", "quickstart", "--profile", "smoke", "--db", str(database)])
    assert status == 0, told
    return database


@pytest.fixture
def folder(tmp_path: Path, quickstart: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, with three databases; at home ``birds`` as a folder and an archive, and ``photos``."""
    work, home = tmp_path / "work", tmp_path / "home"
    work.mkdir()
    for name in ("results.db", "other.db", "third.db"):
        shutil.copy(quickstart, work / name)
    shutil.copytree(quickstart.with_suffix(".checkpoints"), work / "results.checkpoints")
    generator = np.random.default_rng(0)
    for part, count in (("train", 4), ("test", 1)):
        for label in range(10):
            place = home / "birds" / part / f"bird{label}"
            place.mkdir(parents=True)
            for number in range(count):
                pixels = generator.integers(0, 256, (32, 32, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(place / f"{number}.png")
    (home / "photos").mkdir()
    for number in range(1, 5):
        Image.fromarray(generator.integers(0, 256, (32, 32, 3), dtype=np.uint8)).save(
            home / f"photos/000{number}.jpg"
        )
    shutil.make_archive(str(home / "birds"), "xztar", home / "birds")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("LSN_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("LSN_EXECUTOR", "in-process")
    monkeypatch.chdir(work)
    return work
