"""``lsn run`` as a process: stopped by signals, killed, and started again; the parent without torch."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from executor_samples import draw

from lsncli.store import Store

RECIPE = """
title = "Slow enough to be stopped"
seeds = [0, 1]
[data]
name = "drawn"
[noise]
name = "symmetric"
rate = 0.2
[model]
name = "mlp"
hidden = [8]
[loss]
name = "slow"
[train]
steps = 200
batch_size = 20
evaluations = 20
"""
#: Seconds that are more than enough, on a busy machine too.
PATIENCE = 120.0


class Batch:
    """``lsn run`` in a folder of its own, in a process group of its own."""

    def __init__(self, folder: Path, site: Path) -> None:
        self.folder = folder
        self.notes = folder / "notes"
        self.notes.mkdir(parents=True)
        (folder / "recipe.toml").write_text(RECIPE)
        draw(folder / "data")
        environment = {name: value for name, value in os.environ.items() if not name.startswith("LSN_")}
        self.environment = environment | {"PYTHONPATH": str(site), "LSN_TEST_NOTES": str(self.notes)}

    def command(self, *options: str) -> list[str]:
        # fmt: off
        return [
            sys.executable, "-m", "lsncli", "run", "recipe.toml", "--data-dir", "data", "--device", "cpu",
            "--executor", "processes", "--replicas", "2", *options,
        ]
        # fmt: on

    def start(self, *options: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            self.command(*options),
            cwd=self.folder,
            env=self.environment,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )

    def run(self, *options: str) -> tuple[int, str]:
        """Exit status and stderr."""
        process = self.start(*options)
        _, errors = process.communicate(timeout=PATIENCE)
        return process.returncode, errors

    def results(self, name: str = "results.db") -> dict[tuple[str, str, int], float]:
        with Store.open(self.folder / name, read_only=True) as store:
            rows = list(store.metrics())
        return {(r.key, r.name, r.step): r.value for r in rows if r.name != "images_per_second"}

    def states(self) -> list[str]:
        with Store.open(self.folder / "results.db", read_only=True) as store:
            return sorted(state.status for state in store.statuses().values())

    def workers(self, loss: str) -> set[int]:
        """The processes that train with ``loss``, as far as they have begun."""
        return {int(path.name.rpartition("-")[2]) for path in self.notes.glob(f"{loss}-*")}

    def wait_for(self, met: Callable[[], bool]) -> None:
        until = time.monotonic() + PATIENCE
        while not met():
            assert time.monotonic() < until
            time.sleep(0.05)


@pytest.fixture
def batch(tmp_path: Path, site: Path) -> Batch:
    return Batch(tmp_path / "batch", site)


@pytest.fixture(scope="session")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str, int], float]:
    """The results of the recipe, trained without a stop."""
    from executor_samples import install

    folder = tmp_path_factory.mktemp("reference")
    install(folder / "site")
    reference = Batch(folder / "batch", folder / "site")
    status, errors = reference.run()
    assert (status, reference.states()) == (0, ["done", "done"]), errors
    return reference.results()


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    # One that has ended and whom nobody has asked for yet is not alive.
    stat = Path(f"/proc/{pid}/stat")
    return not (stat.exists() and stat.read_text().rpartition(")")[2].split()[0] == "Z")


def half_way(batch: Batch) -> bool:
    """Whether both workers have taken some steps."""
    return len(batch.workers("slow")) == 2


@pytest.mark.parametrize(
    ("number", "whom", "times"),
    [(signal.SIGINT, "everyone", 1), (signal.SIGTERM, "lsn", 1), (signal.SIGINT, "everyone", 2)],
    ids=["Ctrl-C", "SIGTERM", "passed on by a wrapper"],
)
def test_stopped_and_started_again(
    number: int, whom: str, times: int, batch: Batch, uninterrupted: dict[tuple[str, str, int], float]
) -> None:
    """A terminal sends Ctrl-C to the whole process group; kill sends its signal to one process.

    Of ``timeout -s INT`` or ``uv run`` without a terminal lsn hears twice: as one of the group, and passed on.
    """
    process = batch.start()
    batch.wait_for(lambda: half_way(batch))
    time.sleep(0.3)
    for _ in range(times):
        (os.killpg if whom == "everyone" else os.kill)(process.pid, number)
    _, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130, errors
    assert "interrupted: what is done is kept; the same command goes on from here" in errors
    assert "Traceback" not in errors
    assert batch.states() == ["interrupted", "interrupted"]
    batch.wait_for(lambda: not any(map(alive, batch.workers("slow"))))
    assert len(batch.results()) < len(uninterrupted)
    assert len(list(batch.folder.glob("results.checkpoints/*/checkpoint.safetensors"))) == 2

    status, errors = batch.run()
    assert status == 0, errors
    assert batch.states() == ["done", "done"]
    assert batch.results() == uninterrupted
    assert not list(batch.folder.glob("results.checkpoints/*/checkpoint.safetensors"))
    with Store.open(batch.folder / "results.db", read_only=True) as store:
        assert [len(store.provenance(run.key)) for run in store.runs()] == [2, 2]


def test_killed_and_started_again(batch: Batch, uninterrupted: dict[tuple[str, str, int], float]) -> None:
    """Its workers notice, leave checkpoints and end; no number is lost."""
    process = batch.start()
    batch.wait_for(lambda: half_way(batch))
    time.sleep(0.3)
    process.kill()
    process.communicate(timeout=PATIENCE)
    batch.wait_for(lambda: not any(map(alive, batch.workers("slow"))))
    assert batch.states() == ["running", "running"]
    assert len(list(batch.folder.glob("results.checkpoints/*/checkpoint.safetensors"))) == 2
    status, errors = batch.run()
    assert status == 0, errors
    assert batch.results() == uninterrupted


def test_a_second_signal_ends_at_once(batch: Batch) -> None:
    """The loss ``stuck`` takes a minute for a step; nobody waits for it."""
    process = batch.start("--set", "loss.name=stuck")
    batch.wait_for(lambda: len(batch.workers("stuck")) == 2)
    begun = time.monotonic()
    os.killpg(process.pid, signal.SIGINT)
    time.sleep(0.5)
    assert process.poll() is None
    # What comes soon after the first one is the first one again.
    while process.poll() is None:
        os.killpg(process.pid, signal.SIGINT)
        time.sleep(1)
    _, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130
    assert "stopped at once: what had ended is kept" in errors
    assert time.monotonic() - begun < 30
    batch.wait_for(lambda: not any(map(alive, batch.workers("stuck"))))


def test_the_parent_imports_no_torch(batch: Batch) -> None:
    """A whole batch, report included, in a process that says afterwards what it has imported."""
    code = """
