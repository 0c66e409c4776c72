"""Figure 4 of one's own images names their classes, where the images are those of the runs."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from PIL import Image

from lsncli.engine import run_data

#: As the fixture of that name.
Lsn = Any

RECIPE = """\
title = "Animals"
seeds = [0]
[data]
name = "animals"
[model]
name = "mlp"
hidden = [4]
[train]
steps = 1
batch_size = 4
evaluations = 1
"""


def names(lsn: Lsn) -> list[list[str]]:
    shown = json.loads(lsn("report animals.toml --figure 4 --format json").out)
    return [panel["class_names"] for panel in shown["panels"]]


def test_classes_of_ones_own_images(lsn: Lsn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LSN_REPLICAS", "1")
    (lsn.folder / "animals.toml").write_text(RECIPE, encoding="utf-8")
    generator = np.random.default_rng(0)
    for source, classes in (("A", ("cat", "dog", "emu")), ("B", ("ant", "bee", "fly"))):
        for place in (f"{split}/{label}" for split in ("train", "test") for label in classes):
            folder = lsn.folder / source / place
            folder.mkdir(parents=True)
            for number in range(2):
                Image.fromarray(generator.integers(0, 256, (4, 4, 3), dtype=np.uint8)).save(
                    folder / f"{number}.png"
                )
    assert lsn("data prepare animals A").status == 0
    assert lsn("run animals.toml").status == 0
    assert names(lsn) == [["cat", "dog", "emu"]]

    # Other images under the same name: what their classes are called says nothing of the run's.
    run_data._arrays.clear()
    assert lsn("data prepare animals B --force").status == 0
    assert names(lsn) == [["class 0", "class 1", "class 2"]]
