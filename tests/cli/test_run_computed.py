"""``lsn run`` of computed figures: every option is applied or refused, and the advice draws what was kept."""

from __future__ import annotations

import json
import shlex
from typing import Any

import pytest

from lsncli.store import Store
from lsncli.synthetic.loss_curves import REVISION, LossCurvesParams

CURVES = """\
title = "Curves of one's own"
figure = 1
[computation]
alpha = 0.3
points = 3
[profiles.mine.computation]
alpha = 0.4
"""


def kept(lsn: Any, name: str, **params: Any) -> bool:
    identity = {**LossCurvesParams(**params).model_dump(mode="json"), "revision": REVISION}
    with Store.open(lsn.folder / name, read_only=True) as store:
        return store.get_computation("loss-curves", identity) is not None


def advised(lsn: Any, result: Any) -> Any:
    """The numbers that the advised command prints."""
    assert result.status == 0, result.err
    words = shlex.split(result.err.partition("stored: ")[2].partition(" draws it")[0])
    assert words[0] == "lsn"
    return json.loads(lsn(*words[1:], "--format", "json").out)


def test_settings_change_what_is_computed_and_the_advice_repeats_them(lsn: Any) -> None:
    numbers = advised(lsn, lsn("run figure1 --set alpha=0.5 --db my.db"))
    assert kept(lsn, "my.db", alpha=0.5)
    assert not kept(lsn, "my.db", alpha=0.2)
    assert "α = 0.5." in numbers["caption"]


def test_a_file_of_ones_own_and_its_profile_are_in_the_advice(lsn: Any) -> None:
    (lsn.folder / "curves.toml").write_text(CURVES)
    assert "α = 0.3." in advised(lsn, lsn("run curves.toml --profile quick"))["caption"]
    numbers = advised(lsn, lsn("run curves.toml --profile mine --set computation.points=5"))
    assert "α = 0.4." in numbers["caption"]
    assert len(numbers["panels"][0]["series"][0]["x"]) == 5


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("--seeds 0", "figure 1 is computed and has no runs for --seeds"),
        ("--only x=y", "has no runs for --only"),
        ("--data a=b", "has no runs for --data"),
        ("--profile typo", "unknown profile 'typo'"),
        ("--set alpah=0.9", "has no parameter 'alpah'"),
    ],
)
def test_what_a_figure_has_no_use_for_is_refused(lsn: Any, words: str, told: str) -> None:
    for command in ("run figure1", "run figure1 --dry-run", "plan figure1"):
        result = lsn(f"{command} {words}")
        assert result.one_message
        assert told in result.err
    assert not (lsn.folder / "results.db").exists()


def test_beside_recipes_that_train_the_options_are_theirs(lsn: Any) -> None:
    (lsn.folder / "both.toml").write_text('title = "Both"\ninclude = ["tiny.toml", "curves.toml"]\n')
    (lsn.folder / "curves.toml").write_text(CURVES)
    result = lsn("run both.toml --profile smoke --seeds 1 --only loss.name=standard --set train.steps=2")
    assert result.status == 0, result.err
    assert kept(lsn, "results.db", alpha=0.3, points=3)


def test_a_figure_of_runs_cannot_be_computed(lsn: Any) -> None:
    (lsn.folder / "curves.toml").write_text(CURVES.replace("figure = 1", "figure = 2"))
    result = lsn("run curves.toml")
    assert result.one_message
    assert "figure 2 is not computed" in result.err