import sys
from lsncli.cli.main import build_app
if __name__ == "__main__":
    status = 0
    try:
        build_app()(sys.argv[1:], standalone_mode=False)
    except SystemExit as exit:
        status = exit.code
    heavy = sorted({name.partition(".")[0] for name in sys.modules} & {"torch", "torchvision", "sklearn", "scipy"})
    print("status", status, "imported", heavy)
"""
    script = batch.folder / "script.py"
    script.write_text(code)
    done = subprocess.run(
        [sys.executable, script, *batch.command("--set", "loss.name=standard", "--set", "train.steps=4")[3:]],
        cwd=batch.folder,
        env=batch.environment | {"CUDA_VISIBLE_DEVICES": ""},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert batch.states() == ["done", "done"], done.stderr
    assert done.stdout.splitlines()[-1] == "status 0 imported []"


FORKED = """\
import os, signal, sys
from multiprocessing import forkserver
from lsncli.executors.processes import ProcessExecutor, _ready_to_fork

# Whoever starts the tests in the background may have them ignore it.
signal.signal(signal.SIGINT, signal.default_int_handler)
executor = ProcessExecutor(1)
if not executor._served:
    sys.exit("no forkserver here")
_ready_to_fork()
os.kill(forkserver._forkserver._forkserver_pid, signal.SIGINT)
worker = executor._context.Process(target=os.getpid)
worker.start()
worker.join()
print(worker.exitcode, signal.getsignal(signal.SIGINT) is signal.default_int_handler)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no forkserver there")
def test_ctrl_c_while_the_workers_parent_imports_does_not_end_it() -> None:
    """A terminal sends it to every process of the group, also to the one that has just begun to import torch."""
    told = subprocess.run([sys.executable, "-c", FORKED], capture_output=True, text=True, timeout=120)
    assert told.stdout == "0 True\n", told.stderr
