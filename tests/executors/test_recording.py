"""What reaches the database, the observers and the checkpoint folder."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from executor_samples import ends, plan_of, spec

from lsncli import hookimpl, recording
from lsncli.engine.events import Event, Finished, Measured, Notice, Recorded, Saved, Started
from lsncli.engine.settings import EngineSettings
from lsncli.executors.in_process import InProcessExecutor
from lsncli.executors.interface import Control, Executor
from lsncli.recording import Recorder
from lsncli.registry import Registry
from lsncli.store import Store

RUN = spec(seed=1)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "results.db") as opened:
        yield opened


@pytest.fixture
def checkpoint(settings: EngineSettings) -> Path:
    path = settings.checkpoint_path(RUN.key)
    assert path is not None
    path.parent.mkdir(parents=True)
    path.touch()
    return path


def recorder(store: Store, settings: EngineSettings, **options: object) -> Recorder:
    return Recorder(store, plan_of(RUN), settings, **options)  # type: ignore[arg-type]


def tell(receiver: Recorder, *events: Event) -> None:
    for event in events:
        receiver(event)


def steps(store: Store) -> list[tuple[int, str, float]]:
    return sorted((row.step, row.name, row.value) for row in store.metrics([RUN.key]))


def end(status: str = "done", step: int = 10, error: str | None = None) -> Finished:
    return Finished(RUN.key, status, step, 1.5, error)  # type: ignore[arg-type]


STARTED = Started(RUN.key, 10, {"device": "d"})


def test_a_real_run_is_stored_whole(store: Store, settings: EngineSettings) -> None:
    events: list[Event] = []
    receiver = recorder(store, settings, artifact_prefix="results.checkpoints", listener=events.append)
    InProcessExecutor().execute(plan_of(RUN), settings, receiver, Control())
    state = store.statuses([RUN.key])[RUN.key]
    assert (state.status, state.final_step) == ("done", 10)
    assert {step for step, _, _ in steps(store)} == {0, 5, 10}
    told = [(e.step, name, value) for e in events if isinstance(e, Measured) for name, value in e.metrics.items()]
    assert steps(store) == sorted(told)
    names = {(entry.name, entry.step) for entry in store.arrays(RUN.key)}
    assert {("noise_transition_counts", 0), ("test_reliability_bins", 10)} <= names
    assert {(e.name, e.step) for e in events if isinstance(e, Recorded)} == names
    files = {entry.name: entry for entry in store.artifacts(RUN.key)}
    for event in events:
        if isinstance(event, Saved):
            assert files[event.name].path == f"results.checkpoints/{event.path}"
            assert files[event.name].size == event.size
    assert "weights" in files
    assert receiver.outcomes.keys("done") == [RUN.key]


def test_files_elsewhere_are_not_named(store: Store, settings: EngineSettings) -> None:
    tell(recorder(store, settings), STARTED, Saved(RUN.key, "weights", "w", "0" * 64, 3), end())
    assert list(store.artifacts(RUN.key)) == []


@pytest.mark.parametrize(
    ("status", "kept"), [("done", False), ("diverged", False), ("interrupted", True), ("failed", True)]
)
def test_checkpoints_stay_as_long_as_a_run_can_go_on(
    status: str, kept: bool, store: Store, settings: EngineSettings, checkpoint: Path
) -> None:
    tell(recorder(store, settings), STARTED, end(status, error="why" if status == "failed" else None))
    assert checkpoint.exists() == kept
    assert store.statuses([RUN.key])[RUN.key].status == status


def test_a_resumed_run_forgets_what_comes_again(store: Store, settings: EngineSettings) -> None:
    first = [Measured(RUN.key, step, {"test_accuracy": step / 10}) for step in (0, 4, 8)]
    tell(recorder(store, settings), STARTED, *first, end("interrupted", 9))
    again = Started(RUN.key, 10, {}, resumed_from=6)
    tell(recorder(store, settings), again, Measured(RUN.key, 8, {"test_accuracy": 0.5}), end())
    assert steps(store) == [(0, "test_accuracy", 0.0), (4, "test_accuracy", 0.4), (8, "test_accuracy", 0.5)]


def test_an_attempt_that_cannot_start_takes_nothing_away(
    store: Store, settings: EngineSettings, checkpoint: Path
) -> None:
    """Metrics up to the checkpoint stay: the next attempt goes on behind them."""
    tell(recorder(store, settings), STARTED, Measured(RUN.key, 4, {"test_accuracy": 0.4}), end("interrupted", 6))
    tell(recorder(store, settings), end("failed", 0, "the data are missing"))
    state = store.statuses([RUN.key])[RUN.key]
    assert (state.status, state.error) == ("failed", "the data are missing")
    assert steps(store) == [(4, "test_accuracy", 0.4)]
    assert checkpoint.exists()


def test_forced_anew_replaces_the_old_results(store: Store, settings: EngineSettings) -> None:
    tell(recorder(store, settings), STARTED, Measured(RUN.key, 7, {"test_accuracy": 0.7}), end())
    receiver = recorder(store, settings, discard=frozenset([RUN.key]))
    tell(receiver, STARTED, Measured(RUN.key, 10, {"test_accuracy": 0.9}), end())
    assert steps(store) == [(10, "test_accuracy", 0.9)]


def test_forced_anew_in_vain_keeps_the_old_results(store: Store, settings: EngineSettings) -> None:
    tell(recorder(store, settings), STARTED, Measured(RUN.key, 10, {"test_accuracy": 0.7}), end())
    receiver = recorder(store, settings, discard=frozenset([RUN.key]))
    tell(receiver, end("failed", 0, "the data are missing"))
    assert store.statuses([RUN.key])[RUN.key].status == "done"
    assert steps(store) == [(10, "test_accuracy", 0.7)]
    assert receiver.outcomes.keys("failed") == [RUN.key]


def test_a_run_that_another_process_finished_is_left_alone(
    store: Store, settings: EngineSettings, checkpoint: Path
) -> None:
    tell(recorder(store, settings), STARTED, Measured(RUN.key, 10, {"test_accuracy": 0.7}), end())
    checkpoint.touch()
    heard: list[Event] = []
    late = recorder(store, settings, listener=heard.append)
    tell(late, STARTED, Measured(RUN.key, 10, {"test_accuracy": 0.1}), end())
    assert steps(store) == [(10, "test_accuracy", 0.7)]
    assert len(heard) == 3
    assert late.outcomes.keys("done") == [RUN.key]
    assert not checkpoint.exists()


def test_a_run_that_is_removed_meanwhile_fails_alone(store: Store, settings: EngineSettings) -> None:
    other = spec(seed=2)
    heard: list[Event] = []
    receiver = Recorder(store, plan_of(RUN, other), settings, listener=heard.append)
    tell(receiver, STARTED, Started(other.key, 10, {}))
    store.discard_runs([RUN.key])
    both = [Measured(key, 5, {"test_accuracy": 0.5}) for key in (RUN.key, other.key)]
    assert receiver.together(both) == both
    assert [event.message for event in heard if isinstance(event, Notice)] == [
        "it was removed from the database while it was trained: it ends as failed"
    ]
    saved = Saved(RUN.key, "weights", f"{RUN.key}/final.safetensors", "0" * 64, 3)
    tell(receiver, Measured(RUN.key, 10, {"test_accuracy": 0.6}), saved)
    [told] = receiver.together([end()])
    assert isinstance(told, Finished)
    assert (told.status, told.error) == (
        "failed", "it was removed from the database while it was trained: train it again"
    )  # fmt: skip
    tell(receiver, Finished(other.key, "done", 10, 1.0))
    assert receiver.outcomes.keys("failed") == [RUN.key]
    assert {key: state.status for key, state in store.statuses().items()} == {other.key: "done"}
    # Begun again, it is a run like any other.
    tell(receiver, STARTED, end())
    assert store.statuses([RUN.key])[RUN.key].status == "done"


def test_a_run_that_is_removed_at_its_last_moment(store: Store, settings: EngineSettings) -> None:
    receiver = recorder(store, settings)
    tell(receiver, STARTED)
    store.discard_runs([RUN.key])
    [told] = receiver.together([end()])
    assert isinstance(told, Finished)
    assert told.status == "failed"
    assert store.statuses() == {}


def test_a_run_whose_files_cannot_be_kept_has_failed_for_everybody(
    store: Store, executor: Executor, settings: EngineSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its students do not start, the display says so, and a batch that is to stop at the first failure does."""

    def refuse(path: Path, attempt: str) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("lsncli.recording.publish", refuse)
    student = spec(seed=2, behind=RUN)
    settings = replace(settings, attempt="mine")
    heard: list[Event] = []
    receiver = Recorder(store, plan_of(student), settings, listener=heard.append)
    control = Control(fail_fast=True)
    executor.execute(plan_of(student), settings, receiver, control)
    found = ends(heard)
    assert found[RUN.key].error == f"cannot keep {RUN.key}/predictions.safetensors: No space left on device"
    assert found[student.key].error == f"it needs run {RUN.key[:10]}, which ended as failed"
    assert {event.status for event in found.values()} == {"failed"}
    assert {state.status for state in store.statuses().values()} == {"failed"}
    assert student.key not in [event.key for event in heard if isinstance(event, Started)]
    assert control.stopping


