"""One step against plain PyTorch; diverging and failing runs; precision; what is told of a run."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from engine_samples import draw_images, ending, metrics, run, spec
from safetensors.torch import load_file
from torch.nn import functional

from lsncli.components import ArchitectureContext
from lsncli.engine.events import Finished, Started
from lsncli.engine.settings import EngineSettings
from lsncli.engine.streams import stream, torch_seed
from lsncli.engine.training import train
from lsncli.noise.draws import checked_labels
from lsncli.plan import ComponentSpec, DataSpec
from lsncli.registry import registry


@pytest.mark.parametrize("steps", [1, 3])
def test_training_equals_plain_pytorch(steps: int, settings: EngineSettings, tmp_path) -> None:
    """Steps of an mlp written out: numpy images, functional cross-entropy, Nesterov's update by hand."""
    run_spec = spec(steps=steps, rate=0, evaluations=1)
    assert ending(run(run_spec, settings)).status == "done"
    path = settings.weights_path(run_spec.key)
    assert path is not None
    trained = {name.removeprefix("model."): value.double() for name, value in load_file(path).items()}

    arrays = draw_images(tmp_path / "copy")
    pixels = arrays.train_images.astype(np.float64)
    normal = (pixels - pixels.mean((0, 1, 2))) / pixels.std((0, 1, 2))
    inputs = torch.from_numpy(normal.transpose(0, 3, 1, 2).reshape(64, -1))
    labels = torch.from_numpy(checked_labels(arrays.train_labels, 4))
    torch.manual_seed(torch_seed(run_spec.seed, "initialisation"))
    info = registry().get("architecture", "mlp")
    initial = info.build(info.params(), ArchitectureContext(4, (3, 8, 6))).state_dict()
    weights = {name: value.double().requires_grad_() for name, value in initial.items()}
    velocity = {name: torch.zeros_like(value) for name, value in weights.items()}
    order = stream(run_spec.seed, "order", 0).permutation(64)
    for step in range(steps):
        batch = order[16 * step : 16 * step + 16]
        hidden = functional.linear(inputs[batch], weights["hidden1.weight"], weights["hidden1.bias"]).relu()
        logits = functional.linear(hidden, weights["classifier.weight"], weights["classifier.bias"])
        gradients = torch.autograd.grad(functional.cross_entropy(logits, labels[batch]), list(weights.values()))
        with torch.no_grad():
            for (name, value), gradient in zip(weights.items(), gradients, strict=True):
                decayed = gradient + 1e-3 * value
                velocity[name] = 0.9 * velocity[name] + decayed
                value -= 0.05 * (decayed + 0.9 * velocity[name])
    assert trained.keys() == weights.keys()
    for name, value in weights.items():
        torch.testing.assert_close(trained[name], value.detach(), rtol=0, atol=2e-6)
        assert not torch.allclose(trained[name], initial[name].double(), rtol=0, atol=1e-4)


def test_it_learns(settings: EngineSettings) -> None:
    """The drawn classes are easily told apart: without noise there are no mistakes."""
    found = metrics(run(spec(rate=0, steps=60), settings))
    assert found[60, "test_accuracy"] == 1
    assert found[60, "train_accuracy_full_given"] == 1


@pytest.mark.usefixtures("plugin")
def test_a_diverging_loss_keeps_what_was_measured_before(settings: EngineSettings) -> None:
    # Evaluated every 5 steps; the loss is infinite from the tenth step on.
    events = run(spec(loss="infinite"), settings)
    end = ending(events)
    assert (end.status, end.final_step) == ("diverged", 10)
    assert end.error == "the training loss is inf after 10 steps"
    assert {step for step, _ in metrics(events)} == {0, 5, 10}
    # Of the step at which it diverged the loss is known, and nothing else.
    assert {name: value for (step, name), value in metrics(events).items() if step == 10} == {
        "train_loss": math.inf
    }
    assert not settings.weights_path(end.key).exists()  # type: ignore[union-attr]


@pytest.mark.usefixtures("plugin")
def test_a_last_update_to_infinity_is_divergence(settings: EngineSettings) -> None:
    """The loss of the twelfth and last step is about 1e37, which is finite; the weights after it are not."""
    events = run(spec(loss="exploding", steps=12, evaluations=1), settings)
    assert ending(events).status == "diverged"
    assert ending(events).error == "the logits are not finite after 12 steps"
    assert {step for step, _ in metrics(events)} == {0, 12}
    assert not math.isfinite(metrics(events)[12, "test_nll"])


@pytest.mark.parametrize(
    "run_spec",
    [
        spec(optimizer={"lr": 1e30}),
        spec(
            loss=ComponentSpec(name="backward-correction", params={"alpha": 0.5, "floor": 0.0}),
            optimizer={"lr": 1e4},
            model=ComponentSpec(name="mlp", params={"hidden": [16, 16]}),
            steps=200,
        ),
    ],
    ids=["huge learning rate", "backward correction without a floor"],
)
def test_real_divergence(run_spec, settings: EngineSettings) -> None:
    end = ending(run(run_spec, settings))
    assert end.status == "diverged"
    assert end.error is not None
    assert end.traceback is None
    assert 0 < end.final_step <= run_spec.train.steps


