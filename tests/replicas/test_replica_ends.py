"""A run that ends before the others leaves them as they are; each goes on from its own checkpoint."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from replica_samples import asked, ends, measured, spec, student, weights

from lsncli.engine.events import Notice, Started
from lsncli.engine.settings import EngineSettings
from lsncli.engine.training import train, train_replicas

GOOD = [spec("standard"), spec("label-smoothing", seed=4)]


def stop_after(times: int) -> Callable[[], bool]:
    asked_for = iter(range(1, 10**6))
    return lambda: next(asked_for) >= times


@pytest.mark.parametrize("device", ["cpu", "recorder"])
@pytest.mark.parametrize(
    ("loss", "status", "error", "step"),
    [
        ("raising", "failed", "RuntimeError: the sixth step is too much", 5),
        ("exploding", "diverged", "the training loss is nan after 10 steps", 10),
    ],
)
def test_the_others_go_on(
    loss: str,
    status: str,
    error: str,
    step: int,
    device: str,
    settings: EngineSettings,
    elsewhere: EngineSettings,
) -> None:
    bad = spec(loss, steps=20, evaluations=2)
    good = [spec("standard", steps=20), spec("label-smoothing", seed=4, steps=20)]
    events = list(train_replicas([good[0], bad, good[1]], replace(settings, device=device), replicas=3))
    found = ends(events)
    assert (found[bad.key].status, found[bad.key].error, found[bad.key].final_step) == (status, error, step)
    for run in good:
        assert found[run.key].status == "done"
        reference = list(train(run, elsewhere))
        assert measured(events)[run.key] == measured(reference)[run.key]
        assert weights(settings, run) == weights(elsewhere, run)
    if device == "recorder":
        # What was recorded with the run that left is of no use to the others.
        assert asked()["compiled"] == 2


@pytest.mark.usefixtures("told_every_step")
@pytest.mark.parametrize("device", ["cpu", "recorder"])
@pytest.mark.parametrize("stop_at", [1, 3, 7])
def test_interrupted_and_resumed_ends_the_same(
    stop_at: int, device: str, settings: EngineSettings, elsewhere: EngineSettings
) -> None:
    """Within the first epoch, at its end, and in the third (three steps each)."""
    where, reference = (replace(s, device=device) for s in (settings, elsewhere))
    specs = [*GOOD, spec("drawing", seed=5)] if device == "cpu" else GOOD
    part = list(train_replicas(specs, where, stop_after(stop_at), replicas=3))
    assert {(end.status, end.final_step) for end in ends(part).values()} == {("interrupted", stop_at)}
    rest = list(train_replicas(specs, where, replicas=3))
    assert {e.resumed_from for e in rest if isinstance(e, Started)} == {stop_at}
    whole = list(train_replicas(specs, reference, replicas=3))
    for run in specs:
        assert weights(where, run) == weights(reference, run)
        assert measured(rest)[run.key].items() <= (measured(part)[run.key] | measured(whole)[run.key]).items()


@pytest.mark.usefixtures("told_every_step")
def test_checkpoints_of_different_steps(settings: EngineSettings, elsewhere: EngineSettings) -> None:
    list(train(GOOD[0], settings, stop_after(2)))
    list(train(GOOD[1], settings, stop_after(5)))
    events = list(train_replicas(GOOD, settings, replicas=2))
    assert sorted(e.resumed_from for e in events if isinstance(e, Started)) == [2, 5]
    for run in GOOD:
        list(train(run, elsewhere))
        assert weights(settings, run) == weights(elsewhere, run)


def test_missing_teacher_fails_its_student_alone(settings: EngineSettings) -> None:
    events = list(train_replicas([student(), GOOD[0]], settings, replicas=2))
    found = ends(events)
    assert found[student().key].status == "failed"
    assert found[GOOD[0].key].status == "done"


def test_a_step_that_cannot_be_recorded_is_told_of_once(
    settings: EngineSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lsncli.backends.cpu import CpuBackend

    class Refusing:
        refused = "RuntimeError: operation not permitted when stream is capturing"

        def __init__(self, step: Callable[[], None]) -> None:
            self.step = step

        def __call__(self) -> None:
            self.step()

    monkeypatch.setattr(CpuBackend, "compile_step", lambda self, step: Refusing(step))
    events = list(train(GOOD[0], settings))
    told = [event.message for event in events if isinstance(event, Notice)]
    assert told == [f"the step cannot be recorded, and is taken kernel by kernel: {Refusing.refused}"]


@pytest.mark.usefixtures("told_every_step")
def test_students_begun_with_other_threads_go_on_by_themselves(
    settings: EngineSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lsncli.engine.threads.os.cpu_count", lambda: 2)
    students = [student(loss) for loss in ("standard", "label-smoothing", "forward-correction")]
    assert students[0].teacher is not None
    list(train(students[0].teacher, settings))
    list(train(students[0], replace(settings, threads=2), stop_after(1)))
    events = list(train_replicas(students, settings, replicas=3))
    told = {
        e.key: (e.provenance["threads"], e.provenance.get("replicas")) for e in events if isinstance(e, Started)
    }
    assert [told[run.key] for run in students] == [(2, None), (1, 2), (1, 2)]
    assert {end.status for end in ends(events).values()} == {"done"}
