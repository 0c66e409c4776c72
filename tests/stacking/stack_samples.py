"""Specs on drawn images, a plugin of losses that are none of ours, and readers of what runs leave."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file

from lsncli.data.arrays import Arrays
from lsncli.data.stored import describe_arrays, save
from lsncli.engine.events import Event, Finished, Measured, Started
from lsncli.engine.settings import EngineSettings
from lsncli.plan import ComponentSpec, DataSpec, NoiseSpec, RunSpec, TrainSpec

PLUGIN = '''
import os
import signal

from lsncli import LossInfo, hookimpl

SEEN = []

def cross_entropy(logits, targets):
    from torch.nn import functional
    return functional.cross_entropy(logits.float(), targets, reduction="none")

def seeing(params, context):
    def loss(logits, targets, inputs=None):
        SEEN.append((int(inputs.step), inputs.indices.tolist(), targets.tolist(), inputs.transition.tolist()))
        return cross_entropy(logits, targets)
    return loss

def raising(params, context):
    def loss(logits, targets, inputs=None):
        if int(inputs.step) == 5:
            raise RuntimeError("the fifth step")
        return cross_entropy(logits, targets)
    return loss

def mean(params, context):
    return lambda logits, targets, inputs=None: cross_entropy(logits, targets).mean()

def killed(params, context):
    def loss(logits, targets, inputs=None):
        if int(inputs.step) == 5:
            os.kill(os.getpid(), signal.SIGKILL)
        return cross_entropy(logits, targets)
    return loss

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

@hookimpl
def lsn_losses(register):
    for build in (seeing, raising, mean, killed, remembering):
        needs = frozenset({"transition"} if build is seeing else ())
        register(LossInfo(name=build.__name__, build=build, needs=needs))
'''


def install(site: Path) -> None:
    """Put the plugin into ``site``, as an installer would."""
    info = site / "foreign-1.0.dist-info"
    info.mkdir(parents=True)
    (site / "foreign.py").write_text(PLUGIN)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: foreign\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[lsn]\nforeign = foreign\n")


def draw(data_dir: Path) -> None:
    """Prepare 70 coloured images of four classes, and 40 for the test."""
    generator = np.random.default_rng(11)
    parts: list[np.ndarray] = []
    for count in (70, 40):
        labels = np.arange(count, dtype=np.int64) % 4
        colours = np.array([[140, 0, 0], [0, 140, 0], [0, 0, 140], [0, 0, 0]])
        images = generator.integers(0, 110, (count, 5, 4, 3)) + colours[labels][:, None, None, :]
        parts += [images.astype(np.uint8), labels]
    arrays = Arrays.of(*parts, tuple("abcd"))  # type: ignore[call-arg, arg-type]
    save(data_dir / "prepared" / "drawn", arrays, describe_arrays("drawn", arrays, source="drawn"))


def component(name: str, **params: Any) -> ComponentSpec:
    return ComponentSpec(name=name, params=params)


#: Every built-in loss, every source of its matrix, with and without a floor.
LOSSES = [
    component("standard"),
    component("standard", floor=1e-3),
    component("label-smoothing", alpha=0.3),
    component("label-smoothing", alpha=0.6),
    component("backward-correction", alpha=0.2),
    component("backward-correction", transition="true"),
    component("forward-correction", alpha=0.3),
    component("forward-correction", alpha=1e-35),
    component("forward-correction", alpha=0.3, floor=1e-3),
    component("forward-correction", transition="true"),
    component("smearing", matrix=[[1, 0.5, 0, 0], [0, 1, 0.5, 0], [0, 0, 1, 0.5], [0.5, 0, 0, 1]]),
]

MODELS = {
    "linear": component("linear"),
    "linear without bias": component("linear", bias=False),
    "mlp": component("mlp", hidden=[9]),
    "mlp, two hidden layers": component("mlp", hidden=[17, 6], activation="tanh"),
    "mlp, gelu": component("mlp", hidden=[12], activation="gelu"),
}


def spec(
    loss: ComponentSpec | str = "standard",
    *,
    seed: int = 0,
    model: ComponentSpec = MODELS["mlp"],
    rate: float = 0.2,
    optimizer: dict[str, Any] | None = None,
    schedule: str = "constant",
    **train: Any,
) -> RunSpec:
    """A run of a moment: 4 batches an epoch, 6 examples left over."""
    settings = {"steps": 20, "batch_size": 16, "evaluations": 4} | train
    params = {"lr": 0.05, "weight_decay": 1e-3} | (optimizer or {})
    return RunSpec(
        data=DataSpec(name="drawn"),
        noise=NoiseSpec(name="symmetric", params={"rate": rate}, seed=seed),
        model=model,
        loss=component(loss) if isinstance(loss, str) else loss,
        train=TrainSpec(optimizer=component("sgd", **params), schedule=component(schedule), **settings),
        seed=seed,
    )


def mixed(**more: Any) -> list[RunSpec]:
    """Runs that differ in all that runs of a stack may differ in."""
    return [
        spec(
            loss,
            seed=number % 3,
            rate=0.1 + 0.05 * (number % 4),
            optimizer={"lr": 0.02 * (1 + number % 2), "momentum": (0.9, 0.5)[number % 2]},
            schedule=("constant", "cosine")[number % 3 == 0],
            **more,
        )
        for number, loss in enumerate(LOSSES)
    ]


def stop_after(times: int) -> Callable[[], bool]:
    """A ``stop`` that becomes true when it is asked for the ``times``-th time."""
    asked = 0

    def stop() -> bool:
        nonlocal asked
        asked += 1
        return asked >= times

    return stop


def of_run(events: Iterable[Event], run_spec: RunSpec) -> list[Event]:
    return [event for event in events if event.key == run_spec.key]


def ending(events: Iterable[Event], run_spec: RunSpec) -> Finished:
    """The only ``Finished`` event of a run, which is its last one."""
    own = of_run(events, run_spec)
    assert [isinstance(e, Finished) for e in own] == [False] * (len(own) - 1) + [True]
    assert isinstance(own[-1], Finished)
    return own[-1]


def begun_at(events: Iterable[Event], run_spec: RunSpec) -> int:
    return next(e.resumed_from for e in of_run(events, run_spec) if isinstance(e, Started))


def provenance(events: Iterable[Event], run_spec: RunSpec) -> dict[str, Any]:
    return dict(next(e.provenance for e in of_run(events, run_spec) if isinstance(e, Started)))


def metrics(events: Iterable[Event]) -> dict[tuple[str, int, str], float]:
    """Every metric by run, step and name, except the speed."""
    return {
        (event.key, event.step, name): value
        for event in events
        if isinstance(event, Measured)
        for name, value in event.metrics.items()
        if name != "images_per_second"
    }


def weights(settings: EngineSettings, run_spec: RunSpec) -> dict[str, torch.Tensor]:
    """The final weights that a run has left."""
    path = settings.weights_path(run_spec.key)
    assert path is not None
    return load_file(path)
