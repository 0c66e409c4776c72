"""Databases of made-up results, written through the store as the engine writes real ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from lsncli.plan import RunSpec
from lsncli.recipe.loading import Overrides, load
from lsncli.recipe.resolve import ResolvedRecipe, resolve
from lsncli.store import Store

#: Parameters equal to their default are left out of a spec.
_DEFAULT = dict.fromkeys(("label-smoothing", "forward-correction", "backward-correction"), 0.1)


def resolved(recipe: str | Path, **overrides: Any) -> ResolvedRecipe:
    return resolve(load(str(recipe), Overrides(**overrides)))


def finish(store: Store, spec: RunSpec, status: str = "done", **metrics: float) -> None:
    """Store a finished run with these metrics at its last step."""
    store.begin_run(spec.key, spec.plain(), steps=spec.train.steps, provenance={})
    if metrics:
        store.record_metrics(spec.key, spec.train.steps, metrics)
    store.finish_run(spec.key, status, final_step=spec.train.steps, seconds=1.0)  # type: ignore[arg-type]


def histograms(spec: RunSpec, classes: int = 100) -> dict[str, np.ndarray[Any, Any]]:
    """Histograms with the peaks near −1/L and 1 − 1/L that fitted networks have."""
    generator = np.random.default_rng([spec.seed, int(spec.key[:6], 16)])
    alpha = float(spec.loss.params.get("alpha", _DEFAULT.get(spec.loss.name, 0.0)))
    certain = {"standard": 0.55, "label-smoothing": 0.35, "forward-correction": 0.8}.get(spec.loss.name, 0.7)
    probabilities = np.zeros((3, 3, 100), np.int64)
    logits = np.zeros((3, 3, 120), np.int64)
    for part, size in enumerate((5000, 4000, 1000)):
        for label in range(3):
            fit = (0.9, 0.2, 0.95)[label] if part == 2 else 0.9
            sure = generator.random(size) < fit * certain
            p = np.where(sure, generator.beta(20, 1.2 + 5 * alpha, size), generator.beta(0.4, 4, size))
            probabilities[part, label] = np.histogram(p, bins=100, range=(0, 1))[0]
            f = np.log(p * classes + 1e-6) + generator.normal(0, 1, size)
            logits[part, label] = np.histogram(np.clip(f, -20, 40), bins=120, range=(-20, 40))[0]
    counts = np.full((classes, classes), 1, np.int64)
    return {
        "probability_margin_histograms": probabilities,
        "logit_margin_histograms": logits,
        "noise_transition_counts": counts,
    }


def projection(spec: RunSpec, count: int = 200) -> dict[str, np.ndarray[Any, Any]]:
    """Three clusters near the corners of a triangle; 20 % wrong labels lie between them."""
    generator = np.random.default_rng([spec.seed, int(spec.key[:6], 16)])
    spread = 1.6 - 1.4 * float(spec.loss.params.get("alpha", _DEFAULT.get(spec.loss.name, 0.0)))
    templates = np.array([[0.0, 0.0], [3.0, 0.0], [1.5, 2.6]])
    given = np.repeat(np.arange(3), count)
    wrong = generator.random(3 * count) < 0.2
    true = np.where(wrong, (given + generator.integers(1, 4, 3 * count)) % 10, given)
    centre = np.where(wrong[:, None], templates.mean(axis=0), 1.4 * templates[given] - 0.4 * templates.mean(axis=0))
    points = centre + 0.4 * spread * generator.standard_normal((3 * count, 2))
    return {
        "projection_points": points.astype(np.float32),
        "projection_given": given,
        "projection_true": true,
        "projection_templates": templates.astype(np.float32),
        "projection_classes": np.arange(3),
    }


def accuracy(spec: RunSpec) -> float:
    """A plausible test accuracy: it rises with α, and spreads over the seeds."""
    easy = 0.2 if "cifar10" in spec.data.name and "cifar100" not in spec.data.name else 0.0
    teacher = spec.teacher.loss if spec.teacher else None
    loss = teacher or spec.loss
    alpha = float(loss.params.get("alpha", _DEFAULT.get(loss.name, 0.0)))
    gain = {"label-smoothing": 0.3, "forward-correction": 0.4, "backward-correction": 0.15}.get(loss.name, 0.0)
    dip = 0.1 if loss.name == "backward-correction" else 0.0
    return 0.57 + easy + gain * alpha * (1 - 0.5 * alpha) - dip * (1 - alpha) + 0.004 * (spec.seed - 2)


def fill(database: Path, recipe: ResolvedRecipe, *, leave_out: int = 0) -> None:
    """Store all runs of a recipe but the last ``leave_out``, with the arrays that its figures need."""
    figures = set(recipe.loaded.recipe.figures())
    specs = {spec.key: spec for spec in recipe.specs()}
    with Store.open(database) as store, store.transaction():
        for spec in list(specs.values())[: len(specs) - leave_out]:
            finish(store, spec, test_accuracy=accuracy(spec), test_ece_100=0.1)
            classes = 10 if spec.data.name in ("cifar10", "digits") else 100
            arrays = histograms(spec, classes) if figures & {3, 7} else {}
            arrays |= projection(spec) if figures & {4, 8, 9} else {}
            for name, array in arrays.items():
                store.record_array(spec.key, spec.train.steps, name, array)
