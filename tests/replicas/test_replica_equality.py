"""Runs that take their steps together have the numbers that they have alone, to the bit."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from replica_samples import asked, ends, measured, spec, student, weights
from torch import nn

from lsncli.engine.settings import EngineSettings
from lsncli.engine.training import train, train_replicas
from lsncli.plan import DataSpec, RunSpec

LOSSES = ("standard", "label-smoothing", "forward-correction", "drawing")


def alone(specs: list[RunSpec], settings: EngineSettings) -> dict[str, dict[tuple[int, str], float]]:
    """The metrics of each run trained by itself."""
    return {key: values for run in specs for key, values in measured(train(run, settings)).items()}


@pytest.mark.parametrize("seeds", [(3, 3, 3, 3), (1, 2, 3, 4), (5, 5, 6, 6)], ids=["one seed", "four", "two"])
def test_together_as_alone(seeds: tuple[int, ...], settings: EngineSettings, elsewhere: EngineSettings) -> None:
    """Also with a loss that draws random numbers, whose generator the others do not touch."""
    specs = [spec(loss, seed=seed) for loss, seed in zip(LOSSES, seeds, strict=True)]
    together = list(train_replicas(specs, settings, replicas=4))
    assert {end.status for end in ends(together).values()} == {"done"}
    assert measured(together) == alone(specs, elsewhere)
    for run in specs:
        assert weights(settings, run) == weights(elsewhere, run)


@pytest.mark.parametrize("schedule", ["constant", "step", "cosine"])
@pytest.mark.parametrize("loss", ["standard", "forward-correction"])
def test_a_recorded_step_is_the_plain_step(
    loss: str, schedule: str, settings: EngineSettings, elsewhere: EngineSettings
) -> None:
    """All that changes from step to step comes from tensors: position in the epoch, learning rate, step.

    The cosine's rates are rounded to float32, which no later arithmetic could keep apart by more than rounding.
    """
    run = spec(loss)
    schedule_spec = run.train.schedule.model_copy(update={"name": schedule})
    run = run.model_copy(update={"train": run.train.model_copy(update={"schedule": schedule_spec})})
    recorded = list(train(run, replace(settings, device="recorder")))
    plain = list(train(run, elsewhere))
    assert asked()["steps"] == run.train.steps
    ours, theirs = measured(recorded)[run.key], measured(plain)[run.key]
    if schedule == "cosine":
        assert ours == pytest.approx(theirs, rel=1e-4, abs=1e-5)
        return
    assert ours == theirs


def test_recorded_replicas_are_the_plain_runs(settings: EngineSettings, elsewhere: EngineSettings) -> None:
    specs = [spec(loss, seed=seed) for loss, seed in zip(LOSSES[:3], (1, 1, 2), strict=True)]
    together = list(train_replicas(specs, replace(settings, device="recorder"), replicas=3))
    assert measured(together) == alone(specs, elsewhere)
    assert asked()["steps"] == 10
    # Two seeds make their batches side by side, three runs take their steps side by side, evaluations included.
    assert asked()["2 at once"] == 10
    assert asked()["3 at once"] > 10


def test_validation_examples_are_measured_together_as_alone(
    settings: EngineSettings, elsewhere: EngineSettings
) -> None:
    data = DataSpec(name="drawn", validation_size=8)
    specs = [spec(loss).model_copy(update={"data": data}) for loss in LOSSES[:2]]
    together = list(train_replicas(specs, replace(settings, device="recorder"), replicas=2))
    found = measured(together)
    assert found == alone(specs, elsewhere)
    assert all("validation_accuracy" in str(found[one.key]) for one in specs)


def test_one_step_in_float64(settings: EngineSettings) -> None:
    """One step by the engine against one written by hand: w − lr·(1 + μ)·g, as Nesterov's first step is."""
    from lsncli.backends.selection import select_backend
    from lsncli.engine.replica_steps import ReplicaSteps
    from lsncli.engine.run import Run

    backend, name = select_backend("cpu")
    device = backend.prepare(name, threads=1)
    runs = [Run(spec(loss), settings, backend, name, device) for loss in ("standard", "label-smoothing")]
    for run, smoothing in zip(runs, (0.0, 0.25), strict=True):
        run.work.module.double().train()
        before = [p.detach().clone() for p in run.work.module.parameters()]
        draws = run.work.train.draw(run.spec.seed, 0)
        indices, images = run.work.train.batch(draws, 0, 16)
        logits = run.work.module(images.double())
        expected = nn.functional.cross_entropy(logits, run.work.given[indices], label_smoothing=smoothing)
        gradients = torch.autograd.grad(expected, list(run.work.module.parameters()))
        run.expected = [  # type: ignore[attr-defined]
            w - 0.0625 * 1.9 * (g + 1e-3 * w) for w, g in zip(before, gradients, strict=True)
        ]
        for module in run.work.module.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.reset_running_stats()
        run.state.optimizer.state.clear()
    steps = ReplicaSteps(runs)
    for batch in steps._batches:
        original = batch.feed.batch
        batch.feed.batch = lambda original=original: (original()[0], original()[1].double())  # type: ignore[method-assign,misc]
    steps.take()
    for run in runs:
        for weight, wanted in zip(run.work.module.parameters(), run.expected, strict=True):  # type: ignore[attr-defined]
            torch.testing.assert_close(weight.detach(), wanted, rtol=1e-12, atol=1e-14)
    backend.release()


