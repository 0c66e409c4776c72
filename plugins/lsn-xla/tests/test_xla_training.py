"""Runs on XLA's CPU device: the same as on the processor, one program for all steps, and nobody waits for one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
import torch_xla.debug.metrics as counted
from lsncli.backends.selection import select_backend
from lsncli.engine import clock, workspace
from lsncli.engine.events import Measured
from lsncli.engine.feed import Feed, RecordedFeed
from lsncli.engine.replica_steps import ReplicaSteps
from lsncli.engine.run import Run
from lsncli.engine.settings import EngineSettings
from lsncli.engine.training import train
from lsncli.plan import ComponentSpec, RunSpec
from torch import nn

from xla_samples import ending, metrics, spec


def total(metric: str) -> int:
    """How often a metric of torch_xla has been taken in this process."""
    data = counted.metric_data(metric)
    return int(data[0]) if data else 0


def fallbacks() -> dict[str, int]:
    """Operations that XLA does not have, for which torch_xla goes to the processor."""
    return {n: counted.counter_value(n) for n in counted.counter_names() if n.startswith("aten::")}


def prepared(run: RunSpec, settings: EngineSettings) -> Run:
    backend, name = select_backend(settings.device)
    built = Run(run, settings, backend, name, backend.prepare(name, threads=1))
    built.work.module.train()
    return built


@pytest.mark.parametrize("model", ["mlp", "resnet8"])
def test_metrics_are_those_of_the_processor(model: str, on_xla: EngineSettings, on_cpu: EngineSettings) -> None:
    """Both sum float32 numbers, in another order. How that grows depends on the network: of a perceptron's 20 steps
    every metric keeps four digits; a residual network doubles a difference every few steps, so that it is its first
    evaluation, after 5 steps, that has to agree."""
    run = spec(model=model)
    there, here = list(train(run, on_xla)), list(train(run, on_cpu))
    assert ending(there).status == ending(here).status == "done"
    found, expected = metrics(there), metrics(here)
    assert found.keys() == expected.keys()
    compared = [at for at in found if model == "mlp" or at[0] <= 5]
    assert len(compared) > 10
    for at in compared:
        assert found[at] == pytest.approx(expected[at], rel=1e-3, abs=1e-3), at


def test_batches_are_the_same(on_xla: EngineSettings, on_cpu: EngineSettings) -> None:
    """Two epochs of cropped and flipped images, bit by bit."""
    feeds = []
    for settings in (on_xla, on_cpu):
        run = prepared(spec(), settings)
        feeds.append((RecordedFeed if run.backend.traced else Feed)(run.work.train, 3, 16))
    assert [type(feed) for feed in feeds] == [RecordedFeed, Feed]
    for step in range(8):
        batches = []
        for feed in feeds:
            feed.prepare(step)
            batches.append([part.cpu() for part in feed.batch()])
        feeds[0].advance()
        for found, expected in zip(*batches, strict=True):
            assert torch.equal(found, expected)


def test_nothing_is_compiled_after_the_first_evaluation(on_xla: EngineSettings) -> None:
    """Neither the learning rate, which changes at every step, nor the place of a batch in its epoch, nor the number
    of the step makes another program."""
    compiled = [
        total("CompileTime")
        for event in train(spec(steps=40, evaluations=4), on_xla)
        if isinstance(event, Measured) and event.step
    ]
    assert len(compiled) == 4
    assert compiled[0] > 0
    assert compiled[1:] == [compiled[0]] * 3


def test_a_step_reads_nothing_from_the_device(on_xla: EngineSettings) -> None:
    """The steps of an epoch after its first three: one program each, and the processor hears of none of them."""
    run = prepared(spec(model="resnet8", steps=100, batch_size=4), on_xla)
    steps = ReplicaSteps([run])
    for _ in range(3):
        steps.take()
    run.backend.synchronize()
    compiled, read, executed = total("CompileTime"), total("TransferFromDeviceTime"), total("ExecuteTime")
    values_read, sent = fallbacks(), total("TransferToDeviceTime")
    for _ in range(9):
        steps.take()
    assert total("TransferFromDeviceTime") == read
    assert fallbacks() == values_read
    # The learning rate is sent, as a number that nobody waits for.
    assert total("TransferToDeviceTime") <= sent + 9
    run.backend.synchronize()
    assert total("CompileTime") == compiled
    assert total("ExecuteTime") == executed + 9
    assert int(steps.step_tensor.item()) == 12


def test_no_operation_falls_back_to_the_processor(on_xla: EngineSettings) -> None:
    before = fallbacks()
    assert ending(train(spec(model="resnet8", steps=5, evaluations=1), on_xla)).status == "done"
    new = {name for name, count in fallbacks().items() if count != before.get(name, 0)}
    # The only values that are read one by one are the mean losses at evaluations.
    assert new <= {"aten::_local_scalar_dense"}


@pytest.mark.parametrize(
    ("model", "optimizer"),
    [("resnet8", None), ("mlp", ComponentSpec(name="lars", params={"lr": 1.0}))],
    ids=["sgd", "lars"],
)
def test_a_resumed_run_ends_as_an_uninterrupted_one(
    model: str, optimizer: ComponentSpec | None, on_xla: EngineSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock, "PROGRESS_SECONDS", 0.0)
    run = spec(model=model, steps=8, evaluations=2, optimizer=optimizer)
    asked = 0

    def stop() -> bool:
        nonlocal asked
        asked += 1
        return asked == 6

    assert ending(train(run, on_xla, stop)).status == "interrupted"
    resumed = list(train(run, on_xla))
    assert resumed[0].resumed_from == 6  # type: ignore[attr-defined]
    elsewhere = replace(on_xla, checkpoint_dir=on_xla.data_dir / "elsewhere" / run.key)
    whole = list(train(run, elsewhere))
    assert ending(resumed).status == ending(whole).status == "done"
    assert metrics(resumed) == metrics(whole)
    paths = [settings.weights_path(run.key) for settings in (on_xla, elsewhere)]
    assert all(paths)
    assert paths[0].read_bytes() == paths[1].read_bytes()  # type: ignore[union-attr]


def test_bf16(on_xla: EngineSettings) -> None:
    """Products are taken in bf16 (8 bits), losses in float32; the run learns what the fp32 run learns."""
    run = prepared(spec(), replace(on_xla, precision="bf16"))
    seen = []
    run.work.module.register_forward_hook(lambda module, images, logits: seen.append(logits.dtype))
    ReplicaSteps([run]).take()
    assert seen == [torch.bfloat16]
    assert run.state.loss_sum.dtype == torch.float64
    events = list(train(spec(steps=40), replace(on_xla, precision="bf16")))
    assert ending(events).status == "done"
    assert metrics(events)[40, "test_accuracy"] > 0.9


def test_dropout_is_drawn_from_the_seed_and_the_step_of_the_run(on_xla: EngineSettings) -> None:
    backend, name = select_backend("xla")
    device = backend.prepare(name, threads=1)
    ones = torch.ones(1000, device=device)
    seen: list[np.ndarray] = []
    step = backend.compile_step(lambda: seen.append(nn.functional.dropout(ones, 0.5).cpu().numpy()))

    def dropped(seed: int, steps: int = 1, looks: int = 0) -> np.ndarray:
        backend.seed(seed)
        for _ in range(steps):
            step()
            for _ in range(looks):
                backend.synchronize()
        return seen[-1]

    assert (dropped(1) == dropped(1)).all()
    assert (dropped(1) != dropped(2)).any()
    assert (dropped(1) != dropped(1, steps=2)).any()
    assert (dropped(1, steps=3) == dropped(1, steps=3, looks=2)).all()
    # 1000 draws: the standard deviation of the share is 0.016.
    assert abs((dropped(1) == 0).mean() - 0.5) < 5 * 0.016


def test_what_is_no_state_of_a_generator_is_refused(on_xla: EngineSettings) -> None:
    backend, _ = select_backend("xla")
    backend.seed(7)
    before = backend.random_state()
    for state in (torch.zeros(3, dtype=torch.int64), torch.zeros(2)):
        with pytest.raises(ValueError, match="a seed and a number of steps"):
            backend.restore_random_state(state)
    assert torch.equal(backend.random_state(), before)


def test_a_resumed_run_drops_out_what_it_would_have(
    on_xla: EngineSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The uninterrupted run is looked at once, the resumed one after every step."""
    build = workspace.build_architecture

    def dropping(*about: Any) -> nn.Module:
        return nn.Sequential(nn.Dropout(0.5), build(*about))

    monkeypatch.setattr(workspace, "build_architecture", dropping)
    run = spec(steps=8, evaluations=1)
    elsewhere = replace(on_xla, checkpoint_dir=on_xla.checkpoint_dir / "elsewhere")
    whole = list(train(run, elsewhere))
    monkeypatch.setattr(clock, "PROGRESS_SECONDS", 0.0)
    asked = 0

    def stop() -> bool:
        nonlocal asked
        asked += 1
        return asked == 5

    assert ending(train(run, on_xla, stop)).status == "interrupted"
    resumed = list(train(run, on_xla))
    assert resumed[0].resumed_from == 5  # type: ignore[attr-defined]
    assert ending(resumed).status == ending(whole).status == "done"
    assert metrics(resumed) == metrics(whole)
