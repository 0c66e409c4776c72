"""XLA's CPU device, drawn images, and settings in a temporary folder."""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path

import pytest
from lsncli.engine.settings import EngineSettings
from lsncli.registry import registry

from xla_samples import draw_images

#: Without torch_xla only what must be said without it can be tested.
NEEDS_XLA = ["test_xla_backend.py", "test_xla_dependents.py", "test_xla_executor.py", "test_xla_training.py"]
collect_ignore: list[str] = []
if find_spec("torch_xla") is None:
    collect_ignore += NEEDS_XLA
else:
    os.environ.setdefault("PJRT_DEVICE", "CPU")
    # Before the first backward pass of this process, at which torch starts a thread for every device that it knows.
    import torch_xla

    torch_xla.device()


@pytest.fixture(scope="session")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    draw_images(folder)
    return folder


@pytest.fixture
def on_xla(tmp_path: Path, data_dir: Path) -> EngineSettings:
    registry.cache_clear()
    return EngineSettings(data_dir, tmp_path / "xla", device="xla", precision="fp32", threads=1)


@pytest.fixture
def on_cpu(tmp_path: Path, data_dir: Path) -> EngineSettings:
    return EngineSettings(data_dir, tmp_path / "cpu", device="cpu", precision="fp32", threads=1)
