"""A stack that was interrupted ends exactly as one that was not."""

from __future__ import annotations

from dataclasses import replace

import pytest
from stack_samples import begun_at, component, ending, metrics, mixed, of_run, spec, stop_after, weights

from lsncli.engine import stacking
from lsncli.engine.events import Event, Notice
from lsncli.engine.settings import EngineSettings
from lsncli.engine.stacking import train_stack
from lsncli.engine.training import train
from lsncli.plan import RunSpec

pytestmark = pytest.mark.usefixtures("told_every_step", "plugin")


def runs() -> list[RunSpec]:
    """Mixed runs, two of them with losses that remember and draw random numbers."""
    return [*mixed()[:4], spec("remembering", seed=1), spec("remembering", seed=2), *mixed()[4:]]


def assert_same(specs: list[RunSpec], settings: EngineSettings, elsewhere: EngineSettings) -> None:
    for one in specs:
        ours, theirs = weights(settings, one), weights(elsewhere, one)
        assert all(bool((ours[name] == theirs[name]).all()) for name in theirs)


@pytest.mark.parametrize("at", [[1], [7], [4, 5, 19]], ids=str)
def test_resumed_stack_is_bit_identical(at: list[int], settings: EngineSettings, elsewhere: EngineSettings) -> None:
    specs = runs()
    whole = list(train_stack(specs, elsewhere))
    pieces: list[Event] = []
    for before, stop_at in zip([0, *at], at, strict=False):
        part = list(train_stack(specs, settings, stop_after(stop_at - before)))
        assert {(ending(part, one).status, ending(part, one).final_step) for one in specs} == {
            ("interrupted", stop_at)
        }
        assert {begun_at(part, one) for one in specs} == {before}
        pieces += part
    part = list(train_stack(specs, settings))
    assert {begun_at(part, one) for one in specs} == {at[-1]}
    assert {ending(part, one).status for one in specs} == {"done"}
    assert metrics(pieces + part) == metrics(whole)
    assert_same(specs, settings, elsewhere)


@pytest.mark.usefixtures("slices_alike")
def test_runs_that_have_come_less_far_catch_up(settings: EngineSettings, elsewhere: EngineSettings) -> None:
    """One checkpoint is lost, one is damaged: those runs start anew, in a stack of their own."""
    specs = [spec(seed=seed) for seed in range(4)]
    whole = list(train_stack(specs, elsewhere))
    list(train_stack(specs, settings, stop_after(6)))
    lost, damaged = (settings.checkpoint_path(one.key) for one in specs[:2])
    assert lost is not None
    assert damaged is not None
    lost.unlink()
    damaged.write_bytes(damaged.read_bytes()[:-100])
    events = list(train_stack(specs, settings))
    assert [begun_at(events, one) for one in specs] == [0, 0, 6, 6]
    told = [event.key for event in events if isinstance(event, Notice)]
    assert told == [specs[1].key]
    assert {ending(events, one).status for one in specs} == {"done"}
    assert_same(specs, settings, elsewhere)
    assert metrics(of_run(events, specs[0])) == metrics(of_run(whole, specs[0]))


@pytest.mark.usefixtures("slices_alike")
@pytest.mark.parametrize("loss", [component("label-smoothing", alpha=0.3), component("remembering")])
def test_alone_and_in_a_stack_checkpoints_are_the_same(
    loss: object, settings: EngineSettings, elsewhere: EngineSettings
) -> None:
    """Begun in a stack, gone on alone, ended in another stack: weights within rounding of the run alone."""
    one, others = spec(loss, seed=1), [spec(seed=2), spec(seed=3)]  # type: ignore[arg-type]
    list(train(one, elsewhere))
    list(train_stack([one, *others], settings, stop_after(5)))
    part = list(train(one, settings, stop_after(4)))
    assert (begun_at(part, one), ending(part, one).final_step) == (5, 9)
    part = list(train_stack([one, spec(seed=4)], settings))
    assert begun_at(part, one) == 9
    ours, theirs = weights(settings, one), weights(elsewhere, one)
    for name in theirs:
        assert ours[name].numpy() == pytest.approx(theirs[name].numpy(), rel=1e-4, abs=1e-6)


def test_a_checkpoint_is_written_now_and_then(settings: EngineSettings) -> None:
    """Whoever is killed goes on from the last one: here, with no pause between two, from the step before."""
    specs = [spec(seed=seed) for seed in range(3)]
    events = train_stack(specs, replace(settings, checkpoint_seconds=0.0))
    for event in events:
        if getattr(event, "step", 0) == 9:
            break
    events.close()
    part = list(train_stack(specs, settings))
    assert {begun_at(part, one) for one in specs} == {8}
    assert {ending(part, one).status for one in specs} == {"done"}


def test_a_stop_between_two_stacks(settings: EngineSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs that had not begun make a step and stop too: each one has its end."""
    monkeypatch.setattr(stacking, "STACK_BYTES", 1)
    specs = [spec(seed=seed) for seed in range(2)]
    events = list(train_stack(specs, settings, stop_after(5)))
    assert [(ending(events, one).status, ending(events, one).final_step) for one in specs] == [
        ("interrupted", 5),
        ("interrupted", 1),
    ]
