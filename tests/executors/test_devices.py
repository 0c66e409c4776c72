"""Several devices: runs are spread over them, each stays on one, and its numbers are those of any."""

from __future__ import annotations

import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import device_samples
import pytest
from executor_samples import ends, metrics, plan_of, spec
from typer.testing import CliRunner

from lsncli.backends.selection import select_backend, select_devices
from lsncli.batch import STACK_SIZE, choose_executor
from lsncli.cli.main import build_app
from lsncli.engine import clock
from lsncli.engine.events import Event, Started
from lsncli.engine.settings import EngineSettings
from lsncli.engine.training import train
from lsncli.executors.in_process import InProcessExecutor
from lsncli.executors.interface import Control, Executor
from lsncli.executors.processes import ProcessExecutor
from lsncli.plan import ComponentSpec, DistillationSpec, Plan, RunSpec, TransitionSpec
from lsncli.registry import registry
from lsncli.store import Store


@pytest.fixture(autouse=True)
def several(site: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The plugin of devices, beside that of unruly losses."""
    device_samples.install(site)
    monkeypatch.syspath_prepend(site)
    registry.cache_clear()
    yield
    registry.cache_clear()
    sys.modules.pop("several", None)


def execute(executor: Executor, plan: Plan, settings: EngineSettings, device: str | None) -> list[Event]:
    events: list[Event] = []
    executor.execute(plan, replace(settings, device=device), events.append, Control())
    return events


def told(events: list[Event], what: str = "device") -> dict[str, str]:
    """What the provenance of each run says, in the order in which they began."""
    return {event.key: event.provenance[what] for event in events if isinstance(event, Started)}


def large(seed: int) -> RunSpec:
    """A run that is in no stack."""
    return spec(seed=seed).model_copy(update={"model": ComponentSpec(name="resnet8", params={"width": 4})})


def student(seed: int) -> RunSpec:
    """A run that learns from another's probabilities."""
    return spec(seed=seed, behind=spec(seed=seed + 10)).model_copy(update={"distillation": DistillationSpec()})


def estimating(seed: int) -> RunSpec:
    """A run whose loss is corrected by what another's predictions say of the noise."""
    transition = TransitionSpec(estimator=ComponentSpec(name="anchor"), run=spec(seed=seed))
    loss = ComponentSpec(name="forward-correction", params={"transition": "estimated"})
    return spec(seed=seed).model_copy(update={"loss": loss, "transition": transition})


# -- what --device means ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("device", "devices"),
    [
        ("two", ["two:0", "two:1"]),
        ("two:0", ["two:0"]),
        ("two:1", ["two:1"]),
        ("whole", ["whole:0"]),
        ("whole:1", ["whole:1"]),
        ("single", ["single:0"]),
        ("cpu", ["cpu"]),
        (None, ["best:0", "best:1"]),
    ],
)
def test_the_devices_that_are_meant(device: str | None, devices: list[str]) -> None:
    backend, found = select_devices(device)
    assert found == devices
    assert select_backend(device)[1] == devices[0]
    assert backend.name == devices[0].partition(":")[0]


# -- the choice ---------------------------------------------------------------------------------------

SMALL = Plan.of(spec(seed=seed) for seed in range(40))
LARGE = Plan.of(large(seed) for seed in range(40))


