"""Tiny runs on drawn images, and a plugin whose losses misbehave."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from lsncli.data.arrays import Arrays
from lsncli.data.stored import describe_arrays, save
from lsncli.engine.events import Event, Finished, Measured
from lsncli.plan import ComponentSpec, DataSpec, NoiseSpec, Plan, RunSpec, TrainSpec

#: ``LSN_TEST_NOTES`` is a folder in which losses leave the number of their process.
PLUGIN = """
import os
import signal
import time
from pathlib import Path

from lsncli import LossInfo, hookimpl

def cross_entropy(logits, targets):
    from torch.nn import functional
    return functional.cross_entropy(logits.float(), targets, reduction="none")

def note(name):
    folder = os.environ.get("LSN_TEST_NOTES")
    if folder:
        (Path(folder) / f"{name}-{os.getpid()}").touch()

def loss_with(act):
    def build(params, context):
        def loss(logits, targets, inputs=None):
            act(int(inputs.step))
            return cross_entropy(logits, targets)
        return loss
    return build

def raising(step):
    if step == 5:
        raise RuntimeError("not this one")

def killed(step):
    if step == 5:
        os.kill(os.getpid(), signal.SIGKILL)

def leaving(step):
    if step == 5:
        os._exit(3)

def slow(step):
    note("slow")
    time.sleep(0.01)

def stuck(step):
    note("stuck")
    time.sleep(60)

@hookimpl
def lsn_losses(register):
    for act in (raising, killed, leaving, slow, stuck):
        register(LossInfo(name=act.__name__, build=loss_with(act)))

@hookimpl
def lsn_run_started(key, spec):
    note(f"started-{key}-{spec['loss']['name']}")

@hookimpl
def lsn_run_finished(key, status, metrics):
    note(f"finished-{key}-{status}-{len(metrics)}")
    raise ValueError("an observer that fails")
"""


def install(site: Path) -> None:
    """Put the plugin into ``site``, as an installer would."""
    info = site / "unruly-1.0.dist-info"
    info.mkdir(parents=True)
    (site / "unruly.py").write_text(PLUGIN)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: unruly\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[lsn]\nunruly = unruly\n")


def draw(data_dir: Path) -> None:
    """Prepare grey images whose brightness tells their class."""
    generator = np.random.default_rng(3)
    parts: list[np.ndarray] = []
    for count in (100, 50):
        labels = np.arange(count, dtype=np.int64) % 4
        parts += [(generator.integers(0, 60, (count, 6, 6, 1)) + 60 * labels[:, None, None, None]).astype(np.uint8)]
        parts += [labels]
    arrays = Arrays.of(*parts, tuple("abcd"))  # type: ignore[call-arg, arg-type]
    save(data_dir / "prepared" / "drawn", arrays, describe_arrays("drawn", arrays, source="drawn"))


def spec(
    loss: str = "standard",
    *,
    seed: int = 0,
    data: str = "drawn",
    lr: float = 0.1,
    steps: int = 10,
    behind: RunSpec | None = None,
) -> RunSpec:
    """A run of a moment; ``behind`` is a run that must be done before it."""
    return RunSpec(
        data=DataSpec(name=data),
        noise=NoiseSpec(name="symmetric", params={"rate": 0.2}, seed=seed),
        model=ComponentSpec(name="mlp", params={"hidden": [8]}),
        loss=ComponentSpec(name=loss),
        train=TrainSpec(
            steps=steps,
            batch_size=20,
            evaluations=2,
            optimizer=ComponentSpec(name="sgd", params={"lr": lr}),
        ),
        seed=seed,
        teacher=behind,
    )


def plan_of(*specs: RunSpec) -> Plan:
    return Plan.of(specs, "Test")


def ends(events: Iterable[Event]) -> dict[str, Finished]:
    """How every run ended; each must have ended once, and said nothing afterwards."""
    found: dict[str, Finished] = {}
    for event in events:
        assert event.key not in found
        if isinstance(event, Finished):
            found[event.key] = event
    return found


def metrics(events: Iterable[Event]) -> dict[tuple[str, int, str], float]:
    """Every metric by run, step and name, except the speed."""
    return {
        (event.key, event.step, name): value
        for event in events
        if isinstance(event, Measured)
        for name, value in event.metrics.items()
        if name != "images_per_second"
    }
