"""The engine on an NVIDIA GPU."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from engine_samples import ending, metrics, notices, resumed_from, run, spec, stop_after, weights

from lsncli.backends.cuda import CudaBackend
from lsncli.backends.selection import select_backend, select_precision
from lsncli.engine.events import Event, Finished, Started
from lsncli.engine.images import Normalisation, TrainingImages
from lsncli.engine.settings import EngineSettings
from lsncli.executors.interface import Control
from lsncli.executors.processes import ProcessExecutor
from lsncli.plan import ComponentSpec, Plan

REASON = CudaBackend().unavailable()

pytestmark = [pytest.mark.cuda, pytest.mark.skipif(REASON is not None, reason=f"no GPU: {REASON}")]

RESNET = ComponentSpec(name="resnet8", params={"width": 8})


@pytest.fixture
def gpu(settings: EngineSettings) -> EngineSettings:
    return replace(settings, device="cuda")


def test_it_is_the_default() -> None:
    backend, device = select_backend()
    assert device == "cuda:0"
    assert select_precision(backend, None) in backend.precisions()


@pytest.mark.parametrize("precision", [None, "fp32"])
@pytest.mark.parametrize("model", ["mlp", RESNET], ids=["mlp", "resnet8"])
def test_it_learns(model, precision: str | None, gpu: EngineSettings) -> None:
    events = run(spec(model=model, rate=0, steps=100, augment="flip"), replace(gpu, precision=precision))
    assert ending(events).status == "done"
    assert metrics(events)[100, "test_accuracy"] > 0.95
    told = next(e.provenance for e in events if isinstance(e, Started))
    assert told["backend"] == "cuda"
    assert told["memory_bytes"] > 0


@pytest.mark.usefixtures("told_every_step")
@pytest.mark.parametrize("model", ["mlp", RESNET], ids=["mlp", "resnet8"])
def test_twice_the_same_and_resumed_the_same(model, gpu: EngineSettings, elsewhere: EngineSettings) -> None:
    run_spec = spec(model=model, augment="crop-flip")
    whole = run(run_spec, gpu)
    again = replace(elsewhere, device="cuda")
    assert ending(run(run_spec, again, stop_after(7))).status == "interrupted"
    rest = run(run_spec, again)
    assert resumed_from(rest) == 7
    assert weights(gpu, run_spec) == weights(again, run_spec)
    last = {name: value for (step, name), value in metrics(whole).items() if step == 20}
    assert last == {name: value for (step, name), value in metrics(rest).items() if step == 20}


@pytest.mark.usefixtures("told_every_step", "plugin")
@pytest.mark.parametrize("stop_at", [2, 7])
def test_a_resumed_run_draws_what_the_device_would_have_drawn(
    stop_at: int, gpu: EngineSettings, elsewhere: EngineSettings
) -> None:
    """Before its step is recorded, and when a record has been repeated: what that has drawn must be counted."""
    run_spec = spec(model=RESNET, loss="drawing-there")
    whole = run(run_spec, gpu)
    assert notices(whole) == []
    again = replace(elsewhere, device="cuda")
    assert ending(run(run_spec, again, stop_after(stop_at))).status == "interrupted"
    run(run_spec, again)
    assert weights(gpu, run_spec) == weights(again, run_spec)


def test_the_same_batches_as_on_the_processor() -> None:
    import numpy as np

    pixels = np.random.default_rng(0).integers(0, 256, (50, 9, 7, 3), dtype=np.uint8)
    batches = []
    for device in (torch.device("cpu"), torch.device("cuda")):
        train = TrainingImages(pixels, Normalisation.of(pixels, device), "crop-flip", 2, device)
        indices, batch = train.batch(train.draw(4, 1), 16, 16)
        assert batch.is_contiguous(memory_format=torch.channels_last)
        batches.append((indices.cpu(), batch.cpu()))
    assert torch.equal(batches[0][0], batches[1][0])
    torch.testing.assert_close(batches[0][1], batches[1][1], rtol=0, atol=1e-6)


@pytest.mark.parametrize("augment", ["none", "crop-flip"])
def test_images_that_are_brought_step_by_step(
    augment: str, gpu: EngineSettings, elsewhere: EngineSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a recorded step, too, whose record knows the place that they are brought to."""
    run_spec = spec(model=RESNET, augment=augment, steps=20)
    run(run_spec, gpu)
    monkeypatch.setattr(CudaBackend, "room", lambda self: 100)
    brought = run(run_spec, replace(elsewhere, device="cuda"))
    assert notices(brought) == []
    assert weights(gpu, run_spec) == weights(replace(elsewhere, device="cuda"), run_spec)


