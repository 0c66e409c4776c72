"""Runs on two devices at once, started by torch_xla.launch: XLA's CPU with CPU_NUM_DEVICES=2."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import pytest
from lsncli.engine.events import Event, Finished, Progress, Started
from lsncli.engine.settings import EngineSettings
from lsncli.engine.training import train
from lsncli.executors.interface import Control
from lsncli.plan import ComponentSpec, Plan, TransitionSpec

from lsn_xla.executor import LaunchExecutor
from xla_samples import ending, metrics, spec

#: A loss that ends its process at the tenth step.
PLUGIN = """
from lsncli import LossInfo, hookimpl

def deadly(params, context):
    import os
    from torch.nn import functional
    steps = []
    def loss(logits, targets, inputs=None):
        steps.append(0)
        if len(steps) == 10:
            os._exit(3)
        return functional.cross_entropy(logits, targets, reduction="none")
    return loss

@hookimpl
def lsn_losses(register):
    register(LossInfo(name="deadly", build=deadly))
"""


@pytest.fixture
def two_devices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CPU_NUM_DEVICES", "2")


def execute(plan: Plan, settings: EngineSettings, control: Control | None = None) -> dict[str, list[Event]]:
    told: dict[str, list[Event]] = {run.key: [] for run in plan}
    LaunchExecutor().execute(plan, settings, lambda event: told[event.key].append(event), control or Control())
    for events in told.values():
        assert sum(isinstance(event, Finished) for event in events) <= 1
    return told


@pytest.mark.usefixtures("two_devices")
def test_runs_are_those_of_one_process(on_xla: EngineSettings) -> None:
    """Three runs on two devices, and one that waits for the first of them: bit by bit what they are alone."""
    runs = [spec(steps=12, evaluations=2, seed=seed) for seed in (1, 2, 3)]
    loss = ComponentSpec(name="forward-correction", params={"transition": "estimated"})
    estimate = TransitionSpec(estimator=ComponentSpec(name="anchor"), run=runs[0])
    runs.append(spec(steps=12, evaluations=2, seed=1, loss=loss, transition=estimate))
    told = execute(Plan.of(runs), on_xla)
    alone = replace(on_xla, checkpoint_dir=on_xla.data_dir / "alone")
    for run in runs:
        assert ending(told[run.key]).status == "done", ending(told[run.key])
        assert metrics(told[run.key]) == metrics(train(run, alone))


@pytest.mark.usefixtures("two_devices")
def test_a_run_that_ends_its_process_fails_alone(
    on_xla: EngineSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = tmp_path / "site"
    info = site / "deadly-1.0.dist-info"
    info.mkdir(parents=True)
    (site / "deadly.py").write_text(PLUGIN)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: deadly\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[lsn]\ndeadly = deadly\n")
    monkeypatch.setenv("PYTHONPATH", str(site))
    deadly = spec(loss="deadly", steps=20, evaluations=1)
    others = [spec(seed=seed, steps=300, evaluations=1) for seed in (1, 2)]
    told = execute(Plan.of([deadly, *others]), on_xla)
    assert [ending(told[run.key]).status for run in others] == ["done", "done"]
    end = ending(told[deadly.key])
    assert end.status == "failed"
    assert "torch_xla.launch ended with exit code" in str(end.error)


def test_where_nothing_can_be_started_every_run_fails(
    on_xla: EngineSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PJRT_DEVICE", "ABACUS")
    runs = [spec(seed=seed) for seed in (1, 2)]
    before = threading.active_count()
    told = execute(Plan.of(runs), on_xla)
    # Nobody is left waiting for workers.
    assert threading.active_count() == before
    for run in runs:
        assert ending(told[run.key]).status == "failed"
        assert "torch_xla.launch ended with exit code 1" in str(ending(told[run.key]).error)


def test_a_stopped_batch_leaves_checkpoints(on_xla: EngineSettings) -> None:
    control = Control()
    first, second = spec(seed=1, steps=100_000, evaluations=1), spec(seed=2)
    ended: list[Finished] = []

    def emit(event: Event) -> None:
        if isinstance(event, Progress):
            control.stop()
        if isinstance(event, Finished):
            ended.append(event)

    LaunchExecutor().execute(Plan.of([first, second]), on_xla, emit, control)
    assert [(end.key, end.status) for end in ended] == [(first.key, "interrupted")]
    path = on_xla.checkpoint_path(first.key)
    assert path is not None
    assert path.exists()
    started = next(event for event in train(first, on_xla, lambda: True) if isinstance(event, Started))
    assert started.resumed_from == ended[0].final_step > 0
