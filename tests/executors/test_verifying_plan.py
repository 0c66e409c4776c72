"""What training a run again takes: no more than the weights that are there leave to do."""

from __future__ import annotations

from pathlib import Path

import pytest
from executor_samples import spec

from lsncli.engine.events import Started
from lsncli.engine.settings import EngineSettings
from lsncli.verifying import _changes, what_it_takes

TEACHER = spec(seed=1)
STUDENT = spec(seed=2, behind=TEACHER)
PUPIL = spec(seed=3, behind=STUDENT)


@pytest.mark.parametrize(
    ("there", "takes"),
    [
        ((), [(TEACHER, False), (STUDENT, False), (PUPIL, False)]),
        ((TEACHER,), [(TEACHER, True), (STUDENT, False), (PUPIL, False)]),
        # The teacher's weights are gone, and nobody needs them.
        ((STUDENT,), [(STUDENT, True), (PUPIL, False)]),
        # Its own weights are what it is compared with.
        ((PUPIL, STUDENT, TEACHER), [(STUDENT, True), (PUPIL, False)]),
    ],
)
def test_behind_weights_nothing_is_needed(there: tuple, takes: list, tmp_path: Path) -> None:
    settings = EngineSettings(tmp_path, tmp_path / "results.checkpoints")
    for one in there:
        path = settings.weights_path(one.key)
        assert path is not None
        path.parent.mkdir(parents=True)
        path.touch()
    found = what_it_takes(PUPIL, settings)
    assert [(run.key, weights is not None) for run, weights in found] == [
        (one.key, stored) for one, stored in takes
    ]
    assert all(weights == settings.weights_path(run.key) for run, weights in found if weights is not None)


def test_another_one_of_several_gpus_is_no_difference_unless_it_is_of_another_kind() -> None:
    then = {"device": "GPU A", "device_index": 1}
    again = [Started("key", 10, {"device": "GPU A", "device_index": 0})]
    assert _changes(then, again) == {}
    other = [Started("key", 10, {"device": "GPU B", "device_index": 0})]
    assert _changes(then, other) == {"device": ("GPU A", "GPU B")}