def test_fp32_agrees_with_the_processor(gpu: EngineSettings, elsewhere: EngineSettings) -> None:
    """Without TF32: ten bits would be 1e-3 off after the first convolution alone."""
    run_spec = spec(model=RESNET, steps=2, evaluations=1)
    on_gpu = metrics(run(run_spec, replace(gpu, precision="fp32")))
    on_cpu = metrics(run(run_spec, elsewhere))
    assert on_gpu[2, "train_loss"] == pytest.approx(on_cpu[2, "train_loss"], rel=1e-5)


def test_the_step_is_captured_and_is_the_eager_step(gpu: EngineSettings, elsewhere: EngineSettings) -> None:
    """More steps than the warm-up, over two epochs, with a schedule: the same bits as kernel by kernel."""
    from lsncli.backends import cuda_graph

    run_spec = spec(model=RESNET, augment="crop-flip", steps=20)
    captured = run(run_spec, gpu)
    assert notices(captured) == []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cuda_graph, "WARM_UP", 10**6)
        eager = run(run_spec, replace(elsewhere, device="cuda"))
    assert metrics(captured) == metrics(eager)
    assert weights(gpu, run_spec) == weights(replace(elsewhere, device="cuda"), run_spec)


@pytest.mark.parametrize("replicas", [2, 3])
def test_branches_of_one_graph_are_the_solo_runs(
    replicas: int, gpu: EngineSettings, elsewhere: EngineSettings
) -> None:
    from lsncli.engine.events import Finished
    from lsncli.engine.training import train_replicas

    specs = [spec(model=RESNET, augment="crop-flip", seed=seed, loss="label-smoothing") for seed in range(3)]
    events = list(train_replicas(specs, gpu, replicas=replicas))
    assert [e.status for e in events if isinstance(e, Finished)] == ["done"] * 3
    alone = replace(elsewhere, device="cuda")
    for run_spec in specs:
        run(run_spec, alone)
        assert weights(gpu, run_spec) == weights(alone, run_spec)


def test_a_loss_that_waits_for_the_device_is_not_captured(gpu: EngineSettings, plugin: None) -> None:
    events = run(spec(loss="seeing", steps=20), gpu)
    assert ending(events).status == "done"
    assert len(notices(events)) == 1
    assert "cannot be recorded" in notices(events)[0]


def test_nothing_in_a_step_waits_for_the_device(gpu: EngineSettings) -> None:
    """torch raises at every synchronising call while the steps of a captured run are taken."""
    from lsncli.engine.replica_steps import ReplicaSteps
    from lsncli.engine.run import Run

    backend, name = select_backend("cuda")
    device = backend.prepare(name, threads=1)
    steps = ReplicaSteps([Run(spec(model=RESNET, augment="crop-flip", steps=100), gpu, backend, name, device)])
    for _ in range(6):
        steps.take()
    torch.cuda.set_sync_debug_mode("error")
    try:
        for _ in range(20):
            steps.take()
    finally:
        torch.cuda.set_sync_debug_mode("default")
    assert steps.notice() is None


@pytest.mark.parametrize("device", ["cuda", "cuda:0"])
def test_worker_processes_train_on_it(device: str, gpu: EngineSettings, elsewhere: EngineSettings) -> None:
    """On all GPUs that there are, each of equal numbers where the GPUs are equal."""
    runs = [spec(model=RESNET, seed=seed) for seed in range(4)]
    events: list[Event] = []
    executor = ProcessExecutor(max(2, torch.cuda.device_count()), replicas=2)
    executor.execute(Plan.of(runs), replace(gpu, device=device), events.append, Control())
    assert {e.status for e in events if isinstance(e, Finished)} == {"done"}
    told = {e.provenance["device_index"] for e in events if isinstance(e, Started)}
    assert told == (set(range(min(4, torch.cuda.device_count()))) if device == "cuda" else {0})
    if len({torch.cuda.get_device_name(n) for n in range(torch.cuda.device_count())}) == 1:
        for one in runs:
            run(one, replace(elsewhere, device="cuda:0"))
            assert weights(gpu, one) == weights(elsewhere, one)
