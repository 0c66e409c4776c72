"""Drawn images, specs of convolutional runs, and a processor that pretends to record its steps."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from lsncli.data.arrays import Arrays
from lsncli.data.stored import describe_arrays, save
from lsncli.engine.events import Event, Finished, Measured
from lsncli.engine.settings import EngineSettings
from lsncli.plan import ComponentSpec, DataSpec, DistillationSpec, NoiseSpec, RunSpec, TrainSpec

CLASSES = 4
#: A network with convolutions and batch norm, in a size for tests.
SMALL = ComponentSpec(name="resnet8", params={"width": 4})

#: ``recorder`` is a processor whose steps are made as those of a device that records them, and taken eagerly; it
#: counts what is asked of it. ``dicer`` has a generator of its own, as a GPU has. ``cramped`` is a
#: recorder without room for images. The losses draw random numbers, or fail.
PLUGIN = '''
from collections import Counter

from lsncli import ArchitectureInfo, BackendInfo, LossInfo, OptimizerInfo, hookimpl

ASKED = Counter()


def cross_entropy(logits, targets):
    from torch.nn import functional

    return functional.cross_entropy(logits.float(), targets, reduction="none")


def drawing(params, context):
    """Weighs examples by chance."""
    import torch

    return lambda logits, targets, inputs=None: cross_entropy(logits, targets) * torch.rand(len(logits))


def raising(params, context):
    def loss(logits, targets, inputs=None):
        if int(inputs.step) == 5:
            raise RuntimeError("the sixth step is too much")
        return cross_entropy(logits, targets)

    return loss


def exploding(params, context):
    def loss(logits, targets, inputs=None):
        return cross_entropy(logits, targets) * (float("inf") if int(inputs.step) >= 5 else 1.0)

    return loss


def counting(params, context):
    """Its weight grows with its calls, which Python counts."""
    calls = 0

    def loss(logits, targets, inputs=None):
        nonlocal calls
        calls += 1
        return cross_entropy(logits, targets) * (1 + calls / 8)

    return loss


def small_net(params, context):
    import torch

    channels, height, width = context.input_shape
    return torch.nn.Sequential(
        torch.nn.Flatten(), torch.nn.Linear(channels * height * width, context.num_classes)
    )


def sgd_of_ours(params, parameters):
    import torch

    return torch.optim.SGD(parameters, lr=0.0625)


def remembering_steps(params, parameters):
    import torch

    class Remembering(torch.optim.SGD):
        """Has a number of Python in its state."""

        def step(self, closure=None):
            super().step(closure)
            for group in self.param_groups:
                for parameter in group["params"]:
                    self.state[parameter]["steps"] = self.state[parameter].get("steps", 0) + 1

    return Remembering(parameters, lr=0.0625)


def counting_in_groups(params, parameters):
    import torch

    class Warming(torch.optim.SGD):
        """Counts its steps in its groups, and is slow at first."""

        def __init__(self, parameters):
            super().__init__(parameters, lr=0.0625)
            for group in self.param_groups:
                group["steps"] = 0

        def step(self, closure=None):
            for group in self.param_groups:
                group["steps"] += 1
                for parameter in group["params"]:
                    parameter.grad.mul_(min(1.0, group["steps"] / 8))
            super().step(closure)

    return Warming(parameters)


def averaging(params, context):
    """Keeps a mean of its losses, and puts a new tensor in the place of the old one."""
    import torch

    class Averaging(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.register_buffer("mean", torch.zeros(()))

        def forward(self, logits, targets, inputs=None):
            losses = cross_entropy(logits, targets)
            self.mean = 0.5 * self.mean + 0.5 * losses.detach().mean()
            return losses * self.mean

    return Averaging()


DICE = None


def dicing(params, context):
    """Weighs examples by chance, drawn from the generator of the dicer."""
    import torch

    return lambda logits, targets, inputs=None: cross_entropy(logits, targets) * torch.rand(
        len(logits), generator=DICE
    )


def dicer(params, context):
    import torch
    from lsncli.backends.cpu import CpuBackend

    class Dicer(CpuBackend):
        name = "dicer"
        parallel = True

        def prepare(self, device, *, threads):
            global DICE
            DICE = torch.Generator().manual_seed(0)
            return super().prepare(device, threads=threads)

        def seed(self, number):
            DICE.manual_seed(number)

        def random_state(self):
            return DICE.get_state()

        def restore_random_state(self, state):
            DICE.set_state(state)

    return Dicer()


def recorder(params, context, cramped=False):
    from lsncli.backends.cpu import CpuBackend

    class Recorder(CpuBackend):
        name = "recorder"
        recorded = True
        parallel = True

        def compile_step(self, step):
            ASKED["compiled"] += 1

            def taken():
                ASKED["steps"] += 1
                step()

            return taken

        def in_parallel(self, tasks):
            ASKED[f"{len(tasks)} at once"] += 1
            # Whoever depends on another's turn would be found out by another order.
            for task in reversed(tasks):
                task()

    class Cramped(Recorder):
        name = "cramped"

        def room(self):
            return 100

    return Cramped() if cramped else Recorder()


@hookimpl
def lsn_losses(register):
    for build in (drawing, dicing, raising, exploding, averaging):
        register(LossInfo(name=build.__name__, build=build))
    register(LossInfo(name="counting", build=counting, recordable=False))


@hookimpl
def lsn_architectures(register):
    register(ArchitectureInfo(name="small-net", build=small_net))
    register(ArchitectureInfo(name="sober-net", build=small_net, draws=False))
    register(ArchitectureInfo(name="counting-net", build=small_net, recordable=False))


@hookimpl
def lsn_optimizers(register):
    register(OptimizerInfo(name="plain-sgd", build=sgd_of_ours))
    register(OptimizerInfo(name="counting-sgd", build=sgd_of_ours, recordable=False))
    register(OptimizerInfo(name="remembering-sgd", build=remembering_steps))
    register(OptimizerInfo(name="warming-sgd", build=counting_in_groups))


@hookimpl
def lsn_backends(register):
    register(BackendInfo(name="recorder", build=recorder))
    register(BackendInfo(name="cramped", build=lambda params, context: recorder(params, context, True)))
    register(BackendInfo(name="dicer", build=dicer))
'''


def install(site: Path) -> None:
    """Put the plugin into ``site``, as an installer would."""
    info = site / "pretender-1.0.dist-info"
    info.mkdir(parents=True)
    (site / "pretender.py").write_text(PLUGIN)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: pretender\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[lsn]\npretender = pretender\n")


def asked() -> Counter[str]:
    """What was asked of the recorder so far."""
    import pretender  # type: ignore[import-not-found]

    counts: Counter[str] = pretender.ASKED
    return counts


def draw(data_dir: Path) -> None:
    """Prepare a small set of images that can be learnt: each class has a colour of its own."""
    generator = np.random.default_rng(11)

    def part(count: int) -> tuple[np.ndarray, np.ndarray]:
        labels = np.arange(count, dtype=np.int64) % CLASSES
        colours = np.array([[140, 0, 0], [0, 140, 0], [0, 0, 140], [0, 0, 0]])
        images = generator.integers(0, 110, (count, 8, 8, 3)) + colours[labels][:, None, None, :]
        return images.astype(np.uint8), labels

    arrays = Arrays.of(*part(56), *part(24), tuple("abcd"))
    save(data_dir / "prepared" / "drawn", arrays, describe_arrays("drawn", arrays, source="drawn"))


def spec(loss: str = "standard", *, seed: int = 3, model: ComponentSpec = SMALL, **train: Any) -> RunSpec:
    """A run of a few steps, more than an epoch of three; its rates are exact in float32."""
    params = {"alpha": 0.25} if loss in ("label-smoothing", "forward-correction") else {}
    optimizer = ComponentSpec(name="sgd", params={"lr": 0.0625, "momentum": 0.9, "weight_decay": 1e-3})
    options = {"steps": 10, "batch_size": 16, "evaluations": 2, "augment": "crop-flip", "crop_padding": 2} | train
    return RunSpec(
        data=DataSpec(name="drawn"),
        noise=NoiseSpec(name="symmetric", params={"rate": 0.25}, seed=seed),
        model=model,
        loss=ComponentSpec(name=loss, params=params),
        train=TrainSpec(optimizer=optimizer, **options),
        seed=seed,
    )


def student(loss: str = "standard", *, seed: int = 3, view: str = "augmented", temperature: float = 2.0) -> RunSpec:
    """A student of the smoothed teacher of its seed."""
    distillation = DistillationSpec(teacher_view=view, temperature=temperature)  # type: ignore[arg-type]
    return spec(loss, seed=seed).model_copy(
        update={"teacher": spec("label-smoothing", seed=seed), "distillation": distillation}
    )


def measured(events: Iterable[Event]) -> dict[str, dict[tuple[int, str], float]]:
    """Every metric by run, step and name, the speed apart."""
    found: dict[str, dict[tuple[int, str], float]] = {}
    for event in events:
        if isinstance(event, Measured):
            of_run = found.setdefault(event.key, {})
            of_run |= {(event.step, n): v for n, v in event.metrics.items() if n != "images_per_second"}
    return found


def ends(events: Iterable[Event]) -> dict[str, Finished]:
    """The end of every run."""
    found = [event for event in events if isinstance(event, Finished)]
    assert len({event.key for event in found}) == len(found)
    return {event.key: event for event in found}


def weights(settings: EngineSettings, run: RunSpec) -> bytes:
    path = settings.weights_path(run.key)
    assert path is not None
    return path.read_bytes()