def test_divergence_is_noticed_between_evaluations(settings: EngineSettings) -> None:
    end = ending(run(spec(optimizer={"lr": 1e30}, steps=1000, evaluations=1), settings))
    assert (end.status, end.final_step) == ("diverged", 200)


@pytest.mark.usefixtures("plugin")
def test_an_error_inside_a_step_is_the_runs_own(settings: EngineSettings) -> None:
    end = ending(run(spec(loss="raising"), settings))
    assert (end.status, end.final_step) == ("failed", 5)
    assert end.error == "RuntimeError: the fifth step"  # one line
    assert end.traceback is not None
    assert "too much" in end.traceback


@pytest.mark.usefixtures("plugin")
def test_a_loss_of_the_wrong_shape_is_told(settings: EngineSettings) -> None:
    end = ending(run(spec(loss="mean"), settings))
    assert end.status == "failed"
    assert end.error is not None
    assert "loss 'mean' returned shape [] for a batch of 16 examples" in end.error
    assert "LsnError" in str(end.traceback)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"data": DataSpec(name="nowhere")}, "unknown data set 'nowhere'"),
        ({"train": spec(batch_size=65).train}, "batch_size 65 is larger than the training set (64)"),
        ({"loss": ComponentSpec(name="standard", revision=7)}, "is installed in revision 1, the run asks for 7"),
        ({"model": ComponentSpec(name="resnet33")}, "unknown architecture 'resnet33'"),
    ],
)
def test_what_cannot_start_fails_with_one_line(change, words: str, settings: EngineSettings) -> None:
    events = run(spec().model_copy(update=change), settings)
    (end,) = events
    assert isinstance(end, Finished)
    assert end.status == "failed"
    assert end.error is not None
    assert words in end.error
    assert "\n" not in end.error
    assert str(end.traceback).startswith("Traceback")


@pytest.mark.parametrize("name", ["standard", "label-smoothing", "backward-correction", "forward-correction"])
def test_losses_under_bf16_autocast(name: str, settings: EngineSettings) -> None:
    params = {} if name in ("standard", "label-smoothing") else {"alpha": 0.3}
    run_spec = spec(loss=ComponentSpec(name=name, params=params), rate=0, steps=60)
    events = run(run_spec, replace(settings, precision="bf16"))
    assert ending(events).status == "done"
    found = metrics(events)
    assert all(math.isfinite(value) for value in found.values())
    assert found[60, "test_accuracy"] > 0.9
    assert next(e.provenance["precision"] for e in events if isinstance(e, Started)) == "bf16"
    path = settings.weights_path(run_spec.key)
    assert path is not None
    assert {value.dtype for value in load_file(path).values()} == {torch.float32}


def test_bf16_is_another_computation(settings: EngineSettings, elsewhere: EngineSettings) -> None:
    exact, rounded = run(spec(), settings), run(spec(), replace(elsewhere, precision="bf16"))
    assert metrics(exact)[20, "train_loss"] != metrics(rounded)[20, "train_loss"]
    # bf16 keeps 8 bits: within a few per cent after 20 steps.
    assert metrics(rounded)[20, "train_loss"] == pytest.approx(metrics(exact)[20, "train_loss"], rel=0.1)


def test_provenance(settings: EngineSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A_SECRET", "do-not-store-this")
    started = run(spec(), replace(settings, command="lsn run this.toml"))[0]
    assert isinstance(started, Started)
    told = started.provenance
    assert {"lsn", "python", "packages", "plugins", "git", "backend", "device", "threads"} <= set(told)
    assert told["threads"] == 1
    assert told["precision"] == "fp32"
    assert told["memory_format"] == "channels_last"
    assert (
        told["packages"]["torch"] == torch.__version__.split("+")[0]
        or told["packages"]["torch"] == torch.__version__
    )
    assert told["command"] == "lsn run this.toml"
    assert told["seeds"] == {"run": 3, "noise": 0, "subset": 0}
    assert len(told["data_digest"]) == 64
    # 8·6·3 inputs, 64 hidden units, 4 classes.
    assert told["parameters"] == 144 * 64 + 64 + 64 * 4 + 4
    assert "do-not-store-this" not in json.dumps(told)


def test_the_process_is_left_as_it_was(settings: EngineSettings) -> None:
    """Threads and denormal numbers: a flush mode that stays on would change other code's arithmetic."""
    before = torch.get_num_threads()
    run(spec(), replace(settings, threads=before + 1))
    assert torch.get_num_threads() == before
    assert (torch.tensor([1e-40]) * 0.5).item() > 0
    events = train(spec(), settings)
    next(events)
    events.close()  # type: ignore[attr-defined]
    assert (torch.tensor([1e-40]) * 0.5).item() > 0
