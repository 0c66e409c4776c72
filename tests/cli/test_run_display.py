"""What a running batch shows: bars on a terminal, lines elsewhere."""

from __future__ import annotations

import io
from typing import Any

import pytest
from rich.console import Console

from lsncli.cli import display as display_module
from lsncli.cli.display import LiveDisplay, PlainDisplay, display_for, duration
from lsncli.engine.events import Finished, Measured, Notice, Progress, Started
from lsncli.plan import ComponentSpec, DataSpec, NoiseSpec, Plan, RunSpec, TrainSpec


@pytest.fixture
def plan() -> Plan:
    def spec(seed: int) -> RunSpec:
        return RunSpec(
            data=DataSpec(name="digits"),
            noise=NoiseSpec(name="symmetric", params={"rate": 0.2}),
            model=ComponentSpec(name="mlp"),
            loss=ComponentSpec(name="standard"),
            train=TrainSpec(steps=100, optimizer=ComponentSpec(name="sgd")),
            seed=seed,
        )

    return Plan.of([spec(0), spec(1)])


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(display_module, "time", clock)
    return clock


def console(terminal: bool) -> Console:
    return Console(
        file=io.StringIO(), force_terminal=terminal, width=120, height=40, highlight=False, color_system=None
    )


def text(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_a_terminal_gets_bars_and_a_pipe_gets_lines(plan: Plan) -> None:
    assert isinstance(display_for(plan, console(True)), LiveDisplay)
    assert isinstance(display_for(plan, console(False)), PlainDisplay)


def test_plain_lines(plan: Plan, clock: Clock) -> None:
    first, second = plan.keys()
    name = "digits · symmetric rate=0.2 · mlp · standard · seed"
    shown = console(False)
    display = PlainDisplay(plan, shown)
    clock.now += 100  # until the first run starts: no time of a step
    with display:
        display(Started(first, 100))
        display(Measured(first, 0, {"noise_flip_rate": 0.2}))
        clock.now += 5
        display(Progress(first, 40, 1.25, 1234.5))  # nothing: the last line is 5 seconds old
        clock.now += 6
        display(Progress(first, 50, 1.25, 1234.5))
        display(Measured(first, 100, {"test_accuracy": 0.875}))
        display(Finished(first, "done", 100, 12.34))
        display(Started(second, 100, resumed_from=60))
        display(Notice(second, "the floor [7] acts"))
        display(Finished(second, "failed", 60, 1.0, "it broke"))
        display.stopping()
    assert text(shown).splitlines() == [
        "training 2 runs",
        # 50 of 200 steps in 11 seconds: 150 more take 33.
        f"{name} 0: step 50/100, loss 1.2500, 1,234 images/s; all runs: 33 s left",
        f"[1/2] done {name} 0: test accuracy 87.50 %, 12.3 s",
        f"{name} 1: goes on after step 60",
        f"{name} 1: the floor [7] acts",
        f"[2/2] failed {name} 1: it broke, 1.0 s",
        "stopping: the runs write their checkpoints (once more to stop at once)",
    ]


def test_live_bars(plan: Plan, clock: Clock) -> None:
    first, second = plan.keys()
    shown = console(True)
    with LiveDisplay(plan, shown) as display:
        display.bars.refresh()
        display(Started(first, 100))
        display(Started(second, 100, resumed_from=60))
        display(Measured(first, 25, {"test_accuracy": 0.5}))
        clock.now += 10
        display(Progress(first, 50, 1.25, 1234.5))
        display(Notice(second, "the floor [7] acts"))
        display.bars.refresh()
        running = text(shown)
        display(Finished(first, "done", 100, 12.34))
        display(Finished(second, "diverged", 70, 1.0, "the training loss is nan after 70 steps"))
        display.stopping()
        display.bars.refresh()
    rows = [line for line in running.splitlines() if "%" in line]
    # 110 of 200 steps are behind them; 50 of those took 10 seconds, the other 90 take 18.
    assert any("all runs" in row and "55 %" in row and "0/2 runs, 18 s left" in row for row in rows)
    assert any("50 %" in row and "loss 1.250, acc 50.0, 1,234/s" in row for row in rows)
    assert any("60 %" in row for row in rows)
    everything = text(shown)
    assert "seed 1: the floor [7] acts" in everything
    assert "[1/2] done digits" in everything
    assert "[2/2] diverged digits" in everything
    assert "the training loss is nan after 70 steps" in everything
    assert "stopping: the runs write their checkpoints" in everything
    assert not display.tasks


@pytest.mark.parametrize("make", [PlainDisplay, LiveDisplay])
def test_a_run_that_ends_before_it_starts(make: Any, plan: Plan) -> None:
    shown = console(make is LiveDisplay)
    with make(plan, shown) as display:
        display(Finished(plan.keys()[0], "failed", 0, 0.0, "no data"))
    assert "no data" in text(shown)


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0, "0 s"),
        (59.4, "59 s"),
        (59.6, "1 min 00 s"),
        (190, "3 min 10 s"),
        (3600, "1 h 00 min"),
        (19200, "5 h 20 min"),
    ],
)
def test_durations(seconds: float, shown: str) -> None:
    assert duration(seconds) == shown
