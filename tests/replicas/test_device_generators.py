"""The generator of a device, which the runs on it share: each draws what it would draw alone, resumed or not."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable
from dataclasses import replace
from itertools import count

import pytest
import torch
from replica_samples import ends, measured, spec, weights

from lsncli.backends.cuda import CudaBackend
from lsncli.engine import training
from lsncli.engine.events import Notice, Started
from lsncli.engine.settings import EngineSettings
from lsncli.engine.tensor_file import read_tensors, write_tensors
from lsncli.engine.training import train, train_replicas
from lsncli.plan import RunSpec


@pytest.fixture
def diced(settings: EngineSettings) -> EngineSettings:
    return replace(settings, device="dicer")


@pytest.fixture
def diced_elsewhere(elsewhere: EngineSettings) -> EngineSettings:
    return replace(elsewhere, device="dicer")


def stop_after(times: int) -> Callable[[], bool]:
    asked_for = count(1)
    return lambda: next(asked_for) >= times


def change_checkpoint(
    settings: EngineSettings, run: RunSpec, change: Callable[[dict[str, torch.Tensor]], object]
) -> None:
    path = settings.checkpoint_path(run.key)
    assert path is not None
    tensors, about = read_tensors(path)
    change(tensors)
    write_tensors(path, tensors, {name: value for name, value in about.items() if name != "format"})


def test_a_run_that_is_put_back_leaves_its_seed_to_nobody(
    diced: EngineSettings, diced_elsewhere: EngineSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second is built beside the first, seeds the device, and is found to draw from it."""
    monkeypatch.setattr(training, "may_share_device", lambda run: run.spec.loss.name != "dicing")
    runs = [spec("dicing", seed=1), spec("dicing", seed=2), spec(seed=3)]
    events = list(train_replicas(runs, diced, replicas=2))
    assert {end.status for end in ends(events).values()} == {"done"}
    for run in runs:
        alone = list(train(run, diced_elsewhere))
        assert measured(events)[run.key] == measured(alone)[run.key]
        assert weights(diced, run) == weights(diced_elsewhere, run)


def test_the_comparison_would_notice(diced: EngineSettings, diced_elsewhere: EngineSettings) -> None:
    """What the device draws changes the weights."""
    list(train(spec("dicing"), diced))
    list(train(spec(), diced_elsewhere))
    before, after = (
        where.weights_path(run.key) for where, run in ((diced, spec("dicing")), (diced_elsewhere, spec()))
    )
    assert before is not None
    assert after is not None
    one, other = (read_tensors(path)[0] for path in (before, after))
    assert any(not torch.equal(one[name], other[name]) for name in one)


@pytest.mark.usefixtures("told_every_step")
@pytest.mark.parametrize("stop_at", [1, 5])
def test_a_resumed_run_draws_what_it_would_have_drawn(
    stop_at: int, diced: EngineSettings, diced_elsewhere: EngineSettings
) -> None:
    list(train(spec("dicing"), diced, stop_after(stop_at)))
    rest = list(train(spec("dicing"), diced))
    assert [event.resumed_from for event in rest if isinstance(event, Started)] == [stop_at]
    list(train(spec("dicing"), diced_elsewhere))
    assert weights(diced, spec("dicing")) == weights(diced_elsewhere, spec("dicing"))


@pytest.mark.usefixtures("told_every_step")
def test_a_checkpoint_without_the_state_of_the_device_is_of_use(diced: EngineSettings) -> None:
    """An older lsn has not kept it."""
    list(train(spec("dicing"), diced, stop_after(5)))
    change_checkpoint(diced, spec("dicing"), lambda tensors: tensors.pop("device_generator"))
    events = list(train(spec("dicing"), diced))
    assert [event.resumed_from for event in events if isinstance(event, Started)] == [5]
    assert ends(events)[spec("dicing").key].status == "done"


@pytest.mark.usefixtures("told_every_step")
@pytest.mark.parametrize("loss", ["dicing", "drawing"])
def test_a_state_that_is_none_starts_the_run_anew(
    loss: str, diced: EngineSettings, diced_elsewhere: EngineSettings
) -> None:
    """With the processor's generator as it was, too: the checkpoint's was good, and must not be left behind."""
    list(train(spec(loss), diced, stop_after(5)))
    wrong = {"device_generator": torch.zeros(3, dtype=torch.uint8)}
    change_checkpoint(diced, spec(loss), lambda tensors: tensors.update(wrong))
    events = list(train(spec(loss), diced))
    assert "does not fit the run" in next(event.message for event in events if isinstance(event, Notice))
    list(train(spec(loss), diced_elsewhere))
    assert weights(diced, spec(loss)) == weights(diced_elsewhere, spec(loss))


def test_on_a_gpu_it_is_the_state_of_the_current_device(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = [torch.arange(16, dtype=torch.uint8)]
    monkeypatch.setattr(torch.cuda, "get_rng_state", lambda: kept[-1])
    monkeypatch.setattr(torch.cuda, "set_rng_state", kept.append)
    backend = CudaBackend()
    assert torch.equal(backend.random_state(), kept[0])
    backend.restore_random_state(torch.ones(16, dtype=torch.uint8))
    assert torch.equal(kept[-1], torch.ones(16, dtype=torch.uint8))


def test_nothing_of_the_runs_before_is_left_when_the_next_are_built(
    diced: EngineSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their images would be on the device twice; nor is anything kept of a run that was built and put back."""
    monkeypatch.setattr(training, "may_share_device", lambda run: run.spec.loss.name != "dicing")
    alive: list[weakref.ref[object]] = []
    found: list[int] = []

    class Watched(training.Run):
        def __init__(self, *arguments: object) -> None:
            found.append(sum(one() is not None for one in alive))
            super().__init__(*arguments)  # type: ignore[arg-type]
            alive.append(weakref.ref(self.work.train))

    monkeypatch.setattr(training, "Run", Watched)
    gc.collect()
    gc.disable()
    try:
        list(train_replicas([spec(seed=1), spec(seed=2), spec(seed=3), spec("dicing", seed=4)], diced, replicas=2))
    finally:
        gc.enable()
    # 1 and 2 share their images; 3 is built, 4 beside it, which is put back and built again by itself.
    assert found == [0, 1, 0, 1, 0]
