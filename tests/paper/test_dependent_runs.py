"""Runs that read other runs: distilled students and estimated transition matrices."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file

from lsncli.backends.cpu import CpuBackend
from lsncli.components import LossContext
from lsncli.data.arrays import Arrays
from lsncli.engine.events import Finished, Measured, Recorded, Saved
from lsncli.engine.finished_run import FinishedRunReader
from lsncli.engine.images import Normalisation, TrainingImages
from lsncli.engine.settings import EngineSettings
from lsncli.engine.teaching import Teacher
from lsncli.engine.training import train
from lsncli.errors import LsnError
from lsncli.estimators.anchor import anchor_estimate
from lsncli.losses.smearing import standard
from lsncli.plan import DistillationSpec, Plan, RunSpec
from lsncli.recipe.loading import Overrides, load
from lsncli.recipe.resolve import resolve
from lsncli.registry import Registered, registry

ESTIMATED = '[loss]\nname = "forward-correction"\ntransition = "estimated"\n'

HEAD = """\
title = "Dependent runs"
[data]
name = "digits"
train_size = 200
test_size = 100
[noise]
name = "symmetric"
rate = 0.3
[model]
name = "mlp"
hidden = [16]
[train]
steps = 30
batch_size = 20
evaluations = 2
"""


def specs(tmp_path: Path, text: str, **overrides: Any) -> list[RunSpec]:
    path = tmp_path / "recipe.toml"
    path.write_text(HEAD + text)
    return resolve(load(str(path), Overrides(**overrides))).specs()


@pytest.fixture
def settings(tmp_path: Path) -> EngineSettings:
    return EngineSettings(tmp_path / "data", tmp_path / "checkpoints", device="cpu", threads=1)


def finished(spec: RunSpec, settings: EngineSettings) -> list[Any]:
    events = list(train(spec, settings))
    assert isinstance(events[-1], Finished)
    assert events[-1].status == "done", events[-1]
    return events


def last_metrics(events: list[Any]) -> dict[str, float]:
    return {
        k: v for e in events if isinstance(e, Measured) for k, v in e.metrics.items() if k != "images_per_second"
    }


def test_a_loss_that_takes_labels_only_is_no_students_loss(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    info = registry().get("loss", "label-smoothing")
    registered = registry().find("loss", "label-smoothing")
    found = Registered(replace(info, soft_targets=False), registered.plugin)
    monkeypatch.setitem(registry()._components, ("loss", "label-smoothing"), found)
    loss = '[loss]\nname = "label-smoothing"\n'
    assert specs(tmp_path, loss)[0].loss.name == "label-smoothing"
    with pytest.raises(LsnError, match="'label-smoothing' takes labels only") as caught:
        specs(tmp_path, loss + "[teacher]\n")
    assert "recipe.toml" in (caught.value.where or "")
    # The teacher's own targets are labels.
    student = specs(tmp_path, '[teacher]\nloss = { name = "label-smoothing" }\n')[0]
    assert student.teacher is not None


# -- distillation ------------------------------------------------------------------------------------------


def test_the_teacher_is_the_plain_run_with_the_students_settings(tmp_path: Path) -> None:
    plain = specs(tmp_path, "")[0]
    student = specs(tmp_path, "[teacher]\n")[0]
    assert student.teacher is not None
    assert student.teacher.key == plain.key  # so it is trained once, for all its students
    assert student.key != plain.key
    assert student.distillation == DistillationSpec(temperature=2.0)


def test_what_the_teacher_says_for_itself(tmp_path: Path) -> None:
    text = '[loss]\nname = "label-smoothing"\nalpha = 0.3\n[teacher]\nloss = { name = "standard" }\nseed = 7\n'
    student = specs(tmp_path, text)[0]
    assert student.teacher is not None
    assert (student.loss.name, student.teacher.loss.name) == ("label-smoothing", "standard")
    assert (student.seed, student.teacher.seed) == (0, 7)


def test_targets_and_loss_are_hintons(tmp_path: Path, settings: EngineSettings) -> None:
    """Target softmax(f_t/τ); cross-entropy of f_s/τ against it; times τ² if asked (Hinton et al. 2015)."""
    student = specs(tmp_path, "[teacher]\n")[0]
    assert student.teacher is not None
    finished(student.teacher, settings)
    generator = np.random.default_rng(0)
    pixels = generator.integers(0, 255, (40, 8, 8, 1), dtype=np.uint8)
    device = torch.device("cpu")
    images = TrainingImages(pixels, Normalisation.of(pixels, device), "none", 4, device)
    reader = FinishedRunReader(settings, device, CpuBackend(), "fp32", 10, (8, 8, 1))
    indices = torch.arange(40)
    batch = images.at(indices)
    network = reader.network(student.teacher)
    taught = torch.softmax(network(batch).double() / 3.0, dim=1)
    logits = torch.randn(40, 10, dtype=torch.float64)
    expected = -(taught * torch.log_softmax(logits / 3.0, dim=1)).sum(dim=1)
    for squared in (False, True):
        for view in ("augmented", "clean"):
            spec = DistillationSpec(temperature=3.0, squared_temperature_factor=squared, teacher_view=view)
            teacher = Teacher(reader, student.teacher, spec, images)
            loss = teacher.loss(standard(logits.shape[1]), logits, teacher.targets(indices, batch), None)  # type: ignore[arg-type]
            torch.testing.assert_close(loss, expected.float() * (9 if squared else 1), rtol=1e-4, atol=1e-5)


def test_a_teacher_of_the_clean_view_sees_no_augmentation(tmp_path: Path, settings: EngineSettings) -> None:
    """With augmented images and a clean view, the targets stay those of the plain images."""
    student = specs(tmp_path, "[teacher]\n")[0]
    assert student.teacher is not None
    finished(student.teacher, settings)
    device = torch.device("cpu")
    pixels = np.random.default_rng(1).integers(0, 255, (30, 8, 8, 1), dtype=np.uint8)
    images = TrainingImages(pixels, Normalisation.of(pixels, device), "crop-flip", 2, device)
    reader = FinishedRunReader(settings, device, CpuBackend(), "fp32", 10, (8, 8, 1))
    indices, batch = images.batch(images.draw(0, 0), 0, 30)
    clean = Teacher(reader, student.teacher, DistillationSpec(teacher_view="clean"), images)
    seen = Teacher(reader, student.teacher, DistillationSpec(teacher_view="augmented"), images)
    plain = torch.softmax(reader.network(student.teacher)(images.at(indices)) / 2, dim=1)
    torch.testing.assert_close(clean.targets(indices, batch), plain, rtol=1e-4, atol=1e-6)
    assert not torch.allclose(seen.targets(indices, batch), plain, atol=1e-3)


def test_the_students_numbers_are_its_own_and_repeatable(tmp_path: Path, settings: EngineSettings) -> None:
    student = specs(tmp_path, "[teacher]\n")[0]
    assert student.teacher is not None
    finished(student.teacher, settings)
    first = last_metrics(finished(student, settings))
    second = last_metrics(finished(student, settings))
    assert first == second


def test_missing_weights_fail_the_student_with_advice(tmp_path: Path, settings: EngineSettings) -> None:
    student = specs(tmp_path, "[teacher]\n")[0]
    end = list(train(student, settings))[-1]
    assert isinstance(end, Finished)
    assert end.status == "failed"
    assert "weights" in str(end.error)
    assert "missing" in str(end.error)
    assert "LsnError" in str(end.traceback)


def test_damaged_weights_are_named(tmp_path: Path, settings: EngineSettings) -> None:
    student = specs(tmp_path, "[teacher]\n")[0]
    assert student.teacher is not None
    finished(student.teacher, settings)
    path = settings.weights_path(student.teacher.key)
    assert path is not None
    path.write_bytes(path.read_bytes()[:100])
    end = list(train(student, settings))[-1]
    assert isinstance(end, Finished)
    assert end.status == "failed"
    assert "cannot be used" in str(end.error)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[teacher]\nlos = {}\n", "unknown recipe key 'los'"),
        ('[teacher]\nloss = { name = "no-loss" }\n', r"unknown loss 'no-loss'[\s\S]*teacher.loss.name"),
        ("[teacher]\n[distillation]\ntemperature = 0.0\n", "temperature"),
        ('[teacher]\n[distillation]\nteacher_view = "blurred"\n', "teacher_view"),
        (
            '[transition]\nestimator = { name = "ankor" }\n' + ESTIMATED,
            "did you mean 'anchor'",
        ),
        (
            "[transition]\nestimator = { percentile = 200 }\n" + ESTIMATED,
            "percentile",
        ),
        ('[loss]\nname = "forward-correction"\ntransition = "estimated"\n', "needs an estimate"),
    ],
)
def test_mistakes(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(LsnError, match=message):
        specs(tmp_path, text)


# -- estimated transition matrices -------------------------------------------------------------------------


def test_the_estimate_is_read_from_plain_cross_entropy(tmp_path: Path) -> None:
    plain = specs(tmp_path, "")[0]
    estimated = specs(tmp_path, ESTIMATED + "[transition]\n")[0]
    assert estimated.transition is not None
    assert estimated.transition.run is not None
    assert estimated.transition.run.key == plain.key
    assert estimated.dependencies() == (plain,)
    assert estimated.transition.estimator.params == {}  # the paper's percentile is the default


def test_a_loss_that_needs_no_estimate_shares_its_runs(tmp_path: Path) -> None:
    for loss in (
        'name = "standard"',
        'name = "forward-correction"\nalpha = 0.2',
        'name = "backward-correction"\ntransition = "true"',
    ):
        with_section = specs(tmp_path, f"[loss]\n{loss}\n[transition]\n")[0]
        without = specs(tmp_path, f"[loss]\n{loss}\n")[0]
        assert with_section.key == without.key


def test_a_parameter_of_a_strange_loss_says_nothing_of_the_estimate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``alpha`` of another's loss is whatever its author means by it: only the record says where T is from."""
    told: list[bool] = []

    def recorded(**changes: Any) -> None:
        registered = registry().find("loss", "label-smoothing")
        info = replace(registered.info, check=lambda params, context: told.append(context.has_estimate), **changes)
        monkeypatch.setitem(
            registry()._components, ("loss", "label-smoothing"), Registered(info, registered.plugin)
        )

    loss = '[sweep]\n"loss.alpha" = [0.1, 0.3]\n[loss]\nname = "label-smoothing"\n[transition]\n'
    recorded(needs=frozenset({"transition"}))
    assert [spec.transition is not None for spec in specs(tmp_path, loss)] == [True, True]
    assert told == [True, True]

    told.clear()
    recorded(needs=frozenset({"transition"}), uses_estimate=lambda params: params.alpha > 0.2)
    assert [spec.transition is not None for spec in specs(tmp_path, loss)] == [False, True]
    assert told == [False, True]

    told.clear()
    recorded(needs=frozenset(), uses_estimate=None)
    assert [spec.transition for spec in specs(tmp_path, loss)] == [None, None]
    assert told == [False, False]

    recorded(needs=frozenset({"transition"}), uses_estimate=lambda params: params.beta)
    with pytest.raises(LsnError, match="the uses_estimate of loss 'label-smoothing' failed: AttributeError"):
        specs(tmp_path, loss)


