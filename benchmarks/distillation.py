"""A distillation step, teacher's forward pass included, against the plain step of the same network.

Run: python benchmarks/distillation.py [--model resnet32] [--precision fp32] [--threads N] [--rounds 5]

Target: at most 1.45 times the plain step, as the teacher's forward pass is 0.3 of a step. A teacher that sees the
clean view is asked once for all images, and costs nothing here. Students of one teacher that are trained together,
as `lsn run` does it, share its answers.
"""

from __future__ import annotations

import argparse
import tempfile
from functools import partial
from pathlib import Path

import torch
from against_target import Target, compare

from lsncli.bench.session import Session
from lsncli.bench.workloads import Workload, workloads, write_data
from lsncli.engine.events import Finished
from lsncli.engine.settings import EngineSettings
from lsncli.engine.training import train, train_replicas
from lsncli.plan import ComponentSpec, DistillationSpec, RunSpec


def teacher_of(workload: Workload, settings: EngineSettings) -> RunSpec:
    """A run of one step, finished, with its weights where students look for them."""
    spec = workload.spec()
    spec = spec.model_copy(update={"train": spec.train.model_copy(update={"steps": 1})})
    (end,) = (event for event in train(spec, settings) if isinstance(event, Finished))
    assert end.status == "done", end.error
    return spec


def student_of(plain: RunSpec, teacher: RunSpec, alpha: float) -> RunSpec:
    """A student that smooths its teacher's probabilities by ``alpha``."""
    loss = ComponentSpec(name="label-smoothing", params={"alpha": alpha})
    return plain.model_copy(
        update={"loss": loss, "teacher": teacher, "distillation": DistillationSpec(teacher_view="augmented")}
    )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", default="resnet32")
    parser.add_argument("--precision", default="fp32")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--students", type=int, default=4, choices=(2, 3, 4))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2.0)
    arguments = parser.parse_args()
    (workload,) = workloads([arguments.model])
    with tempfile.TemporaryDirectory() as folder:
        settings = EngineSettings(
            data_dir=Path(folder),
            checkpoint_dir=Path(folder) / "runs",
            device="cpu",
            precision=arguments.precision,
            threads=arguments.threads,
            checkpoint_seconds=float("inf"),
        )
        write_data([workload], Path(folder))
        plain = workload.spec()
        teacher = teacher_of(workload, settings)
        contestants = [Session("plain step", [plain], settings)]
        for view in ("augmented", "clean"):
            student = plain.model_copy(
                update={"teacher": teacher, "distillation": DistillationSpec(teacher_view=view)}
            )
            contestants.append(Session(f"distillation, {view} view", [student], settings))
        together = [student_of(plain, teacher, alpha) for alpha in (0.0, 0.1, 0.2, 0.4)[: arguments.students]]
        name = f"distillation, {len(together)} students of one teacher"
        contestants.append(Session(name, together, settings, partial(train_replicas, replicas=len(together))))
        print(f"{arguments.model}, {arguments.precision}, {arguments.threads} threads; ms for one image")
        goals = {contestant.name: Target(1.45) for contestant in contestants[1:]}
        compare(contestants, goals, rounds=arguments.rounds, seconds=arguments.seconds)
        for contestant in contestants:
            contestant.close()


if __name__ == "__main__":
    main()
