"""Runs with specs whose keys are theirs, as a training stores them, and all that a database holds as plain data."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np

from lsncli.plan import ComponentSpec, DataSpec, NoiseSpec, RunSpec, TrainSpec
from lsncli.store import Store

STEPS = 20


def spec_of(seed: int = 0) -> RunSpec:
    return RunSpec(
        data=DataSpec(name="digits", train_size=200),
        noise=NoiseSpec(name="symmetric", params={"rate": 0.2}),
        model=ComponentSpec(name="mlp", params={"hidden": [8]}),
        loss=ComponentSpec(name="standard"),
        train=TrainSpec(steps=STEPS, batch_size=50, optimizer=ComponentSpec(name="sgd", params={"lr": 0.1})),
        seed=seed,
    )


def key_of(seed: int = 0) -> str:
    return spec_of(seed).key


def put(
    store: Store,
    seed: int = 0,
    status: str | None = "done",
    *,
    accuracy: float = 0.75,
    speed: float = 1000.0,
    attempt: str = "here",
    weights: bytes | None = None,
) -> str:
    """Store a run that ends as ``status`` (None: it is being trained); with ``weights`` it leaves a file."""
    spec = spec_of(seed)
    store.begin_run(spec.key, spec.plain(), title="Sample", steps=STEPS, provenance={"attempt": attempt})
    store.record_metrics(spec.key, 10, {"test_accuracy": accuracy - 0.25, "images_per_second": speed})
    store.record_array(spec.key, 0, "noise_transition_counts", np.array([[3, 1], [seed, 4]]))
    if status == "done":
        store.record_metrics(spec.key, STEPS, {"test_accuracy": accuracy, "images_per_second": speed})
        store.record_array(spec.key, STEPS, "bins", np.linspace(0, accuracy, 5))
    if weights is not None and store.location.path is not None:
        path = store.location.path
        file = path.with_name(f"{path.stem}.checkpoints") / spec.key / "final.safetensors"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(weights)
        digest = hashlib.sha256(weights).hexdigest()
        relative = f"{path.stem}.checkpoints/{spec.key}/final.safetensors"
        store.record_artifact(spec.key, "weights", relative, sha256=digest, size=len(weights))
    if status is not None:
        final = STEPS if status == "done" else 10
        store.finish_run(spec.key, status, final_step=final, seconds=1.5, error=None if status == "done" else "x")
    return spec.key


def database(path: Path, *seeds: int, **how: Any) -> Path:
    """A new file with these runs."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with Store.open(path) as store, store.transaction():
        for seed in seeds:
            put(store, seed, **how)
    return path


def contents(target: str | Path) -> dict[str, Any]:
    """Everything in a database, by names and keys instead of numbers; arrays as lists."""
    with Store.open(target, read_only=True) as store:
        runs = {}
        for record in store.runs():
            key = record.key
            runs[key] = {
                "row": (record.title, record.spec, record.status, record.steps, record.final_step, record.seconds),
                "error": record.error,
                "times": (record.created_at, record.started_at, record.finished_at),
                "history": store.history(key),
                "arrays": {
                    (a.name, a.step): store.get_array(key, a.name, a.step).tolist() for a in store.arrays(key)
                },
                "artifacts": store.artifacts(key),
                "attempts": [data.get("attempt") for data in store.provenance(key)],
            }
        return {"runs": runs, "stand_ins": store.stand_ins(), "counts": store.contents()}