@pytest.mark.parametrize("device", ["cpu", "recorder"])
@pytest.mark.parametrize("view", ["augmented", "clean"])
def test_students_share_their_teacher(
    view: str, device: str, settings: EngineSettings, elsewhere: EngineSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three students of one teacher, at two temperatures: asked once a step, or once in all on the clean view."""
    students = [
        student("standard", view=view),
        student("label-smoothing", view=view),
        student("standard", view=view, temperature=4.0),
    ]
    teacher = students[0].teacher
    assert teacher is not None
    for where in (settings, elsewhere):
        assert ends(train(teacher, where))[teacher.key].status == "done"
    expected = alone(students, elsewhere)

    from lsncli.engine import teaching

    calls = []
    original = teaching.Teacher.logits

    def counted(self: teaching.Teacher, indices: torch.Tensor, images: torch.Tensor) -> torch.Tensor:
        calls.append(len(indices))
        return original(self, indices, images)

    monkeypatch.setattr(teaching.Teacher, "logits", counted)
    together = list(train_replicas(students, replace(settings, device=device), replicas=3))
    assert measured(together) == expected
    assert calls == [16] * 10


@pytest.mark.parametrize("device", ["cpu", "recorder"])
@pytest.mark.parametrize("view", ["augmented", "clean"])
def test_a_teacher_of_other_data_is_the_same_to_all(
    view: str, device: str, settings: EngineSettings, elsewhere: EngineSettings
) -> None:
    """It sees the images as it knows them, in every way of taking a step."""
    teacher = spec().model_copy(update={"data": DataSpec(name="drawn", train_size=20)})
    students = [student(loss, view=view).model_copy(update={"teacher": teacher}) for loss in LOSSES[:2]]
    for where in (settings, elsewhere):
        assert ends(train(teacher, where))[teacher.key].status == "done"
    together = list(train_replicas(students, replace(settings, device=device), replicas=2))
    assert {end.status for end in ends(together).values()} == {"done"}
    assert measured(together) == alone(students, elsewhere)


def test_students_of_two_seeds_do_not_mix(settings: EngineSettings, elsewhere: EngineSettings) -> None:
    students = [student("standard", seed=3), student("standard", seed=4)]
    for run in students:
        assert run.teacher is not None
        for where in (settings, elsewhere):
            list(train(run.teacher, where))
    assert measured(train_replicas(students, settings, replicas=2)) == alone(students, elsewhere)
