"""A device without room for the images is brought those of each step; the numbers are the same."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import count

import pytest
import torch
from replica_samples import ends, measured, spec, student, weights

from lsncli.backends.cuda import CudaBackend
from lsncli.engine import images, training
from lsncli.engine.events import Started
from lsncli.engine.settings import EngineSettings
from lsncli.engine.training import train, train_replicas
from lsncli.plan import RunSpec


@pytest.fixture
def cramped(settings: EngineSettings, monkeypatch: pytest.MonkeyPatch) -> EngineSettings:
    class Away(training.Run):
        def __init__(self, *arguments: object) -> None:
            super().__init__(*arguments)  # type: ignore[arg-type]
            assert self.work.train.on_host
            assert self.work.test.pixels.on_host

    monkeypatch.setattr(training, "Run", Away)
    return replace(settings, device="cramped")


def stop_after(times: int) -> Callable[[], bool]:
    asked_for = count(1)
    return lambda: next(asked_for) >= times


@pytest.fixture
def expected(elsewhere: EngineSettings) -> Callable[[RunSpec], tuple[object, bytes]]:
    """What a run finds that has its images on the device."""

    def found(run: RunSpec) -> tuple[object, bytes]:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(training, "Run", training.Run.__base__)
            return measured(list(train(run, elsewhere)))[run.key], weights(elsewhere, run)

    return found


@pytest.mark.parametrize("augment", ["none", "flip", "crop-flip"])
def test_recorded_steps_of_several_runs(augment: str, cramped: EngineSettings, expected) -> None:
    """Ten steps in epochs of three, two of the runs of one seed."""
    runs = [
        spec(seed=1, augment=augment),
        spec("label-smoothing", seed=1, augment=augment),
        spec(seed=2, augment=augment),
    ]
    events = list(train_replicas(runs, cramped, replicas=3))
    for run in runs:
        metrics, weighed = expected(run)
        assert measured(events)[run.key] == metrics
        assert weights(cramped, run) == weighed


@pytest.mark.usefixtures("told_every_step")
@pytest.mark.parametrize("stop_at", [2, 3])
def test_resumed_within_an_epoch_and_between_two(stop_at: int, cramped: EngineSettings, expected) -> None:
    list(train(spec(), cramped, stop_after(stop_at)))
    rest = list(train(spec(), cramped))
    assert [event.resumed_from for event in rest if isinstance(event, Started)] == [stop_at]
    assert weights(cramped, spec()) == expected(spec())[1]


@pytest.mark.parametrize("view", ["augmented", "clean"])
def test_a_student_and_its_teacher(view: str, cramped: EngineSettings, elsewhere: EngineSettings, expected) -> None:
    run = student(view=view)
    assert run.teacher is not None
    list(train(run.teacher, cramped))
    assert weights(cramped, run.teacher) == expected(run.teacher)[1]
    events = list(train(run, cramped))
    assert ends(events)[run.key].status == "done"
    assert weights(cramped, run) == expected(run)[1]


def test_a_large_set_has_no_padded_copy(
    settings: EngineSettings, elsewhere: EngineSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    list(train(spec(), elsewhere))
    monkeypatch.setattr(images, "PADDED_COPY", 0)
    for device in ("cpu", "recorder"):
        where = replace(settings, device=device)
        list(train(spec(), where))
        assert weights(where, spec()) == weights(elsewhere, spec())


def test_the_room_of_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the driver has free, and what torch has taken from it without using it now."""
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda: (1000, 5000))
    monkeypatch.setattr(torch.cuda, "memory_reserved", lambda: 700)
    monkeypatch.setattr(torch.cuda, "memory_allocated", lambda: 300)
    assert CudaBackend().room() == 1400
