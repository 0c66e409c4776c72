"""What a noise model is told of the run that it corrupts the labels of."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from engine_samples import ending, install, run, spec

from lsncli.data.stored import load
from lsncli.engine.settings import EngineSettings
from lsncli.plan import DataSpec, NoiseSpec
from lsncli.registry import registry

PLUGIN = """
from lsncli import NoiseModelInfo, hookimpl

TOLD = []

class Telling:
    def apply(self, labels, num_classes, generator, features=None):
        TOLD.append((labels, features))
        return labels
    def transition(self, num_classes):
        return None

def build(params, context):
    TOLD.append(context)
    return Telling()

@hookimpl
def lsn_noise_models(register):
    register(NoiseModelInfo(name="telling", build=build, has_transition=False))
"""


@pytest.fixture
def plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    install(tmp_path / "site", "telling", PLUGIN)
    monkeypatch.syspath_prepend(tmp_path / "site")
    registry.cache_clear()
    yield
    registry.cache_clear()
    sys.modules.pop("telling", None)


@pytest.mark.usefixtures("plugin")
def test_a_noise_model_knows_which_examples_it_has(settings: EngineSettings) -> None:
    whole = spec().model_copy(update={"noise": NoiseSpec(name="telling")})
    subset = whole.model_copy(update={"data": DataSpec(name="drawn", train_size=24)})
    assert [ending(run(one, settings)).status for one in (whole, subset)] == ["done", "done"]
    of_whole, _, of_subset, (labels, features) = sys.modules["telling"].TOLD
    assert (of_whole.dataset, of_whole.num_classes, of_whole.data_dir) == ("drawn", 4, settings.data_dir)
    assert of_whole.positions is None
    images = load(settings.data_dir / "prepared" / "drawn")
    np.testing.assert_array_equal(images.train_labels[of_subset.positions], labels)
    np.testing.assert_array_equal(images.train_images[of_subset.positions], features)