def test_only_a_loss_that_asks_for_a_matrix_is_given_one(
    tmp_path: Path, settings: EngineSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """T = (1 - a) I + a/L J, with flip rate (L - 1)/L a = 0.3: 1 - a + a/L = 0.7 on the diagonal."""
    registered = registry().find("loss", "standard")
    given: list[np.ndarray | None] = []

    def build(params: Any, context: LossContext) -> Any:
        given.append(context.transition)

        def loss(logits: torch.Tensor, targets: torch.Tensor, inputs: Any = None) -> torch.Tensor:
            given.append(inputs.transition)
            return torch.nn.functional.cross_entropy(logits, targets, reduction="none")

        return loss

    for needs in (frozenset[str](), frozenset({"transition"})):
        given.clear()
        info = replace(registered.info, build=build, needs=needs)
        monkeypatch.setitem(registry()._components, ("loss", "standard"), Registered(info, registered.plugin))
        finished(specs(tmp_path, "", settings=(("train.steps", 2),))[0], replace(settings, checkpoint_dir=None))
        assert len(given) == 3
        for matrix in given:
            if needs:
                assert np.diag(np.asarray(matrix)) == pytest.approx([0.7] * 10)
            else:
                assert matrix is None


def test_the_stored_estimate_is_patrinis(tmp_path: Path, settings: EngineSettings) -> None:
    """Recomputed from the network's weights by plain matrix products, and by the estimator's definition."""
    spec = specs(tmp_path, ESTIMATED + "[transition]\nestimator = { percentile = 97.0 }\n")[0]
    base = spec.dependencies()[0]
    finished(base, settings)
    events = finished(spec, settings)
    estimate = next(e.array for e in events if isinstance(e, Recorded) and e.name == "transition_estimate")

    from sklearn.datasets import load_digits

    from lsncli.data.catalogue import load as load_data
    from lsncli.data.context import DataContext

    assert len(load_digits().data) == 1797
    arrays: Arrays = load_data("digits", {}, DataContext(tmp_path)).subset(200, 100, 0)
    weights = load_file(str(settings.weights_path(base.key)))
    pixels = arrays.train_images.reshape(200, -1).astype(np.float64)
    inputs = (pixels - pixels.mean()) / pixels.std()
    hidden = np.maximum(inputs @ weights["model.hidden1.weight"].T + weights["model.hidden1.bias"], 0)
    logits = hidden @ weights["model.classifier.weight"].T + weights["model.classifier.bias"]
    probabilities = np.exp(logits - logits.max(1, keepdims=True))
    probabilities /= probabilities.sum(1, keepdims=True)
    assert estimate == pytest.approx(anchor_estimate(probabilities, 97.0), abs=1e-4)
    assert estimate.sum(axis=1) == pytest.approx(np.ones(10))

    metrics = last_metrics(events)
    # Symmetric noise of rate 0.3: 0.7 on the diagonal, 0.3/9 beside it.
    true = np.full((10, 10), 0.3 / 9) + (0.7 - 0.3 / 9) * np.eye(10)
    assert metrics["transition_mean_absolute_error"] == pytest.approx(np.abs(estimate - true).mean())
    assert metrics["transition_total_variation_mean"] == pytest.approx(np.abs(estimate - true).sum(1).mean() / 2)
    assert metrics["transition_condition_number"] == pytest.approx(np.linalg.cond(estimate))
    rows = next(e.array for e in events if isinstance(e, Recorded) and e.name == "transition_total_variation")
    assert rows == pytest.approx(np.abs(estimate - true).sum(axis=1) / 2)


def test_a_teacher_may_estimate_its_matrix(tmp_path: Path, settings: EngineSettings) -> None:
    """It is the run that it would be without a student, and is trained before it, after the run that it reads."""
    alone = specs(tmp_path, ESTIMATED + "[transition]\n")[0]
    taught = 'loss = { name = "forward-correction", transition = "estimated" }'
    student = specs(tmp_path, f"[teacher]\n{taught}\n[transition]\n")[0]
    assert student.teacher is not None
    assert student.teacher.key == alone.key
    assert student.transition is None  # its own loss asks for none
    plan = Plan.of([student])
    assert [run.key for run in plan] == [alone.dependencies()[0].key, alone.key, student.key]
    for run in plan:
        finished(run.spec, settings)
    plain = specs(tmp_path, '[teacher]\nloss = { name = "forward-correction", alpha = 0.2 }\n')[0]
    beside = specs(tmp_path, '[teacher]\nloss = { name = "forward-correction", alpha = 0.2 }\n[transition]\n')[0]
    assert beside.key == plain.key


def test_estimator_true_equals_the_true_matrix(tmp_path: Path, settings: EngineSettings) -> None:
    estimated = specs(tmp_path, ESTIMATED + '[transition]\nestimator = { name = "true" }\n')[0]
    true = specs(tmp_path, ESTIMATED.replace("estimated", "true"))[0]
    assert estimated.dependencies() == ()
    one, other = last_metrics(finished(estimated, settings)), last_metrics(finished(true, settings))
    assert {k: one[k] for k in other} == other


# -- what is kept ------------------------------------------------------------------------------------------


def test_the_predictions_file_gives_the_metrics_again(tmp_path: Path, settings: EngineSettings) -> None:
    """The stored metrics, recomputed by scikit-learn and plain numpy from the stored predictions."""
    from sklearn.metrics import accuracy_score, log_loss

    spec = specs(tmp_path, "")[0]
    events = finished(spec, settings)
    metrics = last_metrics(events)
    assert settings.checkpoint_dir is not None
    saved = {e.name: settings.checkpoint_dir / e.path for e in events if isinstance(e, Saved)}
    assert set(saved) == {"weights", "predictions"}
    kept = load_file(str(saved["predictions"]))
    logits, labels = kept["test_logits"].astype(np.float64), kept["test_labels"]
    probabilities = np.exp(logits - logits.max(1, keepdims=True))
    probabilities /= probabilities.sum(1, keepdims=True)
    assert metrics["test_accuracy"] == pytest.approx(accuracy_score(labels, logits.argmax(1)))
    assert metrics["test_nll"] == pytest.approx(log_loss(labels, probabilities, labels=range(10)), rel=1e-6)
    for bins in (15, 100):
        assert metrics[f"test_ece_{bins}"] == pytest.approx(_ece(probabilities, labels, bins), abs=1e-9)
    given, true, predicted = kept["train_given"], kept["train_true"], kept["train_predicted"]
    noisy = given != true
    assert metrics["train_accuracy_full_given"] == pytest.approx((predicted == given).mean())
    assert metrics["train_accuracy_full_true"] == pytest.approx((predicted == true).mean())
    assert metrics["train_accuracy_clean_true"] == pytest.approx((predicted == true)[~noisy].mean())
    assert metrics["train_accuracy_noisy_true"] == pytest.approx((predicted == true)[noisy].mean())
    assert metrics["train_accuracy_noisy_given"] == pytest.approx((predicted == given)[noisy].mean())
    assert metrics["noise_flip_rate"] == pytest.approx(noisy.mean())


def _ece(probabilities: np.ndarray, labels: np.ndarray, bins: int) -> float:
    """Guo et al. 2017, equation 3, bin by bin; bins ((m-1)/M, m/M]."""
    confidence, correct = probabilities.max(1), probabilities.argmax(1) == labels
    total = 0.0
    for m in range(1, bins + 1):
        inside = (confidence > (m - 1) / bins) & (confidence <= m / bins)
        if inside.any():
            total += inside.mean() * abs(correct[inside].mean() - confidence[inside].mean())
    return total


def test_histograms_and_projections(tmp_path: Path, settings: EngineSettings) -> None:
    spec = specs(tmp_path, "")[0]
    events = finished(spec, settings)
    arrays = {e.name: e.array for e in events if isinstance(e, Recorded)}
    assert settings.checkpoint_dir is not None
    kept = load_file(str(settings.checkpoint_dir / spec.key / "predictions.safetensors"))
    noisy = int((kept["train_given"] != kept["train_true"]).sum())
    for name, bins in (("probability_margin_histograms", 100), ("logit_margin_histograms", 120)):
        counts = arrays[name]
        assert counts.shape == (3, 3, bins)
        # Every example once in each label's column: all 200, the clean ones, the noisy ones.
        assert counts.sum(axis=2).tolist() == [[200] * 3, [200 - noisy] * 3, [noisy] * 3]
        # On the clean part the true label is the given label.
        assert (counts[1, 0] == counts[1, 1]).all()
    points, given = arrays["projection_points"], arrays["projection_given"]
    assert points.shape == (len(given), 2)
    assert set(given.tolist()) <= {0, 1, 2}
    assert arrays["projection_classes"].tolist() == [0, 1, 2]
    # Distances between templates survive the projection, for the templates lie in the plane.
    weights = load_file(str(settings.weights_path(spec.key)))["model.classifier.weight"][:3]
    templates = arrays["projection_templates"]
    for i, j in ((0, 1), (0, 2), (1, 2)):
        expected = np.linalg.norm(weights[i] - weights[j])
        assert np.linalg.norm(templates[i] - templates[j]) == pytest.approx(expected, rel=1e-4)


def test_no_files_without_a_folder(tmp_path: Path, settings: EngineSettings) -> None:
    events = finished(specs(tmp_path, "")[0], replace(settings, checkpoint_dir=None))
    assert not [e for e in events if isinstance(e, Saved)]