def test_a_checkpoint_that_cannot_be_removed_harms_nobody(store: Store, settings: EngineSettings) -> None:
    path = settings.checkpoint_path(RUN.key)
    assert path is not None
    path.mkdir(parents=True)  # a folder is not unlinked by anybody
    receiver = recorder(store, settings)
    tell(receiver, STARTED, end())
    assert receiver.outcomes.keys("done") == [RUN.key]
    assert store.statuses([RUN.key])[RUN.key].status == "done"


@pytest.mark.usefixtures("plugin")
def test_observers_hear_of_beginnings_and_ends_and_do_no_harm(
    store: Store,
    settings: EngineSettings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    notes = tmp_path / "notes"
    notes.mkdir()
    monkeypatch.setenv("LSN_TEST_NOTES", str(notes))
    accuracy = Measured(RUN.key, 10, {"test_accuracy": 0.9, "test_nll": 0.1})
    tell(recorder(store, settings), STARTED, accuracy, end())
    heard = sorted(path.name.rpartition("-")[0] for path in notes.iterdir())
    assert heard == [f"finished-{RUN.key}-done-2", f"started-{RUN.key}-standard"]
    warning = capsys.readouterr().err
    assert "warning: lsn_run_finished of plugin unruly" in warning
    assert "ValueError: an observer that fails" in warning
    assert store.statuses([RUN.key])[RUN.key].status == "done"


def test_an_observer_neither_ends_the_batch_nor_changes_what_others_hear(
    store: Store, settings: EngineSettings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    heard: list[Any] = []

    @hookimpl
    def lsn_run_started(key: str, spec: dict[str, Any]) -> None:
        heard.append(spec["loss"]["name"])
        spec["loss"]["name"] = "changed"
        sys.exit(f"observer {len(heard)}")

    @hookimpl
    def lsn_run_finished(spec: dict[str, Any], metrics: dict[str, float]) -> None:
        heard.append((spec["loss"]["name"], dict(metrics)))
        metrics.clear()

    observed = Registry()
    for number in (1, 2):
        module = ModuleType(f"observer{number}")
        vars(module).update(lsn_run_started=lsn_run_started, lsn_run_finished=lsn_run_finished)
        observed.manager.register(module, name=f"observer{number}")
    monkeypatch.setattr(recording, "registry", lambda: observed)
    tell(recorder(store, settings), STARTED, Measured(RUN.key, 10, {"test_accuracy": 0.9}), end())
    assert heard == ["standard", "standard", *[("standard", {"test_accuracy": 0.9})] * 2]
    assert capsys.readouterr().err.count("warning: lsn_run_started of plugin observer") == 2
    assert store.statuses([RUN.key])[RUN.key].status == "done"
