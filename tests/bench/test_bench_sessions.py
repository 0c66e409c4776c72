"""Runs that are paused between bursts: what they count, and how they end."""

from __future__ import annotations

import os
import signal

import pytest
import torch

from lsncli.bench import workloads as workloads_module
from lsncli.bench.modes import modes_for
from lsncli.bench.processes import ProcessSessions
from lsncli.bench.session import Session
from lsncli.bench.stacks import STACK, stacked_training
from lsncli.bench.workloads import Workload, write_data
from lsncli.engine.events import Finished, Progress, Started
from lsncli.engine.settings import EngineSettings
from lsncli.errors import LsnError
from lsncli.registry import registry


@pytest.fixture
def settings(tmp_path, monkeypatch):
    monkeypatch.setattr(workloads_module, "TRAIN_SIZE", 256)
    write_data([Workload("linear")], tmp_path)
    return EngineSettings(data_dir=tmp_path, device="cpu", threads=1)


@pytest.fixture(autouse=True)
def threads():
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)
    torch.set_flush_denormal(False)


SPECS = [Workload("linear").spec(seed) for seed in range(2)]


def drawn(clock, steps, seconds_per_step=0.5):
    """A training whose runs tell of each of ``steps``, one after the other; each step takes its seconds."""

    def training(specs, settings):
        for spec in specs:
            yield Started(spec.key, 10**9)
        before = 0
        for step in steps:
            clock.now += (step - before) * seconds_per_step
            before = step
            for spec in specs:
                yield Progress(spec.key, step, 0.0, 1.0)

    return training


@pytest.mark.parametrize("runs", [1, 2])
def test_the_rate_is_that_of_the_burst_alone(clock, tmp_path, runs):
    """Steps of 0.5 s and batches of 128: 256 images per second and run, whatever passes between bursts."""
    settings = EngineSettings(data_dir=tmp_path)
    session = Session("drawn", SPECS[:runs], settings, drawn(clock, [1, 2, 3, 4, 6, 9]))
    assert session.burst(1.0) == pytest.approx(256 * runs)
    clock.now += 1000.0
    assert session.burst(1.0) == pytest.approx(256 * runs)
    assert session.burst(1.0) == pytest.approx(256 * runs)
    session.close()


def test_a_run_that_ends_is_an_error(clock, tmp_path):
    def training(specs, settings):
        yield Finished(specs[0].key, "failed", 0, 0.0, "no such data set")

    for given, told in ((training, "no such data set"), (drawn(clock, []), "no reason given")):
        session = Session("fp32", SPECS[:1], EngineSettings(data_dir=tmp_path), given)
        with pytest.raises(LsnError, match=f"fp32: the measured run has ended: {told}"):
            session.burst(1.0)


def test_a_real_run_goes_on_where_it_was(settings):
    session = Session("fp32", SPECS[:1], settings)
    assert session.burst(0.0) > 0
    (first,) = session._steps.values()
    assert session.burst(0.0) > 0
    (second,) = session._steps.values()
    assert 0 < first < second
    session.close()


def test_processes_work_together_and_end(settings):
    sessions = ProcessSessions("2 processes", SPECS, settings)
    processes = [process for process, _ in sessions._workers]
    assert sessions.burst(0.0) > 0
    assert all(process.is_alive() for process in processes)
    os.kill(processes[0].pid, signal.SIGKILL)
    processes[0].join(10)
    with pytest.raises(LsnError, match="2 processes: a process ended before its time"):
        sessions.burst(0.0)
    sessions.close()
    assert not any(process.is_alive() for process in processes)


def test_a_process_tells_why_its_run_ended(tmp_path):
    sessions = ProcessSessions("1 process", SPECS[:1], EngineSettings(data_dir=tmp_path, device="cpu"))
    with pytest.raises(LsnError, match="1 process, process 1: the measured run has ended: unknown data set"):
        sessions.burst(0.0)
    sessions.close()


class Elsewhere:
    """A device that is not the processor."""

    name = "elsewhere"
    parallel = False

    @staticmethod
    def precisions():
        return ("bf16", "fp32")


def names(model, backend, threads, quick=False):
    arrays = None  # only looked at when a mode is built
    settings = EngineSettings(data_dir=None)
    modes = modes_for(Workload(model), arrays, backend, backend.name, settings, threads=threads, quick=quick)
    return [(mode.name, mode.runs) for mode in modes]


def test_the_modes_of_this_kind_of_machine(monkeypatch):
    cpu = registry().get("backend", "cpu").build(None, None)
    both = ["fp32, 2 threads", "fp32, 1 thread", "fp32, 2 processes"]
    both += [name.replace("fp32", "bf16") for name in both]
    assert [name for name, _ in names("resnet8", cpu, 2)] == ["peer", *both]
    assert names("resnet8", cpu, 2)[3] == ("fp32, 2 processes", 2)
    assert [n for n, _ in names("resnet8", cpu, 2, quick=True)] == ["peer", "fp32, 2 threads", "bf16, 2 threads"]
    dense = [n for n, runs in names("linear", cpu, 2, quick=True) if runs == 1]
    assert dense == ["peer", "fp32, 1 thread", "fp32, a stack of one"]
    assert [n for n, _ in names("resnet8", cpu, 1)] == ["peer", "fp32, 1 thread", "bf16, 1 thread"]
    # Threads and processes of the processor say nothing of another device.
    monkeypatch.setattr("torch.device", str)
    assert [n for n, _ in names("resnet8", Elsewhere, 8)] == ["peer", "fp32", "bf16"]


def test_stacks_where_the_engine_has_them(monkeypatch):
    cpu = registry().get("backend", "cpu").build(None, None)
    stack = (f"fp32, {STACK} runs stacked", STACK)
    if stacked_training() is not None:
        assert stack in names("mlp", cpu, 2, quick=True)
    assert stack not in names("resnet8", cpu, 2)
    monkeypatch.setattr("lsncli.bench.stacks.util.find_spec", lambda name: None)
    assert stacked_training() is None
    assert stack not in names("mlp", cpu, 2)


def test_where_runs_are_faster_together_they_are_measured_together(monkeypatch):
    cpu = registry().get("backend", "cpu").build(None, None)
    monkeypatch.setattr(type(cpu), "parallel", True)
    modes = names("resnet8", cpu, threads=2)
    assert {(f"{precision}, 5 runs together", 5) for precision in ("fp32", "bf16")} <= set(modes)
    assert not any("together" in name for name, _ in names("mlp", cpu, threads=2))