@pytest.mark.parametrize(
    ("plan", "device", "replicas", "expected"),
    [
        # Workers, replicas and stack of each; None: all in this process.
        (LARGE, "pair", "auto", (2, None, 1)),
        (LARGE, "pair", "1", (2, 1, 1)),
        (LARGE, "pair", "4", (2, 4, 1)),
        (LARGE, "pair:1", "4", None),
        (SMALL, "pair", "auto", (2, None, STACK_SIZE)),
        (SMALL, "pair", "4", (2, 4, 4)),
        (Plan.of([large(0)]), "pair", "auto", None),
        # On a device that works on one run at a time, several at once are several processes.
        (LARGE, "two", "auto", (2, None, 1)),
        (LARGE, "two", "4", (8, 1, 1)),
        (Plan.of(large(seed) for seed in range(3)), "two", "4", (3, 1, 1)),
        (SMALL, "two", "4", (2, 4, 4)),
        (LARGE, "whole", "auto", None),
        (LARGE, "single", "auto", None),
        (LARGE, "cpu", "auto", (8, None, 1)),
        (LARGE, "cpu", "4", (4, 1, 1)),
        (LARGE, "cpu", "1", None),
    ],
)
def test_processes_are_chosen_for_several_devices(
    plan: Plan,
    device: str,
    replicas: str,
    expected: tuple[int, int | None, int] | None,
    settings: EngineSettings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for module in ("lsncli.batch", "lsncli.executors.processes"):
        monkeypatch.setattr(f"{module}.usable_cores", lambda: 8)
    executor = choose_executor(None, replicas, replace(settings, device=device), plan)
    if expected is None:
        assert isinstance(executor, InProcessExecutor)
        return
    assert isinstance(executor, ProcessExecutor)
    assert (executor.workers, executor.replicas, executor.stack) == expected
    assert executor.threads == max(1, 8 // expected[0])


# -- training -----------------------------------------------------------------------------------------


def test_runs_are_spread_and_their_numbers_are_those_of_one_device(
    settings: EngineSettings, tmp_path: Path
) -> None:
    plan = plan_of(*(spec(seed=seed) for seed in range(4)), large(1))
    both = execute(ProcessExecutor(2), plan, settings, "two")
    assert set(told(both).values()) == {"two:0", "two:1"}
    assert {end.status for end in ends(both).values()} == {"done"}
    # A device is one process's for the whole batch.
    places = dict(zip(told(both, "process").values(), told(both).values(), strict=True))
    assert sorted(places.values()) == ["two:0", "two:1"]
    for device in ("two:0", "two:1"):
        where = replace(settings, checkpoint_dir=tmp_path / device)
        one = execute(ProcessExecutor(2), plan, where, device)
        assert set(told(one).values()) == {device}
        assert len(set(told(one, "process").values())) == 2
        assert metrics(one) == metrics(both)
        for run in plan:
            paths = [s.weights_path(run.key) for s in (settings, where)]
            assert paths[0] is not None
            assert paths[1] is not None
            assert paths[0].read_bytes() == paths[1].read_bytes()


def test_the_default_device_is_all_that_its_backend_has(settings: EngineSettings) -> None:
    events = execute(ProcessExecutor(2), plan_of(*(spec(seed=seed) for seed in range(4))), settings, None)
    assert set(told(events).values()) == {"best:0", "best:1"}


def test_more_workers_than_devices_have_them_in_turn(settings: EngineSettings) -> None:
    runs = [spec("slow", seed=seed, steps=40) for seed in range(3)]
    events = execute(ProcessExecutor(3), plan_of(*runs), settings, "two")
    assert sorted(told(events).values()) == ["two:0", "two:0", "two:1"]


@pytest.mark.parametrize("device", ["whole", "single"])
def test_one_device_is_that_of_all_workers(device: str, settings: EngineSettings) -> None:
    events = execute(ProcessExecutor(2), plan_of(spec(seed=1), spec(seed=2)), settings, device)
    assert set(told(events).values()) == {f"{device}:0"}


def test_each_device_trains_several_together(settings: EngineSettings) -> None:
    plan = plan_of(*(large(seed) for seed in range(4)))
    executor = choose_executor(None, "2", replace(settings, device="pair"), plan)
    events = execute(executor, plan, settings, "pair")
    assert sorted(told(events).values()) == ["pair:0", "pair:0", "pair:1", "pair:1"]
    assert set(told(events, "replicas").values()) == {2}


def test_a_plan_with_teachers(settings: EngineSettings) -> None:
    students = [student(seed) for seed in (1, 2, 3)]
    events = execute(ProcessExecutor(2), plan_of(*students), settings, "two")
    found = ends(events)
    assert [end.status for end in found.values()] == ["done"] * 6
    assert set(told(events).values()) == {"two:0", "two:1"}
    # Its files are there, on whatever device it was trained.
    order = list(told(events))
    for one in students:
        assert one.teacher is not None
        assert order.index(one.teacher.key) < order.index(one.key)


@pytest.mark.parametrize("kind", ["student", "estimate"])
def test_what_reads_another_run_finds_it_on_another_device(
    kind: str, settings: EngineSettings, tmp_path: Path
) -> None:
    read, reading = (spec(seed=11), student(1)) if kind == "student" else (spec(seed=1), estimating(1))
    apart = [(read, "two:0"), (reading, "two:1")]
    together = [(run, "two:0") for run in (read, reading)]
    found = []
    for number, pairs in enumerate((apart, together)):
        where = replace(settings, checkpoint_dir=tmp_path / str(number))
        events = [e for run, device in pairs for e in train(run, replace(where, device=device))]
        assert {end.status for end in ends(events).values()} == {"done"}
        assert list(told(events).values()) == [device for _, device in pairs]
        found.append(metrics(events))
    assert found[0] == found[1]


def test_a_run_goes_on_on_another_device(
    settings: EngineSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock, "PROGRESS_SECONDS", 0.0)
    run, looks = spec(steps=10), iter([False, False, False, True])
    list(train(run, replace(settings, device="two:0"), lambda: next(looks)))
    events = list(train(run, replace(settings, device="two:1")))
    (begin,) = (event for event in events if isinstance(event, Started))
    assert 0 < begin.resumed_from < 10
    whole = replace(settings, device="two:0", checkpoint_dir=tmp_path / "whole")
    list(train(run, whole))
    paths = [s.weights_path(run.key) for s in (settings, whole)]
    assert paths[0] is not None
    assert paths[1] is not None
    assert paths[0].read_bytes() == paths[1].read_bytes()


def test_who_takes_the_place_of_a_dead_worker_has_its_device(settings: EngineSettings) -> None:
    """The second worker is busy when the first one has died, which is then replaced."""
    dying, busy, next_one = spec("killed"), spec("slow", seed=1, steps=300), spec(seed=2)
    events = execute(ProcessExecutor(2), plan_of(dying, busy, next_one), settings, "two")
    found = ends(events)
    assert "ended by SIGKILL" in str(found[dying.key].error)
    assert [found[run.key].status for run in (busy, next_one)] == ["done", "done"]
    assert told(events) == {dying.key: "two:0", busy.key: "two:1", next_one.key: "two:0"}


def test_a_run_that_fails_on_one_device_fails_alone(settings: EngineSettings) -> None:
    """As one does for which a device has not enough memory: an error like others."""
    bad, others = spec("raising"), [spec(seed=seed) for seed in (1, 2, 3)]
    found = ends(execute(ProcessExecutor(2), plan_of(bad, *others), settings, "two"))
    assert found[bad.key].error == "RuntimeError: not this one"
    assert {found[run.key].status for run in others} == {"done"}


def test_what_workers_are_forked_from_asks_nothing_of_a_gpu() -> None:
    """In a process that is forked from one that has asked for as much as their number, CUDA cannot be used."""
    program = """
import torch

def asked(*_):
    raise AssertionError("CUDA was asked")

for name in ("is_available", "device_count", "_lazy_init", "get_device_properties"):
    setattr(torch.cuda, name, asked)
if hasattr(torch._C, "_cuda_getDeviceCount"):
    torch._C._cuda_getDeviceCount = asked
import lsncli.executors.worker_imports
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr


# -- commands -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "devices"),
    [
        ("--device two", {"two:0", "two:1"}),
        ("--device two --replicas 4", {"two:0", "two:1"}),
        ("--device two --replicas 4 --executor processes", {"two:0", "two:1"}),
        ("", {"best:0", "best:1"}),
        ("--device two:1", {"two:1"}),
        ("--device two --executor in-process", {"two:0"}),
    ],
)
def test_lsn_run(options: str, devices: set[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    words = f"run quickstart --profile smoke --seeds 1 --only noise.rate=0.4 --db runs.db {options}"
    result = CliRunner().invoke(build_app(), shlex.split(words))
    assert result.exit_code == 0, result.stderr
    with Store.open("runs.db") as store:
        runs = store.runs(status="done")
        assert {store.provenance(run.key)[0]["device"] for run in runs} == devices
    assert len(runs) == 12


def test_lsn_doctor_lists_all_devices(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(build_app(), ["doctor"])
    (line,) = (line for line in result.stdout.splitlines() if "backend two:" in line)
    # The second pair is what the devices call themselves.
    assert line.split(": ", 1)[1] == "two:0, two:1; precision fp32, bf16; two:0, two:1"
