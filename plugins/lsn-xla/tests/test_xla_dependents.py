"""Runs that read other runs: a student and its teacher, and an estimate of the transition matrix."""

from __future__ import annotations

from typing import Literal

import pytest
from lsncli.engine.settings import EngineSettings
from lsncli.engine.training import train
from lsncli.plan import ComponentSpec, DistillationSpec, RunSpec, TransitionSpec

from xla_samples import ending, metrics, spec


def both(run: RunSpec, on_xla: EngineSettings, on_cpu: EngineSettings) -> None:
    """The run, and before it those that it depends on, has the metrics of the processor."""
    results = []
    for settings in (on_xla, on_cpu):
        for dependency in run.dependencies():
            assert ending(train(dependency, settings)).status == "done"
        events = list(train(run, settings))
        assert ending(events).status == "done", ending(events)
        results.append(metrics(events))
    found, expected = results
    assert found.keys() == expected.keys()
    for at in found:
        assert found[at] == pytest.approx(expected[at], rel=1e-3, abs=1e-3), at


@pytest.mark.parametrize("view", ["augmented", "clean"])
def test_a_student(view: Literal["augmented", "clean"], on_xla: EngineSettings, on_cpu: EngineSettings) -> None:
    teacher, how = spec(steps=8, evaluations=1), DistillationSpec(teacher_view=view)
    both(spec(steps=8, evaluations=2, seed=4, teacher=teacher, distillation=how), on_xla, on_cpu)


def test_an_estimated_matrix(on_xla: EngineSettings, on_cpu: EngineSettings) -> None:
    estimate = TransitionSpec(estimator=ComponentSpec(name="anchor"), run=spec(steps=8, evaluations=1))
    loss = ComponentSpec(name="forward-correction", params={"transition": "estimated"})
    both(spec(steps=8, evaluations=2, loss=loss, transition=estimate), on_xla, on_cpu)
