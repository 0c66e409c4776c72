"""Executors with stacks: who shares one, what a dead worker costs, and that results stay what they are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stack_samples import MODELS, component, ending, metrics, provenance, spec

from lsncli.engine.events import Event, Finished, Measured, Started
from lsncli.engine.settings import EngineSettings
from lsncli.engine.stack_kinds import stack_kind
from lsncli.errors import LsnError
from lsncli.executors.frontier import Frontier, even_share
from lsncli.executors.in_process import InProcessExecutor
from lsncli.executors.interface import Control, Executor
from lsncli.executors.processes import ProcessExecutor
from lsncli.plan import ComponentSpec, Plan, RunSpec, TransitionSpec
from lsncli.recording import Recorder
from lsncli.store import Store


def execute(
    executor: Executor, specs: list[RunSpec], settings: EngineSettings, control: Control | None = None
) -> list[Event]:
    events: list[Event] = []
    executor.execute(Plan.of(specs), settings, events.append, control or Control())
    return events


# -- who shares a stack -------------------------------------------------------------------------------

ALIKE: dict[str, Callable[[], RunSpec]] = {
    "seed": lambda: spec(seed=5),
    "loss": lambda: spec("label-smoothing"),
    "noise": lambda: spec(rate=0.4),
    "learning rate": lambda: spec(optimizer={"lr": 0.3, "momentum": 0.5, "weight_decay": 0.0}),
    "schedule": lambda: spec(schedule="cosine"),
}
DIFFERENT: dict[str, Callable[[], RunSpec]] = {
    "architecture": lambda: spec(model=component("linear")),
    "width": lambda: spec(model=component("mlp", hidden=[10])),
    "batch size": lambda: spec(batch_size=17),
    "steps": lambda: spec(steps=21),
    "evaluations": lambda: spec(evaluations=5),
    "subset": lambda: spec().model_copy(update={"data": spec().data.model_copy(update={"train_size": 50})}),
}
ALONE: dict[str, Callable[[], RunSpec]] = {
    "convolutions": lambda: spec(model=component("resnet8")),
    "augmentation": lambda: spec(augment="flip"),
    "other optimiser": lambda: spec().model_copy(
        update={"train": spec().train.model_copy(update={"optimizer": ComponentSpec(name="lars")})}
    ),
    "student": lambda: spec().model_copy(update={"teacher": spec(seed=9)}),
}


@pytest.mark.parametrize("name", ALIKE)
def test_runs_that_fit_together(name: str) -> None:
    assert stack_kind(ALIKE[name]()) == stack_kind(spec()) is not None


@pytest.mark.parametrize("name", DIFFERENT)
def test_runs_of_another_kind(name: str) -> None:
    assert stack_kind(DIFFERENT[name]()) not in (None, stack_kind(spec()))


@pytest.mark.parametrize("name", ALONE)
def test_runs_that_train_alone(name: str) -> None:
    assert stack_kind(ALONE[name]()) is None


@given(count=st.integers(1, 500), most=st.integers(1, 64), lanes=st.integers(1, 16))
def test_shares_are_even(count: int, most: int, lanes: int) -> None:
    """No stack is too large; no worker gets a stack more than another, while there are enough runs."""
    size = even_share(count, most, lanes)
    assert 1 <= size <= most
    stacks = -(-count // size)
    fewest_rounds = -(-count // (most * lanes))
    assert stacks <= fewest_rounds * lanes


def test_stacks_of_a_plan() -> None:
    """120 runs, at most 32 at once, two workers: four stacks of 30; the odd one waits for its turn alone."""
    odd = spec(model=MODELS["linear"])
    frontier = Frontier(Plan.of([odd, *(spec(seed=seed) for seed in range(120))]), stack=32, lanes=2)
    sizes = []
    while runs := frontier.take_stack():
        sizes.append(len(runs))
    assert sizes == [1, 30, 30, 30, 30]
    assert not frontier


def test_runs_that_were_put_back_start_alone_and_next() -> None:
    frontier = Frontier(Plan.of(spec(seed=seed) for seed in range(4)), stack=3)
    stack = frontier.take_stack()
    assert len(stack) == 2
    frontier.put_back(stack)
    taken = [frontier.take_stack() for _ in range(3)]
    assert taken[:2] == [[stack[0]], [stack[1]]]
    assert len(taken[2]) == 2


def test_a_stack_waits_for_what_its_runs_need() -> None:
    """A run whose dependency is open is left out of the stack."""
    first, other = spec(seed=0), spec(seed=1)
    estimate = TransitionSpec(estimator=component("anchor"), run=first)
    waiting = spec(seed=2).model_copy(update={"transition": estimate})
    frontier = Frontier(Plan.of([first, waiting, other]), stack=8)
    assert [run.key for run in frontier.take_stack()] == [first.key, other.key]
    assert frontier.take_stack() == []
    frontier.finished(first.key, "done")
    assert [run.key for run in frontier.take_stack()] == [waiting.key]


# -- results ------------------------------------------------------------------------------------------


def test_both_executors_find_what_runs_find_alone(settings: EngineSettings, elsewhere: EngineSettings) -> None:
    """The single runs are the reference; the tolerance is float32's rounding over twenty steps."""
    specs = [spec(loss, seed=seed) for seed in (1, 2) for loss in ("standard", "forward-correction")]
    specs = [
        one if one.loss.name == "standard" else spec(component("forward-correction", alpha=0.2)) for one in specs
    ]
    specs = list({one.key: one for one in specs}.values())
    alone = metrics(execute(InProcessExecutor(), specs, elsewhere))
    here = execute(InProcessExecutor(stack=8), specs, settings)
    assert provenance(here, specs[0])["stack"] == len(specs)
    for one in specs:
        path = settings.weights_path(one.key)
        assert path is not None
        path.unlink()
    there = execute(ProcessExecutor(2, stack=2), specs, settings)
    for events in (here, there):
        assert {ending(events, one).status for one in specs} == {"done"}
        assert metrics(events).keys() == alone.keys()
        for key, value in metrics(events).items():
            assert value == pytest.approx(alone[key], rel=1e-4, abs=1e-6), key


