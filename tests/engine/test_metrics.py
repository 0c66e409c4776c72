"""Calibration error against its definition; the other metrics against scikit-learn and by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from engine_samples import draw_images, metrics, run, spec
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from scipy.special import softmax
from sklearn.metrics import accuracy_score, log_loss

from lsncli.engine.calibration import expected_calibration_error, reliability_bins
from lsncli.engine.evaluation import measure_test, measure_train
from lsncli.engine.events import Recorded
from lsncli.engine.settings import EngineSettings

CONFIDENCES = st.one_of(
    st.floats(0, 1),
    st.integers(0, 100).map(lambda k: k / 100),
    st.integers(0, 15).map(lambda k: k / 15),
    st.sampled_from([0.0, 1.0, math.nextafter(1, 0), math.nextafter(0.5, 1), 5e-324]),
)


def defined(confidence: list[float], correct: list[bool], bins: int) -> float:
    """Guo et al. 2017, equation 3, with B_m = ((m−1)/M, m/M], written as a loop; zero goes to the first bin."""
    error = 0.0
    for m in range(1, bins + 1):
        inside = [i for i, c in enumerate(confidence) if (m - 1) / bins < c <= m / bins or (m == 1 and c == 0)]
        if inside:
            acc = np.mean([correct[i] for i in inside])
            conf = np.mean([confidence[i] for i in inside])
            error += len(inside) / len(confidence) * abs(acc - conf)
    return float(error)


def ece(confidence: list[float], correct: list[bool], bins: int) -> float:
    return expected_calibration_error(
        reliability_bins(torch.tensor(confidence, dtype=torch.float64), torch.tensor(correct), bins)
    )


@hypothesis_settings(deadline=None)
@given(st.lists(st.tuples(CONFIDENCES, st.booleans()), min_size=1, max_size=60), st.sampled_from([1, 2, 15, 100]))
def test_ece_equals_its_definition(pairs: list[tuple[float, bool]], bins: int) -> None:
    confidence, correct = [c for c, _ in pairs], [y for _, y in pairs]
    assert ece(confidence, correct, bins) == pytest.approx(defined(confidence, correct, bins), abs=1e-12)


@pytest.mark.parametrize("bins", [7, 15, 100])
def test_edges_belong_to_the_bin_below(bins: int) -> None:
    edges = [m / bins for m in range(1, bins + 1)]
    counts = reliability_bins(torch.tensor(edges, dtype=torch.float64), torch.ones(bins, dtype=torch.bool), bins)[0]
    assert counts.tolist() == [1] * bins
    above = [math.nextafter(edge, 2) for edge in edges[:-1]]
    counts = reliability_bins(
        torch.tensor(above, dtype=torch.float64), torch.ones(bins - 1, dtype=torch.bool), bins
    )[0]
    assert counts.tolist() == [0] + [1] * (bins - 1)


def test_ece_of_small_cases() -> None:
    # Two in (0.9, 1], one right: |0.5 − 0.95|; four in (0.6, 0.7], two right: |0.5 − 0.65|.
    confidence, correct = [0.92, 0.98, 0.62, 0.64, 0.66, 0.68], [True, False, True, False, True, False]
    assert ece(confidence, correct, 10) == pytest.approx(2 / 6 * 0.45 + 4 / 6 * 0.15, abs=1e-12)
    assert ece([1.0, 1.0], [True, True], 15) == 0
    assert ece([1.0, 1.0, 1.0, 1.0], [True, False, False, False], 100) == pytest.approx(0.75)
    # Certainty shares the last bin with 0.995; a bin of its own would give (0.005 + 0)/2 = 0.0025 as well, but
    # not so with one of them wrong: the bin's accuracy is 1/2 and its confidence 0.9975.
    assert ece([0.995, 1.0], [False, True], 100) == pytest.approx(0.4975)
    assert math.isnan(expected_calibration_error(torch.zeros(3, 5, dtype=torch.float64)))


def test_reliability_bins_hold_counts_and_sums() -> None:
    bins = reliability_bins(torch.tensor([0.2, 0.3, 0.9]), torch.tensor([True, False, True]), 2)
    expected = torch.tensor([[2, 1], [0.5, 0.9], [1, 1]], dtype=torch.float64)
    torch.testing.assert_close(bins, expected, atol=1e-7, rtol=0)


@pytest.mark.parametrize("scale", [0.1, 3.0, 100.0])
def test_test_metrics_against_scikit_learn(scale: float) -> None:
    generator = np.random.default_rng(0)
    logits = generator.normal(size=(200, 6)).astype(np.float32) * np.float32(scale)
    labels = generator.integers(0, 6, 200)
    found, bins = measure_test(torch.from_numpy(logits), torch.from_numpy(labels))
    probabilities = softmax(logits.astype(np.float64), axis=1)
    assert found["test_accuracy"] == accuracy_score(labels, logits.argmax(1))
    own = probabilities[np.arange(200), labels]
    if scale < 10:  # scikit-learn clips tiny probabilities, as no loss here does
        assert found["test_nll"] == pytest.approx(log_loss(labels, probabilities, labels=range(6)), rel=1e-12)
    assert found["test_nll"] == pytest.approx(-np.log(own).mean(), rel=1e-9)
    correct = [bool(c) for c in logits.argmax(1) == labels]
    for count in (15, 100):
        expected = defined([float(c) for c in probabilities.max(1)], correct, count)
        assert found[f"test_ece_{count}"] == pytest.approx(expected, abs=1e-9)
    assert bins.shape == (3, 100)
    assert bins[0].sum() == 200


def test_nll_of_hopeless_logits_is_finite() -> None:
    # −log softmax of the wrong one of (1000, 0) is 1000 and not the logarithm of an underflow.
    found, _ = measure_test(torch.tensor([[1000.0, 0.0]]), torch.tensor([1]))
    assert found["test_nll"] == pytest.approx(1000)


def labels(*values: int) -> torch.Tensor:
    return torch.tensor(values)


def test_train_metrics_by_hand() -> None:
    # Examples 0–3 keep their label, 4–7 have a wrong one; paper, Table 3.
    true = labels(0, 1, 2, 3, 0, 1, 2, 3)
    noisy = labels(0, 1, 2, 3, 1, 2, 3, 0)
    predicted = labels(0, 1, 2, 0, 1, 1, 3, 0)
    assert measure_train(predicted, noisy, true) == {
        "train_accuracy_full_given": 6 / 8,
        "train_accuracy_full_true": 4 / 8,
        "train_accuracy_clean_true": 3 / 4,
        "train_accuracy_noisy_true": 1 / 4,
        "train_accuracy_noisy_given": 3 / 4,
    }


def test_parts_without_examples_have_no_metrics() -> None:
    true, wrong = labels(0, 1), labels(1, 0)
    assert set(measure_train(true, true, true)) == {
        "train_accuracy_full_given",
        "train_accuracy_full_true",
        "train_accuracy_clean_true",
    }
    assert set(measure_train(true, wrong, true)) == {
        "train_accuracy_full_given",
        "train_accuracy_full_true",
        "train_accuracy_noisy_true",
        "train_accuracy_noisy_given",
    }


TRUE_LABEL_METRICS = {"train_accuracy_full_true", "train_accuracy_clean_true", "noise_flip_rate"}


def test_natural_noise_has_no_clean_label_metrics(settings: EngineSettings) -> None:
    draw_images(settings.data_dir, name="natural", clean=False)
    events = run(spec(data="natural", rate=0, steps=4), settings)
    names = {name for _, name in metrics(events)}
    assert {"train_accuracy_full_given", "test_accuracy", "test_ece_100", "train_loss"} <= names
    assert not [name for name in names if name.endswith("_true") or "noisy" in name or "noise" in name]
    assert not [e for e in events if isinstance(e, Recorded) and "noise" in e.name]


def test_known_noise_is_measured(settings: EngineSettings) -> None:
    """The counts of the transition by hand: 64 examples, 16 of each class, a quarter of them flipped."""
    events = run(spec(steps=4), settings)
    found = metrics(events)
    assert {name for _, name in found} >= TRUE_LABEL_METRICS
    assert found[0, "noise_flip_rate"] == 0.25
    counts = next(e.array for e in events if isinstance(e, Recorded) and e.name == "noise_transition_counts")
    assert counts.sum(axis=1).tolist() == [16] * 4
    assert np.trace(counts) == 48
    bins = next(e.array for e in events if isinstance(e, Recorded) and e.name == "test_reliability_bins")
    assert bins.shape == (3, 100)
    assert bins[0].sum() == 40
    # Sum of correctness over the bins is the accuracy; and the bins give the stored calibration error again.
    assert bins[2].sum() / 40 == pytest.approx(found[4, "test_accuracy"])
    assert np.abs(bins[1] - bins[2]).sum() / 40 == pytest.approx(found[4, "test_ece_100"], abs=1e-12)


def test_what_a_recipe_may_report_is_what_is_recorded() -> None:
    from lsncli.estimators.distance import distances
    from lsncli.recorded_metrics import RECORDED

    labels = torch.tensor([0, 1, 1])
    tested, _ = measure_test(torch.eye(2)[labels], labels)
    trained = measure_train(labels, torch.tensor([0, 1, 0]), labels)
    of_a_loss = {"train_loss", "images_per_second", "validation_accuracy", "noise_flip_rate"}
    assert set(RECORDED) == {*tested, *trained, *distances(np.eye(2), np.eye(2)), *of_a_loss}
