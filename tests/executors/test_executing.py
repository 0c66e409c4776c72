"""Both executors: failures stay with their runs, results do not depend on where they were computed."""

from __future__ import annotations

import multiprocessing
import os
import struct
from dataclasses import replace

import pytest
from executor_samples import ends, metrics, plan_of, spec

from lsncli.engine.events import Event, Finished, Started
from lsncli.engine.settings import EngineSettings
from lsncli.executors.in_process import InProcessExecutor
from lsncli.executors.interface import Control, Executor
from lsncli.executors.processes import ProcessExecutor, _how_it_ended, _told, usable_cores
from lsncli.plan import Plan


def execute(
    executor: Executor, plan: Plan, settings: EngineSettings, control: Control | None = None
) -> list[Event]:
    events: list[Event] = []
    executor.execute(plan, settings, events.append, control or Control())
    return events


@pytest.mark.usefixtures("plugin")
def test_a_failing_run_does_not_stop_the_others(executor: Executor, settings: EngineSettings) -> None:
    good = [spec(seed=seed) for seed in (1, 2)]
    bad, missing = spec("raising"), spec(data="cifar10")
    wild = spec(lr=1e30)
    events = execute(executor, plan_of(missing, bad, good[0], wild, good[1]), settings)
    found = ends(events)
    statuses = {key: end.status for key, end in found.items()}
    assert statuses == {
        missing.key: "failed",
        bad.key: "failed",
        wild.key: "diverged",
        good[0].key: "done",
        good[1].key: "done",
    }
    assert found[bad.key].error == "RuntimeError: not this one"
    assert "RuntimeError" in str(found[bad.key].traceback)
    assert found[bad.key].final_step == 5
    assert "cifar10" in str(found[missing.key].error)
    assert "LsnError" in str(found[missing.key].traceback)


@pytest.mark.usefixtures("plugin")
def test_what_needs_a_failed_run_fails_with_its_name(executor: Executor, settings: EngineSettings) -> None:
    bad = spec("raising")
    student, other = spec(seed=1, behind=bad), spec(seed=2)
    events = execute(executor, plan_of(student, other), settings)
    found = ends(events)
    assert found[student.key].error == f"it needs run {bad.key[:10]}, which ended as failed"
    assert found[other.key].status == "done"
    assert student.key not in [e.key for e in events if isinstance(e, Started)]


def test_dependencies_come_first(executor: Executor, settings: EngineSettings) -> None:
    teacher = spec(seed=1)
    student = spec(seed=2, behind=teacher)
    events = execute(executor, plan_of(student), settings)
    order = [(type(e).__name__, e.key) for e in events if isinstance(e, Started | Finished)]
    assert order == [(what, run.key) for run in (teacher, student) for what in ("Started", "Finished")]


@pytest.mark.usefixtures("plugin")
@pytest.mark.parametrize("make", [InProcessExecutor, lambda: ProcessExecutor(1)], ids=["in-process", "processes"])
def test_fail_fast(make, settings: EngineSettings) -> None:
    control = Control(fail_fast=True)
    events = execute(make(), plan_of(spec("raising"), spec(seed=1), spec(seed=2)), settings, control)
    assert [end.status for end in ends(events).values()] == ["failed"]
    assert control.stopping
    assert not control.interrupted


@pytest.mark.usefixtures("plugin")
@pytest.mark.parametrize(
    ("loss", "words"),
    [("killed", "ended by SIGKILL (out of memory?)"), ("leaving", "ended with exit code 3")],
)
@pytest.mark.parametrize("workers", [1, 2])
def test_a_worker_that_dies_fails_its_run_alone(
    loss: str, words: str, workers: int, settings: EngineSettings
) -> None:
    dying, others = spec(loss), [spec(seed=seed) for seed in (1, 2, 3)]
    found = ends(execute(ProcessExecutor(workers), plan_of(dying, *others), settings))
    assert found[dying.key].status == "failed"
    assert words in str(found[dying.key].error)
    assert found[dying.key].final_step == 5  # it was evaluated there
    assert found[dying.key].seconds > 0
    assert [found[run.key].status for run in others] == ["done"] * 3


def test_results_are_the_same_wherever_they_are_computed(settings: EngineSettings, tmp_path) -> None:
    plan = plan_of(*(spec(seed=seed) for seed in (1, 2, 3)))
    here = execute(InProcessExecutor(), plan, settings)
    there = execute(ProcessExecutor(2), plan, replace(settings, checkpoint_dir=tmp_path / "there"))
    assert metrics(here) == metrics(there)
    assert len({key for key, _, _ in metrics(here)}) == 3
    for run in plan:
        files = [tmp_path / folder / run.key / "final.safetensors" for folder in ("checkpoints", "there")]
        assert files[0].read_bytes() == files[1].read_bytes()


