"""``lsn run`` with and without stacks stores the same; ``--replicas`` says how many runs are trained at once."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
import torch
from stack_samples import component, spec
from typer.testing import CliRunner

from lsncli.batch import STACK_SIZE, choose_executor
from lsncli.cli.main import build_app
from lsncli.engine.settings import EngineSettings
from lsncli.errors import LsnError
from lsncli.executors import processes
from lsncli.executors.in_process import InProcessExecutor
from lsncli.executors.processes import ProcessExecutor
from lsncli.plan import Plan
from lsncli.store import Store


def test_the_quick_start_finds_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its smoke profile, once in stacks and once run after run; digits is real data."""
    monkeypatch.chdir(tmp_path)
    torch.set_num_threads(1)
    found = {}
    for replicas in ("auto", "1"):
        words = "run quickstart --profile smoke --seeds 1 --only noise.rate=0.4 --executor in-process"
        words += f" --replicas {replicas} --db {replicas}.db"
        result = CliRunner().invoke(build_app(), shlex.split(words))
        assert result.exit_code == 0, result.stderr
        with Store.open(f"{replicas}.db") as store:
            runs = store.runs(status="done")
            found[replicas] = {
                (run.key, row.step, row.name): row.value
                for run in runs
                for row in store.metrics([run.key])
                if row.name != "images_per_second"
            }
            stacks = {store.provenance(run.key)[0].get("stack") for run in runs}
            assert stacks == ({12} if replicas == "auto" else {None})
    assert found["auto"].keys() == found["1"].keys()
    for key, value in found["1"].items():
        # One of 100 test images may lie on the edge between two classes, where rounding decides.
        slack = 0.02 if "accuracy" in key[2] or "ece" in key[2] else 1e-5
        assert found["auto"][key] == pytest.approx(value, rel=1e-4, abs=slack), key


SMALL = Plan.of(spec(seed=seed) for seed in range(40))
LARGE = Plan.of(spec(seed=seed, model=component("resnet8")) for seed in range(40))
FEW = Plan.of(spec(seed=seed, model=component("resnet8")) for seed in range(2))


@pytest.mark.parametrize(
    ("plan", "name", "replicas", "workers", "stack"),
    [
        (SMALL, None, "auto", 2, STACK_SIZE),
        (SMALL, None, "1", None, 1),
        (SMALL, None, "2", 2, 1),
        (SMALL, None, "7", 2, 4),
        (SMALL, "in-process", "7", None, 7),
        (SMALL, "processes", "1", 1, 1),
        (LARGE, None, "auto", 2, 1),
        (LARGE, None, "1", None, 1),
        (LARGE, None, "7", 7, 1),
        (FEW, None, "7", 2, 1),
        (FEW, None, "auto", 2, 1),
        (Plan.of([spec()]), None, "auto", None, STACK_SIZE),
        (Plan.of([spec()]), None, "1", None, 1),
    ],
)
def test_what_replicas_means_on_two_cores(
    plan: Plan,
    name: str | None,
    replicas: str,
    workers: int | None,
    stack: int,
    settings: EngineSettings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As ``lsn run --help`` says: shared among a process per core, and small runs beyond the cores in stacks."""
    monkeypatch.setattr(processes, "usable_cores", lambda: 2)
    monkeypatch.setattr("lsncli.batch.usable_cores", lambda: 2)
    executor = choose_executor(name, replicas, settings, plan)
    assert isinstance(executor, ProcessExecutor if workers else InProcessExecutor)
    assert executor.stack == stack  # type: ignore[attr-defined]
    assert getattr(executor, "workers", None) == workers


@pytest.mark.parametrize(("runs", "threads"), [(2, 4), (3, 2), (40, 1)])
def test_few_runs_have_all_cores_among_them(
    runs: int, threads: int, settings: EngineSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the whole plan, whatever of it is left: the executor is chosen before anybody looks."""
    monkeypatch.setattr(processes, "usable_cores", lambda: 8)
    monkeypatch.setattr("lsncli.batch.usable_cores", lambda: 8)
    plan = Plan.of(spec(seed=seed, model=component("resnet8")) for seed in range(runs))
    executor = choose_executor(None, "auto", settings, plan)
    assert isinstance(executor, ProcessExecutor)
    assert executor.threads == threads


def test_large_runs_are_not_trained_together_in_one_process(settings: EngineSettings) -> None:
    with pytest.raises(LsnError, match="one run at a time") as caught:
        choose_executor("in-process", "2", settings, LARGE)
    assert caught.value.valid == "1 or auto"


@pytest.mark.parametrize("replicas", ["0", "-1", "many", "1.5", ""])
def test_replicas_that_are_no_number(replicas: str, settings: EngineSettings) -> None:
    with pytest.raises(LsnError, match="is not a number of runs"):
        choose_executor(None, replicas, settings, SMALL)
