"""Instance-dependent noise: its flip rates, its choice of classes, and that it does depend on the image."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from lsncli import LsnError
from scipy import integrate, stats

from lsn_human_noise.instance_dependent import InstanceDependentNoise

L = 6


def images(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, 4, 4, 3), dtype=np.uint8)


def apply(noise: InstanceDependentNoise, labels: Any, features: Any, seed: int = 0) -> np.ndarray:
    return noise.apply(np.asarray(labels), L, np.random.default_rng(seed), features=features)


def mean_rate(rate: float, std: float) -> float:
    """The mean of normal(rate, std²) cut off at 0 and 1, by integrating its density."""
    density = stats.norm(rate, std).pdf
    mass = integrate.quad(density, 0, 1, points=[rate])[0]
    return float(integrate.quad(lambda q: q * density(q), 0, 1, points=[rate])[0] / mass)


@pytest.mark.parametrize(("rate", "std"), [(0.0, 0.1), (0.2, 0.1), (0.45, 0.1), (0.3, 0.02)])
def test_labels_flip_as_often_as_their_rates_say(rate: float, std: float) -> None:
    """40,000 independent flips: within five standard deviations of the binomial."""
    count = 40_000
    labels = np.arange(count) % L
    noisy = apply(InstanceDependentNoise(rate, std), labels, images(count))
    expected = mean_rate(rate, std)
    assert abs((noisy != labels).mean() - expected) < 5 * np.sqrt(expected * (1 - expected) / count)


def test_flip_rates_are_a_normal_distribution_cut_off() -> None:
    rates = InstanceDependentNoise(0.2, 0.1).flip_rates(20_000, np.random.default_rng(5))
    assert 0 <= rates.min() < rates.max() <= 1
    reference = stats.norm(0.2, 0.1)
    low, high = reference.cdf(0), reference.cdf(1)
    assert stats.kstest(rates, lambda q: (reference.cdf(q) - low) / (high - low)).pvalue > 1e-3


def test_the_wrong_class_is_chosen_by_the_projected_image() -> None:
    """Algorithm 2, written out: the same numbers drawn in the same order, one example at a time. The images are
    almost black, so that the softmax does not saturate and every class is chosen."""
    count, rate = 400, 0.9
    labels, features = np.arange(count) % L, images(count) % 2
    generator = np.random.default_rng(11)
    low, high = (0 - rate) / 0.1, (1 - rate) / 0.1
    q = stats.truncnorm.ppf(generator.random(count), low, high, loc=rate, scale=0.1)
    choices = generator.random(count)
    W = [generator.standard_normal((48, L), dtype=np.float32) for _ in range(L)]
    expected = []
    for i in range(count):
        y = labels[i]
        scores = features[i].reshape(-1).astype(np.float64) @ W[y].astype(np.float64)
        others = np.exp(np.delete(scores, y) - np.delete(scores, y).max())
        p = np.insert(q[i] * others / others.sum(), y, 0.0)
        k = int(np.searchsorted(np.cumsum(p), choices[i], side="right"))
        expected.append(k if choices[i] < q[i] else y)
    noisy = apply(InstanceDependentNoise(rate), labels, features, 11)
    assert (noisy == expected).mean() > 0.99  # float32 may fall on the other side of an edge
    assert len(set(noisy[labels == 0])) == L


@pytest.mark.parametrize("normalised", [False, True])
def test_equal_images_go_to_the_same_class(normalised: bool) -> None:
    """With bright pixels one class takes nearly all of the softmax: an image's wrong label is always the same."""
    features = np.repeat(images(2), 500, axis=0)
    if normalised:
        features = np.repeat((images(2) > 127) * np.uint8(255), 500, axis=0)
    noisy = apply(InstanceDependentNoise(0.5, normalised=normalised), np.zeros(1000, dtype=np.int64), features)
    for part in (noisy[:500], noisy[500:]):
        wrong = np.bincount(part[part > 0], minlength=L)
        assert wrong.max() > 0.5 * wrong.sum() > 100


def test_a_class_does_not_depend_on_which_others_there_are() -> None:
    labels, features = np.arange(300) % L, images(300)
    whole = apply(InstanceDependentNoise(0.4), labels, features)
    other = labels.copy()
    other[labels == 5] = 4
    changed = apply(InstanceDependentNoise(0.4), other, features)
    np.testing.assert_array_equal(whole[labels < 4], changed[labels < 4])


def test_many_examples_are_handled_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    from lsn_human_noise import instance_dependent

    labels, features = np.arange(100) % 2, images(100)
    whole = apply(InstanceDependentNoise(0.4), labels, features)
    monkeypatch.setattr(instance_dependent, "CHUNK", 7)
    np.testing.assert_array_equal(apply(InstanceDependentNoise(0.4), labels, features), whole)


def test_without_images_there_is_no_such_noise() -> None:
    with pytest.raises(LsnError, match="needs the image of every example"):
        apply(InstanceDependentNoise(0.4), [0, 1], None)
    with pytest.raises(LsnError, match="needs the image of every example"):
        apply(InstanceDependentNoise(0.4), [0, 1], images(3))
    with pytest.raises(LsnError, match="labels lie between 0 and 6"):
        apply(InstanceDependentNoise(0.4), [0, L], images(2))
    assert InstanceDependentNoise(0.4).transition(L) is None