@pytest.mark.usefixtures("plugin")
def test_a_stop_interrupts_what_runs_and_starts_nothing(executor: Executor, settings: EngineSettings) -> None:
    control = Control()
    events: list[Event] = []

    def emit(event: Event) -> None:
        events.append(event)
        control.stop()

    runs = [spec("slow", seed=seed, steps=3000) for seed in (1, 2, 3)]
    executor.execute(plan_of(*runs), settings, emit, control)
    found = ends(events)
    assert {end.status for end in found.values()} == {"interrupted"}
    assert runs[2].key not in found
    for key, end in found.items():
        assert 0 < end.final_step < 3000
        path = settings.checkpoint_path(key)
        assert path is not None
        assert path.exists()


def test_an_empty_plan(executor: Executor, settings: EngineSettings) -> None:
    assert execute(executor, Plan(), settings) == []


@pytest.mark.usefixtures("plugin")
def test_when_storing_fails_the_workers_end(settings: EngineSettings) -> None:
    """The error reaches the caller; the runs leave checkpoints and no process stays behind."""

    def emit(event: Event) -> None:
        raise OSError("disk full")

    runs = [spec("slow", seed=seed, steps=3000) for seed in (1, 2)]
    with pytest.raises(OSError, match="disk full"):
        ProcessExecutor(2).execute(plan_of(*runs), settings, emit, Control())
    for run in runs:
        path = settings.checkpoint_path(run.key)
        assert path is not None
        assert path.exists()


@pytest.mark.skipif(os.name != "posix", reason="how a message begins is known of Unix pipes alone")
def test_a_message_that_is_cut_off_is_the_end_of_its_worker() -> None:
    """Killed while it writes: the size of a message, and only some of it."""
    ours, theirs = multiprocessing.Pipe()
    theirs.send(Finished("a", "done", 10, 1.0))
    os.write(theirs.fileno(), struct.pack("!i", 1000) + b"half")
    theirs.close()
    # What came whole counts.
    assert [event.key for event in _told(ours)] == ["a"]
    assert _told(ours) == []


def test_ends_of_workers_in_words() -> None:
    assert _how_it_ended(-9) == "the worker process was ended by SIGKILL (out of memory?)"
    assert _how_it_ended(-15) == "the worker process was ended by SIGTERM"
    assert _how_it_ended(1) == "the worker process ended with exit code 1"


def test_usable_cores() -> None:
    assert 1 <= usable_cores() <= (os.cpu_count() or 1)


# -- threads ------------------------------------------------------------------------------------------


def threads_told(events: list[Event]) -> dict[str, int]:
    return {event.key: event.provenance["threads"] for event in events if isinstance(event, Started)}


@pytest.mark.parametrize(("workers", "threads"), [(None, 1), (1, 4), (2, 2), (3, 1), (9, 1)])
def test_a_worker_has_its_share_of_the_cores(workers: int | None, threads: int, monkeypatch) -> None:
    monkeypatch.setattr("lsncli.executors.processes.usable_cores", lambda: 4)
    assert ProcessExecutor(workers).threads == threads


def test_threads_do_not_depend_on_how_much_is_left(settings: EngineSettings, monkeypatch) -> None:
    """Two workers on four cores have two threads each; one run alone could have had all four."""
    monkeypatch.setattr("lsncli.executors.processes.usable_cores", lambda: 4)
    free, executor = replace(settings, threads=None), ProcessExecutor(2)
    many = threads_told(execute(executor, plan_of(*(spec(seed=seed) for seed in (1, 2, 3))), free))
    one = threads_told(execute(executor, plan_of(spec(seed=4)), free))
    # A worker of a machine with a single core has no second thread to give.
    assert {*many.values()} == {*one.values()} <= {1, 2}


def test_stacks_take_one_thread_whatever_their_worker_has(settings: EngineSettings, monkeypatch) -> None:
    monkeypatch.setattr("lsncli.executors.processes.usable_cores", lambda: 4)
    free = replace(settings, threads=None)
    told = threads_told(execute(ProcessExecutor(1, stack=8), plan_of(spec(seed=1)), free))
    assert list(told.values()) == [1]
