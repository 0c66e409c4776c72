"""A data set whose images are replaced under its name: whoever mixes its runs is told."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from PIL import Image

from lsncli.engine import run_data

#: As the fixture of that name.
Lsn = Any

RECIPE = """\
title = "Changing"
seeds = [0]
[data]
name = "chg"
validation_size = 2
[model]
name = "mlp"
hidden = [4]
[loss]
name = "label-smoothing"
[train]
steps = 2
batch_size = 4
evaluations = 1
[sweep]
"loss.alpha" = [0.1]
"""


@pytest.fixture
def chg(lsn: Lsn, monkeypatch: pytest.MonkeyPatch) -> Lsn:
    """The recipe, folders of images A and B, and the data set of A."""
    monkeypatch.setenv("LSN_REPLICAS", "1")  # no worker processes for two steps
    (lsn.folder / "chg.toml").write_text(RECIPE, encoding="utf-8")
    for name, seed in (("A", 0), ("B", 1)):
        generator = np.random.default_rng(seed)
        for split, count in (("train", 5), ("test", 2)):
            for label in ("cat", "dog"):
                folder = lsn.folder / name / split / label
                folder.mkdir(parents=True)
                for number in range(count):
                    pixels = generator.integers(0, 256, (4, 4, 3), dtype=np.uint8)
                    Image.fromarray(pixels).save(folder / f"{number}.png")
    assert lsn("data prepare chg A").status == 0
    return lsn


def replaced(lsn: Lsn, *options: str) -> None:
    assert lsn("run", "chg.toml", "--seeds", "1", *options).status == 0
    run_data._arrays.clear()  # one process has one command elsewhere
    answer = lsn("data prepare chg B --force")
    assert answer.status == 0
    assert "stored runs of chg remain those of the old contents" in answer.err


WARNING = "warning: 1 stored run of 'chg' was trained on other contents than that name has here now"


@pytest.mark.parametrize("options", [(), ("--set", "data.train_size=8")], ids=["whole", "subset"])
@pytest.mark.parametrize("command", ["run", "run --dry-run", "plan", "report", "select"])
def test_runs_of_other_contents_are_told(command: str, options: tuple[str, ...], chg: Lsn) -> None:
    words = [*command.split(), "chg.toml", "--seeds", "2", *options]
    assert chg("run", "chg.toml", "--seeds", "1", *options).status == 0
    assert "warning" not in chg(*words).err
    (chg.folder / "results.db").unlink()
    replaced(chg, *options)
    answer = chg(*words)
    assert answer.status == 0
    assert answer.err.count(WARNING) == 1
    assert "--force" in answer.err


def test_training_anew_ends_it(chg: Lsn) -> None:
    replaced(chg)
    answer = chg("run chg.toml --seeds 2 --force")
    assert "warning" not in answer.err
    assert "different contents" not in answer.out
    assert "warning" not in chg("plan chg.toml --seeds 2").err


def test_reports_and_choices_of_mixed_runs_say_so(chg: Lsn) -> None:
    replaced(chg)
    note = (
        "chg: its runs were trained on different contents of that name (2 and 1 runs):"
        " they are not of one data set."
    )
    assert "different contents" not in chg("report chg.toml --seeds 1 --format md").out
    assert chg("run chg.toml --seeds 3").status == 0
    assert note in chg("report chg.toml --seeds 3 --format md").out
    assert note in chg("select chg.toml --seeds 3 --format md").out
    assert note in chg("report chg.toml --seeds 3 --claims --format md").out
    assert note in chg("report chg.toml --seeds 3 --figure 2 --format json").out
    assert "different contents" not in chg("report chg.toml --seeds 1 --figure 2 --format json").out
    assert "different contents" not in chg("report chg.toml --seeds 1 --claims --format md").out


def test_other_parts_of_one_set_are_not_other_contents(chg: Lsn) -> None:
    for size in ("6", "8"):
        assert chg("run", "chg.toml", "--set", f"data.train_size={size}").status == 0
    both = RECIPE + '"data.train_size" = [6, 8]\n'
    (chg.folder / "both.toml").write_text(both, encoding="utf-8")
    assert "2 already there" in chg("run both.toml").err
    assert "different contents" not in chg("report both.toml --format md").out
    assert "warning" not in chg("plan both.toml").err
