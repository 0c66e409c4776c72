"""What the runs of a stack tell; runs that diverge or fail leave the others as they are."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from stack_samples import component, ending, metrics, mixed, of_run, spec, weights

from lsncli.engine.events import Event, Finished, Measured, Progress, Recorded, Saved, Started
from lsncli.engine.settings import EngineSettings
from lsncli.engine.stacking import train_stack
from lsncli.engine.training import train
from lsncli.plan import RunSpec


def shape(event: Event) -> tuple[object, ...]:
    """What an event is about, without its numbers."""
    match event:
        case Started():
            return "started", event.steps, event.resumed_from, sorted(set(event.provenance) - {"stack"})
        case Measured():
            return "measured", event.step, sorted(event.metrics)
        case Progress():
            return "progress", event.step
        case Recorded():
            return "recorded", event.step, event.name, event.array.shape, str(event.array.dtype)
        case Saved():
            return "saved", event.name, event.path, event.size
        case Finished():
            return "finished", event.status, event.final_step, event.error
        case _:
            return ("notice",)


@pytest.mark.usefixtures("told_every_step")
def test_each_run_tells_what_it_tells_alone(settings: EngineSettings, elsewhere: EngineSettings) -> None:
    specs = mixed(evaluations=3)
    events = list(train_stack(specs, settings))
    for one in specs:
        assert [shape(e) for e in of_run(events, one)] == [shape(e) for e in train(one, elsewhere)]
    kept = sorted(path.relative_to(settings.checkpoint_dir) for path in settings.checkpoint_dir.rglob("*.*"))  # type: ignore[type-var, union-attr]
    assert kept == sorted(
        path.relative_to(elsewhere.checkpoint_dir) for path in elsewhere.checkpoint_dir.rglob("*.*")
    )  # type: ignore[type-var, union-attr]


def test_labels_and_counts_of_noise_are_each_runs_own(settings: EngineSettings, elsewhere: EngineSettings) -> None:
    specs = [spec(seed=seed, rate=rate) for seed, rate in ((0, 0.1), (1, 0.1), (0, 0.4))]
    events = list(train_stack(specs, settings))
    for one in specs:
        counts, alone = (
            next(e.array for e in given if isinstance(e, Recorded) and e.name == "noise_transition_counts")
            for given in (of_run(events, one), train(one, elsewhere))
        )
        assert np.array_equal(counts, alone)


def test_the_shares_of_time_add_up(settings: EngineSettings) -> None:
    """Summed over the runs, their seconds are no more than what a clock beside them measures."""
    import time

    begin = time.perf_counter()
    specs = [spec(seed=seed) for seed in range(4)]
    events = list(train_stack(specs, settings))
    passed = time.perf_counter() - begin
    seconds = [ending(events, one).seconds for one in specs]
    assert all(share > 0 for share in seconds)
    assert sum(seconds) <= passed
    rates = [e.metrics["images_per_second"] for e in events if isinstance(e, Measured) and e.step]
    assert all(rate > 0 for rate in rates)


BAD: dict[str, tuple[Callable[[], RunSpec], str, int, str]] = {
    "diverging": (lambda: spec(optimizer={"lr": 1e30}), "diverged", 5, "after 5 steps"),
    "diverging, unbounded loss": (
        lambda: spec(component("backward-correction", alpha=0.5, floor=0.0), optimizer={"lr": 1e20}),
        "diverged",
        5,
        "after 5 steps",
    ),
    "raising": (lambda: spec("raising"), "failed", 5, "RuntimeError: the fifth step"),
    "wrong shape": (lambda: spec("mean"), "failed", 0, "loss 'mean' returned shape [] for a batch of 16 examples"),
    # Every label is as likely as any other: T is singular.
    "impossible loss": (
        lambda: spec(component("backward-correction", transition="true"), rate=0.75),
        "failed",
        0,
        "singular",
    ),
}


@pytest.mark.usefixtures("plugin", "slices_alike")
@pytest.mark.parametrize("name", BAD)
def test_a_bad_neighbour_does_no_harm(name: str, settings: EngineSettings, elsewhere: EngineSettings) -> None:
    make, status, step, words = BAD[name]
    bad, good = make(), [spec(seed=seed) for seed in (1, 2)]
    events = list(train_stack([good[0], bad, good[1]], settings))
    end = ending(events, bad)
    assert (end.status, end.final_step) == (status, step)
    assert words in str(end.error)
    alone = ending(list(train(bad, elsewhere)), bad)
    assert (end.status, end.final_step, end.error) == (alone.status, alone.final_step, alone.error)
    assert (end.traceback is None) == (alone.traceback is None)
    undisturbed = list(train_stack(good, elsewhere))
    for one in good:
        assert ending(events, one).status == "done"
        assert metrics(of_run(events, one)) == metrics(of_run(undisturbed, one))
        ours, theirs = weights(settings, one), weights(elsewhere, one)
        assert all(bool((ours[k] == theirs[k]).all()) for k in theirs)


@pytest.mark.usefixtures("plugin")
def test_a_stack_of_which_nothing_is_left_ends(settings: EngineSettings) -> None:
    specs = [spec("raising", seed=1), spec("raising", seed=2), spec(optimizer={"lr": 1e30})]
    events = list(train_stack(specs, settings))
    assert [ending(events, one).status for one in specs] == ["failed", "failed", "diverged"]


def test_an_unusable_device_ends_every_run(settings: EngineSettings) -> None:
    from dataclasses import replace

    specs = [spec(seed=seed) for seed in range(2)]
    events = list(train_stack(specs, replace(settings, device="tpu")))
    assert [ending(events, one).status for one in specs] == ["failed", "failed"]
    assert "tpu" in str(ending(events, specs[0]).error)


def test_a_disk_that_refuses_one_runs_files(settings: EngineSettings) -> None:
    """A file lies where the folder of a run should be."""
    specs = [spec(seed=seed) for seed in range(3)]
    assert settings.checkpoint_dir is not None
    settings.checkpoint_dir.mkdir()
    (settings.checkpoint_dir / specs[1].key).write_text("in the way")
    events = list(train_stack(specs, settings))
    assert [ending(events, one).status for one in specs] == ["done", "failed", "done"]
    assert "cannot write" in str(ending(events, specs[1]).error)
    assert "LsnError" in str(ending(events, specs[1]).traceback)
