"""How many runs are trained together, and which."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from replica_samples import asked, ends, measured, spec, student

from lsncli.backends.cpu import CpuBackend
from lsncli.backends.cuda import CudaBackend
from lsncli.backends.selection import select_backend
from lsncli.batch import choose_executor
from lsncli.engine import replica_choice, replica_steps
from lsncli.engine.events import Started
from lsncli.engine.replica_choice import candidates, fastest, fastest_replicas
from lsncli.engine.replica_kinds import may_share_device, replica_kind
from lsncli.engine.replica_steps import ReplicaSteps
from lsncli.engine.run import Run
from lsncli.engine.settings import EngineSettings
from lsncli.engine.training import train, train_replicas
from lsncli.executors.frontier import Frontier
from lsncli.executors.in_process import InProcessExecutor
from lsncli.executors.interface import Control
from lsncli.executors.processes import ProcessExecutor
from lsncli.plan import Plan, RunSpec

CPU, GPU = CpuBackend(), CudaBackend()
OTHERS: dict[str, Callable[[], RunSpec]] = {
    "architecture": lambda: spec(model=spec().model.model_copy(update={"name": "resnet14"})),
    "batch size": lambda: spec(batch_size=8),
    "steps": lambda: spec(steps=11),
    "augmentation": lambda: spec(augment="flip"),
    "a teacher": student,
}


def test_on_a_gpu_runs_of_one_size_are_of_one_kind() -> None:
    for alike in (spec("label-smoothing"), spec(seed=9)):
        assert replica_kind(alike, GPU) == replica_kind(spec(), GPU) is not None


@pytest.mark.parametrize("name", OTHERS)
def test_on_a_gpu_others_are_of_another(name: str) -> None:
    assert replica_kind(OTHERS[name](), GPU) not in (None, replica_kind(spec(), GPU))


def test_on_a_processor_only_students_of_one_teacher_gain() -> None:
    assert replica_kind(spec(), CPU) is None
    assert replica_kind(student(view="clean"), CPU) is None
    assert (
        replica_kind(student("label-smoothing", temperature=4.0), CPU) == replica_kind(student(), CPU) is not None
    )
    assert replica_kind(student(seed=4), CPU) != replica_kind(student(), CPU)


def test_candidates_and_the_fastest() -> None:
    assert [list(candidates(n)) for n in (1, 2, 5, 16)] == [[1], [1, 2], [1, 2, 4, 5], [1, 2, 4, 8, 16]]
    assert fastest({1: 10.0, 2: 19.0, 4: 18.0}) == 2
    assert fastest({}) == 1


def test_without_a_parallel_device_nothing_is_timed() -> None:
    def build(spec: RunSpec, like: Run | None) -> Run:
        raise AssertionError("nothing is to be built")

    students = [student(), student("label-smoothing")]
    assert fastest_replicas(students, build, CPU, None) == 2
    assert fastest_replicas(students * 20, build, CPU, None) == replica_choice.MOST
    assert fastest_replicas(students, build, CPU, 1) == 1


def test_the_choices_are_timed_until_they_get_worse(monkeypatch: pytest.MonkeyPatch) -> None:
    """A device with room for four: eight are slower, sixteen are not tried. None is one without room at all."""
    rates: dict[int, float | None] = {1: 10.0, 2: 19.0, 4: 30.0, 8: 20.0, 16: 99.0}
    tried: list[int] = []

    def measured(specs: list[RunSpec], build: object, backend: object) -> float | None:
        tried.append(len(specs))
        return rates[len(specs)]

    monkeypatch.setattr(replica_choice, "_measured", measured)
    specs = [spec(seed=seed) for seed in range(20)]
    assert fastest_replicas(specs, None, GPU, None) == 4  # type: ignore[arg-type]
    assert tried == [1, 2, 4, 8]
    rates[2] = None
    tried.clear()
    assert fastest_replicas(specs, None, GPU, None) == 1  # type: ignore[arg-type]
    assert tried == [1, 2]


def test_timing_leaves_no_trace(settings: EngineSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Timed for real, on the pretended device; the training begins at its first step, with its own numbers."""
    monkeypatch.setattr(replica_choice, "SECONDS", 0.01)
    specs = [spec(seed=seed, steps=4) for seed in range(3)]
    where = replace(settings, device="recorder")
    events = list(train_replicas(specs, where))
    assert {end.status for end in ends(events).values()} == {"done"}
    assert {event.resumed_from for event in events if isinstance(event, Started)} == {0}
    # One run and two were timed, whatever came of it, and then all were trained.
    assert asked()["steps"] >= 2 * (replica_choice.WARM_UP + replica_choice.STEPS) + 4


