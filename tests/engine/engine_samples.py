"""Specs, drawn images and losses that the tests of the engine share."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np

from lsncli.data.arrays import Arrays
from lsncli.data.stored import describe_arrays, save
from lsncli.engine.events import Event, Finished, Measured, Notice, Started
from lsncli.engine.settings import EngineSettings
from lsncli.engine.training import train
from lsncli.plan import ComponentSpec, DataSpec, NoiseSpec, RunSpec, TrainSpec

CLASSES = 4

#: A plugin with losses that do what a test needs; it is found like any installed plugin.
PLUGIN = '''
from lsncli import LossInfo, OptimizerInfo, hookimpl

SEEN = []

def cross_entropy(logits, targets):
    from torch.nn import functional
    return functional.cross_entropy(logits.float(), targets, reduction="none")

def raising(params, context):
    def loss(logits, targets, inputs=None):
        if int(inputs.step) == 5:
            raise RuntimeError("the fifth step\\nis too much")
        return cross_entropy(logits, targets)
    return loss

def infinite(params, context):
    def loss(logits, targets, inputs=None):
        return cross_entropy(logits, targets) * (float("inf") if int(inputs.step) >= 9 else 1.0)
    return loss

def exploding(params, context):
    def loss(logits, targets, inputs=None):
        return cross_entropy(logits, targets) * (1e37 if int(inputs.step) == 11 else 1.0)
    return loss

def seeing(params, context):
    def loss(logits, targets, inputs=None):
        SEEN.append((int(inputs.step), inputs.indices.tolist(), targets.tolist()))
        return cross_entropy(logits, targets)
    return loss

def mean(params, context):
    return lambda logits, targets, inputs=None: cross_entropy(logits, targets).mean()

def remembering(params, context):
    import torch

    class Remembering(torch.nn.Module):
        """Weighs an example by its own past losses, and by chance."""

        def __init__(self):
            super().__init__()
            self.register_buffer("memory", torch.zeros(context.num_examples))

        def forward(self, logits, targets, inputs=None):
            losses = cross_entropy(logits, targets)
            weighed = losses * (1 + self.memory[inputs.indices]) * torch.rand(len(losses))
            self.memory[inputs.indices] = 0.5 * self.memory[inputs.indices] + losses.detach()
            return weighed

    return Remembering()

def drawing_there(params, context):
    import torch

    return lambda logits, targets, inputs=None: cross_entropy(logits, targets) * torch.rand(
        len(logits), device=logits.device
    )

def adam(params, parameters):
    import torch
    return torch.optim.Adam(parameters, lr=0.01)

def warming(params, parameters):
    import torch

    class Warming(torch.optim.SGD):
        """Keeps in its groups what it counts, as schedule-free SGD, Prodigy and D-Adaptation do."""

        def __init__(self, parameters):
            super().__init__(parameters, lr=0.05)
            for group in self.param_groups:
                group |= {"steps": 0, "seen": (0.0, [None, True]), "mean": torch.zeros(()), "said": "nothing yet"}

        def step(self, closure=None):
            for group in self.param_groups:
                group["steps"] += 1
                group["seen"] = (group["seen"][0] + 0.1, [*group["seen"][1], None, False])
                group["mean"] = 0.9 * group["mean"] + 0.1
                group["said"] = f"{group['steps']} steps"
                assert len(group["seen"][1]) == 2 * group["steps"] + 2
                assert group["said"] == f"{group['steps']} steps"
                for parameter in group["params"]:
                    parameter.grad.mul_(min(1.0, group["steps"] / 15) * group["seen"][0] * group["mean"])
            super().step(closure)

    return Warming(parameters)

def deaf(params, parameters):
    import torch

    optimizer = torch.optim.SGD(parameters, lr=0.05)
    optimizer.param_groups[0]["decide"] = lambda step: step
    return optimizer

@hookimpl
def lsn_losses(register):
    for build in (raising, infinite, exploding, seeing, mean, remembering):
        register(LossInfo(name=build.__name__, build=build))
    register(LossInfo(name="drawing-there", build=drawing_there))

@hookimpl
def lsn_optimizers(register):
    for build in (adam, warming, deaf):
        register(OptimizerInfo(name=build.__name__, build=build))
'''


def install(site: Path, name: str, source: str) -> None:
    """Put a plugin distribution into ``site``, as an installer would."""
    info = site / f"{name}-1.0.dist-info"
    info.mkdir(parents=True)
    (site / f"{name}.py").write_text(source)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[lsn]\n{name} = {name}\n")


def draw_images(data_dir: Path, *, name: str = "drawn", train: int = 64, clean: bool = True) -> Arrays:
    """Prepare a small data set that can be learnt: red, green, blue and dark images."""
    generator = np.random.default_rng(7)

    def part(count: int) -> tuple[np.ndarray, np.ndarray]:
        labels = np.arange(count, dtype=np.int64) % CLASSES
        colours = np.array([[140, 0, 0], [0, 140, 0], [0, 0, 140], [0, 0, 0]])
        images = generator.integers(0, 110, (count, 8, 6, 3)) + colours[labels][:, None, None, :]
        return images.astype(np.uint8), labels

    arrays = Arrays.of(*part(train), *part(40), tuple("abcd"), train_labels_clean=clean)
    save(data_dir / "prepared" / name, arrays, describe_arrays(name, arrays, source="drawn"))
    return arrays


def spec(
    *,
    loss: ComponentSpec | str = "standard",
    model: ComponentSpec | str = "mlp",
    optimizer: dict[str, Any] | str | None = None,
    rate: float = 0.25,
    data: str = "drawn",
    seed: int = 3,
    **train: Any,
) -> RunSpec:
    """A short run on the drawn images."""
    settings = {"steps": 20, "batch_size": 16, "evaluations": 4} | train
    if not isinstance(optimizer, str):
        optimizer = ComponentSpec(name="sgd", params={"lr": 0.05, "weight_decay": 1e-3} | (optimizer or {}))
    else:
        optimizer = ComponentSpec(name=optimizer)
    return RunSpec(
        data=DataSpec(name=data),
        noise=NoiseSpec(name="symmetric", params={"rate": rate, "count": "exact"})
        if rate
        else NoiseSpec(name="none"),
        model=ComponentSpec(name=model) if isinstance(model, str) else model,
        loss=ComponentSpec(name=loss) if isinstance(loss, str) else loss,
        train=TrainSpec(optimizer=optimizer, **settings),
        seed=seed,
    )


def stop_after(steps: int) -> Callable[[], bool]:
    """A ``stop`` that becomes true when it is asked for the ``steps``-th time."""
    asked = 0

    def stop() -> bool:
        nonlocal asked
        asked += 1
        return asked >= steps

    return stop


def run(run_spec: RunSpec, settings: EngineSettings, stop: Callable[[], bool] = lambda: False) -> list[Event]:
    return list(train(run_spec, settings, stop))


def ending(events: Iterable[Event]) -> Finished:
    """The only ``Finished`` event, which is the last one."""
    events = list(events)
    assert [isinstance(e, Finished) for e in events] == [False] * (len(events) - 1) + [True]
    assert isinstance(events[-1], Finished)
    return events[-1]


def resumed_from(events: Iterable[Event]) -> int:
    return next(e.resumed_from for e in events if isinstance(e, Started))


def notices(events: Iterable[Event]) -> list[str]:
    return [e.message for e in events if isinstance(e, Notice)]


def metrics(events: Iterable[Event]) -> dict[tuple[int, str], float]:
    """Every metric by step and name, except the speed."""
    return {
        (event.step, name): value
        for event in events
        if isinstance(event, Measured)
        for name, value in event.metrics.items()
        if name != "images_per_second"
    }


def weights(settings: EngineSettings, run_spec: RunSpec) -> bytes:
    path = settings.weights_path(run_spec.key)
    assert path is not None
    return path.read_bytes()