@pytest.mark.usefixtures("plugin")
def test_a_dead_worker_costs_only_the_run_that_killed_it(settings: EngineSettings) -> None:
    """Nobody knows which run of a stack ended the process: they are trained again, one by one."""
    bad, good = spec("killed"), [spec(seed=seed) for seed in range(3)]
    events = execute(ProcessExecutor(1, stack=8), [*good[:2], bad, good[2]], settings)
    assert {ending(events, one).status for one in good} == {"done"}
    assert ending(events, bad).status == "failed"
    assert "ended by SIGKILL" in str(ending(events, bad).error)
    assert [e.key for e in events if isinstance(e, Started)].count(good[0].key) == 2


@pytest.mark.parametrize(
    "make", [InProcessExecutor, lambda stack: ProcessExecutor(1, stack)], ids=["here", "there"]
)
def test_a_stop_reaches_every_run(make: Callable[..., Executor], settings: EngineSettings) -> None:
    control, ends = Control(), []
    specs = [spec(seed=seed, steps=100_000, evaluations=1) for seed in range(3)]

    def emit(event: Event) -> None:
        control.stop()
        if isinstance(event, Finished):
            ends.append(event)

    make(stack=8).execute(Plan.of(specs), settings, emit, control)
    assert [end.status for end in ends] == ["interrupted"] * 3
    assert len({end.final_step for end in ends}) == 1
    for one in specs:
        path = settings.checkpoint_path(one.key)
        assert path is not None
        assert path.exists()


@pytest.mark.usefixtures("plugin")
def test_fail_fast_stops_the_stack(settings: EngineSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    from lsncli.engine import clock

    monkeypatch.setattr(clock, "PROGRESS_SECONDS", 0.0)
    bad, good, control = spec("raising"), spec(seed=1), Control(fail_fast=True)
    events = execute(InProcessExecutor(stack=8), [good, bad], settings, control)
    assert (ending(events, bad).status, ending(events, good).status) == ("failed", "interrupted")
    assert control.stopping


# -- storing ------------------------------------------------------------------------------------------


class Taking:
    """An ``Emit`` that takes several events at once."""

    def __init__(self) -> None:
        self.portions: list[list[Event]] = []

    def __call__(self, event: Event) -> None:
        self.portions.append([event])

    def together(self, events: Sequence[Event]) -> None:
        self.portions.append(list(events))


def test_events_that_wait_are_passed_on_at_once(settings: EngineSettings) -> None:
    """Each run's events keep their order, and none is lost or told twice."""
    specs = [spec(seed=seed) for seed in range(6)]
    taking = Taking()
    ProcessExecutor(1, stack=6).execute(Plan.of(specs), settings, taking, Control())
    events = [event for portion in taking.portions for event in portion]
    assert max(map(len, taking.portions)) > 1
    for one in specs:
        steps = [e.step for e in events if e.key == one.key and isinstance(e, Measured) and e.step]
        assert steps == [5, 10, 15, 20]
        assert ending(events, one).status == "done"


def test_a_portion_is_stored_whole_or_not_at_all(
    tmp_path: Path, settings: EngineSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A checkpoint goes only when the end of its run is stored."""

    def refuse(*arguments: object) -> None:
        raise LsnError("the disk is full")

    one = spec()
    path = settings.checkpoint_path(one.key)
    assert path is not None
    path.parent.mkdir(parents=True)
    path.write_bytes(b"the way back")
    heard: list[Event] = []
    with Store.open(str(tmp_path / "results.db")) as store:
        recorder = Recorder(store, Plan.of([one]), settings, listener=heard.append)
        begun, ended = Started(one.key, 20), Finished(one.key, "done", 20, 1.0)
        with monkeypatch.context() as patched:
            patched.setattr(store, "record_metrics", refuse)
            with pytest.raises(LsnError, match="the disk is full"):
                recorder.together([begun, ended, Measured(one.key, 20, {"x": 1.0})])
        assert store.statuses([one.key]) == {}
        assert path.exists()
        assert heard == []
        recorder = Recorder(store, Plan.of([one]), settings, listener=heard.append)
        recorder.together([begun, Measured(one.key, 20, {"x": 1.0}), ended])
        assert store.statuses([one.key])[one.key].status == "done"
        assert store.history(one.key) == {"x": [(20, 1.0)]}
        assert not path.exists()
        assert [type(event) for event in heard] == [Started, Measured, Finished]