def test_a_loss_that_draws_on_its_device_trains_alone(
    settings: EngineSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lsncli.engine import training

    monkeypatch.setattr(training, "may_share_device", lambda run: run.spec.loss.name != "drawing")
    specs = [spec(seed=1), spec("drawing", seed=2), spec(seed=3), spec(seed=4)]
    events = list(train_replicas(specs, settings, replicas=4))
    told = {event.key: event.provenance.get("replicas") for event in events if isinstance(event, Started)}
    assert [told[run.key] for run in specs] == [None, None, 2, 2]


# -- executors ----------------------------------------------------------------------------------------


def test_what_a_frontier_hands_out_together() -> None:
    students = [student(loss, seed=seed) for seed in (1, 2) for loss in ("standard", "label-smoothing")]
    frontier = Frontier(Plan.of(students), replicas=8, backend=CPU)
    sizes = []
    while runs := frontier.take_stack():
        sizes.append(sorted(run.spec.seed for run in runs))
        for run in runs:
            frontier.finished(run.key, "done")
    assert sizes == [[1], [1, 1], [2], [2, 2]]
    gpu = Frontier(Plan.of(students), replicas=8, backend=GPU)
    assert sorted(run.spec.seed for run in gpu.take_stack()) == [1, 2]


@pytest.mark.parametrize("executor", [InProcessExecutor(replicas=None), ProcessExecutor(2, replicas=None)])
def test_executors_train_students_together(
    executor: InProcessExecutor | ProcessExecutor, settings: EngineSettings, elsewhere: EngineSettings
) -> None:
    from replica_samples import weights

    students = [student(loss) for loss in ("standard", "label-smoothing", "forward-correction", "drawing")]
    events: list = []
    executor.execute(Plan.of(students), settings, events.append, Control())
    assert {end.status for end in ends(events).values()} == {"done"}
    together = {event.key: event.provenance.get("replicas") for event in events if isinstance(event, Started)}
    share = 4 if isinstance(executor, InProcessExecutor) else 2
    assert [together[run.key] for run in students] == [share] * 4
    for run in (students[0].teacher, *students):
        assert run is not None
        list(train(run, elsewhere))
        assert weights(settings, run) == weights(elsewhere, run)


@pytest.mark.parametrize(
    ("replicas", "name", "expected"),
    [("auto", None, None), ("1", None, 1), ("3", None, 3), ("3", "in-process", 3)],
)
def test_replicas_on_a_device_that_works_on_several(
    replicas: str, name: str | None, expected: int | None, settings: EngineSettings
) -> None:
    plan = Plan.of(spec(seed=seed) for seed in range(4))
    executor = choose_executor(name, replicas, replace(settings, device="recorder"), plan)
    assert isinstance(executor, InProcessExecutor)
    assert executor.replicas == expected


def test_runs_that_fail_together_are_not_fast_ones(
    settings: EngineSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A branch without memory ends at once, which would look like speed: the number before is taken."""
    backend, name = select_backend("recorder")
    device = backend.prepare(name, threads=1)
    original = ReplicaSteps._one

    def one(steps: ReplicaSteps, row: int, batch: Any) -> None:
        if len(steps.runs) > 1 and row == 1:
            raise torch.OutOfMemoryError("no memory left")
        original(steps, row, batch)

    monkeypatch.setattr(ReplicaSteps, "_one", one)
    monkeypatch.setattr(replica_choice, "SECONDS", 0.0)

    def build(spec: RunSpec, like: Run | None) -> Run:
        return Run(spec, replace(settings, device="recorder"), backend, name, device, like.work if like else None)

    assert fastest_replicas([spec(seed=seed) for seed in range(4)], build, backend, None) == 1


def test_networks_that_may_draw_do_not_share_a_generator(settings: EngineSettings) -> None:
    """Dropout need not be a module: an architecture of a plugin says that it draws nothing."""
    backend, name = select_backend("recorder")
    there = replace(settings, device="recorder")

    def on_a_device(model: str) -> Run:
        device = backend.prepare(name, threads=1)
        run = Run(
            spec(model=spec().model.model_copy(update={"name": model, "params": {}})), there, backend, name, device
        )
        run.device = torch.device("meta")
        return run

    assert [may_share_device(on_a_device(name)) for name in ("small-net", "sober-net", "resnet8")] == [
        False,
        True,
        True,
    ]


def test_an_evaluation_side_by_side_without_room_is_made_one_after_the_other(
    settings: EngineSettings, elsewhere: EngineSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def predict_together(*arguments: object) -> None:
        raise torch.OutOfMemoryError("no memory left")

    specs = [spec(), spec("label-smoothing", seed=4)]
    reference = list(train_replicas(specs, replace(elsewhere, device="recorder"), replicas=2))
    monkeypatch.setattr(replica_steps, "predict_together", predict_together)
    events = list(train_replicas(specs, replace(settings, device="recorder"), replicas=2))
    assert {end.status for end in ends(events).values()} == {"done"}
    assert measured(events) == measured(reference)


def test_a_single_gpu_has_one_worker(settings: EngineSettings) -> None:
    plan = Plan.of(spec(seed=seed) for seed in range(4))
    executor = choose_executor("processes", "auto", replace(settings, device="recorder"), plan)
    assert isinstance(executor, ProcessExecutor)
    assert executor.workers == 1
