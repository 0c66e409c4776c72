"""A run that was interrupted, however often, ends exactly as one that was not."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch
from engine_samples import ending, metrics, notices, resumed_from, run, spec, stop_after, weights

from lsncli.engine import clock
from lsncli.engine.events import Event, Measured, Progress, Saved, Started
from lsncli.engine.settings import EngineSettings
from lsncli.engine.training import train
from lsncli.plan import ComponentSpec, RunSpec

pytestmark = pytest.mark.usefixtures("told_every_step", "plugin")

SPECS: dict[str, Callable[[], RunSpec]] = {
    "mlp": lambda: spec(schedule=ComponentSpec(name="cosine")),
    "momentum 0": lambda: spec(optimizer={"momentum": 0.0, "nesterov": False}),
    "adam": lambda: spec(optimizer="adam"),
    "state in the optimiser's groups": lambda: spec(optimizer="warming"),
    # One example is left over in every epoch of 3 steps: interruptions fall inside epochs and between them.
    "resnet8, augmented": lambda: spec(
        model=ComponentSpec(name="resnet8", params={"width": 4}), augment="crop-flip", batch_size=21
    ),
    "loss with state and chance": lambda: spec(loss="remembering"),
    "forward correction": lambda: spec(loss=ComponentSpec(name="forward-correction", params={"alpha": 0.3})),
}


def stopped_and_resumed(run_spec: RunSpec, settings: EngineSettings, at: list[int]) -> list[Event]:
    """All events of a run that is interrupted after the steps ``at``, its last part included."""
    events: list[Event] = []
    step = 0
    for stop_at in at:
        part = run(run_spec, settings, stop_after(stop_at - step))
        assert ending(part).status == "interrupted"
        assert ending(part).final_step == stop_at
        assert resumed_from(part) == step
        events += part
        step = stop_at
    part = run(run_spec, settings)
    assert resumed_from(part) == step
    assert ending(part).status == "done"
    return events + part


@pytest.mark.parametrize("name", SPECS)
@pytest.mark.parametrize("at", [[1], [5], [19], [2, 3, 10, 11, 18]], ids=str)
def test_resumed_run_is_bit_identical(
    name: str, at: list[int], settings: EngineSettings, elsewhere: EngineSettings
) -> None:
    run_spec = SPECS[name]()
    whole = run(run_spec, elsewhere)
    pieces = stopped_and_resumed(run_spec, settings, at)
    assert metrics(pieces) == metrics(whole)
    assert len(metrics(whole)) > 20
    assert weights(settings, run_spec) == weights(elsewhere, run_spec)
    assert notices(pieces) == []


def test_what_of_the_groups_cannot_be_kept_is_told_of(settings: EngineSettings) -> None:
    run(spec(optimizer="deaf"), settings, stop_after(7))
    rest = run(spec(optimizer="deaf"), settings)
    assert resumed_from(rest) == 7
    [told] = notices(rest)
    assert "optimizer 'deaf' keeps in its parameter groups what no checkpoint holds (decide)" in told


def test_the_comparison_would_notice(settings: EngineSettings, elsewhere: EngineSettings) -> None:
    """Another seed gives other weights and metrics: equality above is not for want of randomness."""
    one, other = run(spec(), settings), run(spec(seed=4), elsewhere)
    assert metrics(one) != metrics(other)
    assert weights(settings, spec()) != weights(elsewhere, spec(seed=4))


def test_a_killed_run_goes_on_from_its_last_checkpoint(settings: EngineSettings, elsewhere: EngineSettings) -> None:
    """Killed, it writes nothing more; the generator that is closed in mid-run does just that."""
    often = replace(settings, checkpoint_seconds=-1.0)
    events = train(spec(), often)
    for event in events:
        if isinstance(event, Progress) and event.step == 8:
            break
    events.close()  # type: ignore[attr-defined]
    rest = run(spec(), often)
    assert resumed_from(rest) == 7  # progress is told before the checkpoint of its step is written
    assert weights(settings, spec()) == weights(_reference(elsewhere), spec())


def test_checkpoints_are_not_written_more_often_than_asked(settings: EngineSettings) -> None:
    path = settings.checkpoint_path(spec().key)
    assert path is not None
    assert ending(run(spec(), settings)).status == "done"
    assert not path.exists()  # 20 quick steps, 20 seconds between checkpoints
    run(spec(), replace(settings, checkpoint_seconds=-1.0))
    assert path.exists()  # the recorder removes it, once the end is stored


def test_metrics_that_nobody_stored_are_told_again(settings: EngineSettings) -> None:
    """The parent of a worker may die with events unread that the checkpoint has left behind it."""
    first = run(spec(), settings, stop_after(12))
    rest = run(spec(), settings)
    assert resumed_from(rest) == 12
    assert metrics(first).items() <= metrics(rest).items()
    speeds = [e.metrics["images_per_second"] for e in (*first, *rest) if isinstance(e, Measured) and e.step == 5]
    assert speeds[0] == speeds[1]


def test_no_checkpoint_is_written_after_the_last_step(settings: EngineSettings) -> None:
    """A run killed between its last step and its end must still measure that step when it goes on."""
    often = replace(settings, checkpoint_seconds=-1.0)
    assert ending(run(spec(), often)).status == "done"
    assert resumed_from(run(spec(), often)) == 19


def test_time_adds_up_over_interruptions(settings: EngineSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    # A clock that moves on by a second whenever it is read: a busy machine may take longer to write than to train.
    ticks = itertools.count()
    monkeypatch.setattr(clock, "time", SimpleNamespace(perf_counter=lambda: float(next(ticks))))
    first = ending(run(spec(), settings, stop_after(10))).seconds
    second = ending(run(spec(), settings)).seconds
    assert second > first > 0


def test_a_stop_at_the_last_step_comes_too_late(settings: EngineSettings) -> None:
    assert ending(run(spec(), settings, stop_after(20))).status == "done"


def test_without_a_folder_nothing_is_kept(settings: EngineSettings) -> None:
    nowhere = replace(settings, checkpoint_dir=None)
    assert ending(run(spec(), nowhere, stop_after(10))).status == "interrupted"
    events = run(spec(), nowhere)
    assert resumed_from(events) == 0
    assert not [e for e in events if isinstance(e, Saved)]


def test_events_come_in_order(settings: EngineSettings) -> None:
    events = run(spec(), settings)
    assert isinstance(events[0], Started)
    assert [e.step for e in events if isinstance(e, Measured)] == [0, 5, 10, 15, 20]
    assert [e.step for e in events if isinstance(e, Progress)] == list(range(1, 21))
    saved = next(e for e in events if isinstance(e, Saved))
    assert saved.path == f"{spec().key}/final.safetensors"
    assert saved.size == len(weights(settings, spec()))


def test_progress_right_after_an_evaluation_tells_a_loss_and_a_speed(settings: EngineSettings) -> None:
    """Both are counted anew from an evaluation on; nought steps have no mean loss and no speed."""
    events = run(spec(), settings)
    told = {e.step: e for e in events if isinstance(e, Progress)}
    for measured in (e for e in events if isinstance(e, Measured) and e.step):
        assert told[measured.step].loss == measured.metrics["train_loss"] > 0
        assert told[measured.step].images_per_second == measured.metrics["images_per_second"] > 0


# -- threads ------------------------------------------------------------------------------------------


@pytest.fixture
def threads() -> Iterator[None]:
    """Those of this process again, whatever a test sets."""
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def threads_told(events: list[Event]) -> int:
    return next(e.provenance["threads"] for e in events if isinstance(e, Started))


@pytest.fixture
def of_two_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lsncli.engine.threads.os.cpu_count", lambda: 2)


@pytest.mark.usefixtures("threads", "of_two_cores")
@pytest.mark.parametrize(("first", "then"), [(1, 2), (2, 1)])
@pytest.mark.parametrize("asked", [True, False])
def test_a_resumed_run_keeps_its_threads(
    first: int, then: int, asked: bool, settings: EngineSettings, elsewhere: EngineSettings
) -> None:
    """Whoever resumes it, and whether they ask for a number or just have one; so it ends as it would have."""

    def with_threads(where: EngineSettings, number: int) -> EngineSettings:
        torch.set_num_threads(number)
        return replace(where, threads=number if asked else None)

    run_spec = SPECS["resnet8, augmented"]()
    whole = run(run_spec, with_threads(elsewhere, first))
    part = run(run_spec, with_threads(settings, first), stop_after(7))
    rest = run(run_spec, with_threads(settings, then))
    assert [threads_told(events) for events in (whole, part, rest)] == [first] * 3
    assert torch.get_num_threads() == then
    assert notices(rest) == []
    assert metrics([*part, *rest]) == metrics(whole)
    assert weights(settings, run_spec) == weights(elsewhere, run_spec)


@pytest.mark.usefixtures("threads", "of_two_cores")
def test_more_threads_than_there_are_cores_are_not_kept(settings: EngineSettings) -> None:
    """The run was begun on a larger machine; its numbers are not those that it would have had, and it says so."""
    run(spec(), replace(settings, threads=3), stop_after(7))
    rest = run(spec(), replace(settings, threads=1))
    assert resumed_from(rest) == 7
    assert threads_told(rest) == 1
    [told] = notices(rest)
    assert "begun with 3 threads and goes on with 1" in told


@pytest.mark.usefixtures("threads", "of_two_cores")
def test_a_run_that_begins_anew_has_the_threads_of_whoever_begins_it(settings: EngineSettings) -> None:
    run(spec(), replace(settings, threads=1), stop_after(7))
    other = replace(settings, threads=2, precision="bf16")
    assert threads_told(run(spec(), other, stop_after(3))) == 2


def test_results_do_not_depend_on_what_was_trained_before(
    settings: EngineSettings, elsewhere: EngineSettings
) -> None:
    run(spec(loss="remembering"), settings)
    run(spec(seed=9), settings)
    run(spec(loss="remembering"), elsewhere)
    assert weights(settings, spec(loss="remembering")) == weights(elsewhere, spec(loss="remembering"))


def _reference(elsewhere: EngineSettings) -> EngineSettings:
    assert ending(run(spec(), elsewhere)).status == "done"
    return elsewhere
