"""Closed forms: what each estimator must return where it can be computed by hand or by enumeration."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
import torch

from lsn_estimators.confident import confident_estimate
from lsn_estimators.dual import dual_estimate
from lsn_estimators.hoc import (
    consensus_probabilities,
    count_consensuses,
    hoc_estimate,
    solve,
    two_nearest,
)
from lsn_estimators.matrices import VolumeTransition, log_volume, nearest_stochastic

T = np.array([[0.7, 0.2, 0.1], [0.1, 0.8, 0.1], [0.05, 0.25, 0.7]])
PRIOR = np.array([0.5, 0.3, 0.2])


def test_confident_joint_by_hand() -> None:
    """Thresholds are the mean self-confidence of each label: 0.6 for label 0, of (0.9, 0.8, 0.1), and 0.7 for
    label 1, of (0.9, 0.5). Confident are: label 0 as class 0 twice, as class 1 once (0.9 ≥ 0.7), label 1 as class
    1 once (0.9); the last example (0.5, 0.5) is confident of nothing. Scaled to 3 and 2 labels: [[2, 1], [0, 2]]
    by label."""
    probabilities = np.array([[0.9, 0.1], [0.8, 0.2], [0.1, 0.9], [0.1, 0.9], [0.5, 0.5]])
    estimate = confident_estimate(probabilities, np.array([0, 0, 0, 1, 1]))
    assert estimate == pytest.approx(np.array([[1.0, 0.0], [1 / 3, 2 / 3]]))


def test_confident_joint_needs_every_label() -> None:
    with pytest.raises(ValueError, match="no example is labelled 1"):
        confident_estimate(np.full((4, 2), 0.5), np.zeros(4, dtype=int))


def test_dual_is_the_square_where_the_noise_is_known_exactly() -> None:
    """With the exact noisy posterior of certain classes, T♣ = T; each example's intermediate class is its true
    class, so that T♠ = T as well: the paper's product is T². It is meant for networks that are surer than they
    should be."""
    classes = np.repeat(np.arange(3), 200)
    labels = np.concatenate([np.repeat(np.arange(3), np.rint(row * 200).astype(int)) for row in T])
    assert dual_estimate(T[classes], labels, None) == pytest.approx(T @ T)


def test_dual_by_hand() -> None:
    """T♣ = [[0.9, 0.1], [0.2, 0.8]] from the first and the third example; class 0 is predicted for two examples of
    labels 0 and 1, class 1 for one of label 1: T♠ = [[1/2, 1/2], [0, 1]]."""
    probabilities = np.array([[0.9, 0.1], [0.6, 0.4], [0.2, 0.8]])
    expected = np.array([[0.9, 0.1], [0.2, 0.8]]) @ np.array([[0.5, 0.5], [0, 1]])
    assert dual_estimate(probabilities, np.array([0, 1, 1]), None) == pytest.approx(expected)


def test_dual_where_a_class_is_never_predicted() -> None:
    """The anchor of class 1 says (0.6, 0.4), and nobody is predicted to be of class 1:
    T♠ = [[2/3, 1/3], [0, 1]]."""
    probabilities = np.array([[0.9, 0.1], [0.7, 0.3], [0.6, 0.4]])
    estimate = dual_estimate(probabilities, np.array([0, 0, 1]), None)
    assert estimate == pytest.approx(np.array([[0.9, 0.1], [0.6, 0.4]]) @ np.array([[2 / 3, 1 / 3], [0, 1]]))


def test_consensus_probabilities_by_enumeration() -> None:
    """The class y is drawn from the prior, then three labels from row y."""
    first, second, third = np.zeros(3), np.zeros((3, 3)), np.zeros((3, 3, 3))
    for y, i, j, k in product(range(3), repeat=4):
        share = PRIOR[y] * T[y, i] * T[y, j] * T[y, k]
        first[i] += share
        second[i, j] += share
        third[i, j, k] += share
    found = consensus_probabilities(torch.tensor(T), torch.tensor(PRIOR))
    for expected, value in zip((first, second, third), found, strict=True):
        assert value.numpy() == pytest.approx(expected)


def test_the_equations_determine_the_matrix() -> None:
    """From exact consensuses the solver comes back to T and p, to what Adam at a rate of 0.1 leaves: 1 % of a
    softmax's slope of at most 1/4 would be 2.5·10⁻³."""
    exact = consensus_probabilities(torch.tensor(T), torch.tensor(PRIOR))
    transition, prior = solve(exact, steps=600, lr=0.1)
    assert transition == pytest.approx(T, abs=2.5e-3)
    assert prior == pytest.approx(PRIOR, abs=2.5e-3)


def test_two_nearest_and_what_is_counted() -> None:
    """Four directions at 0°, 10°, 25° and 90° with labels 0, 1, 1, 0."""
    angles = torch.deg2rad(torch.tensor([0.0, 10.0, 25.0, 90.0]))
    features = torch.stack((angles.cos(), angles.sin()), dim=1)
    assert two_nearest(features).tolist() == [[1, 2], [0, 2], [1, 0], [2, 1]]
    first, second, third = count_consensuses(features, torch.tensor([0, 1, 1, 0]), 2)
    assert first.tolist() == [2, 2]
    # Label and nearest neighbour's: (0, 1), (1, 0), (1, 1), (0, 1).
    assert second.tolist() == [[0, 2], [1, 1]]
    # With the second one: (0,1,1), (1,0,1), (1,1,0), (0,1,1).
    assert third.tolist() == [[[0, 0], [0, 2]], [[0, 1], [1, 0]]]


def test_an_example_is_not_its_own_neighbour_among_equal_ones() -> None:
    nearest = two_nearest(torch.ones(5, 2))
    assert all(row not in pair for row, pair in enumerate(nearest.tolist()))


def test_hoc_draws_its_samples_from_the_seed() -> None:
    generator = np.random.default_rng(1)
    classes = np.arange(300) % 3
    prelogits = np.eye(3)[classes] + generator.normal(0, 0.1, (300, 3))
    labels = np.array([generator.choice(3, p=T[y]) for y in classes])
    first, again, other = (
        hoc_estimate(prelogits, labels, 3, rounds=1, steps=50, sample=100, seed=seed) for seed in (1, 1, 2)
    )
    assert (first == again).all()
    assert (first != other).any()


def test_hoc_says_what_it_cannot_do() -> None:
    with pytest.raises(ValueError, match="at most 200 classes"):
        hoc_estimate(np.ones((5, 2)), np.zeros(5, dtype=int), 1000)
    with pytest.raises(ValueError, match="at least 4 examples"):
        hoc_estimate(np.ones((3, 2)), np.zeros(3, dtype=int), 2)


def test_volume_transition() -> None:
    """σ(−2) = 0.1192 off the diagonal, over row sums of 1 + 2·0.1192."""
    matrix = VolumeTransition(3, 2.0)()
    off = 1 / (1 + np.exp(2))
    expected = (np.eye(3) * (1 - off) + off) / (1 + 2 * off)
    assert matrix.detach().numpy() == pytest.approx(expected, rel=1e-6)
    # Eigenvalues 1, and twice the diagonal less the rest.
    assert log_volume(matrix).item() == pytest.approx(2 * np.log((1 - off) / (1 + 2 * off)), rel=1e-5)
    assert float(log_volume(torch.eye(3))) == 0


def test_nearest_stochastic() -> None:
    matrix = torch.tensor([[0.9, -0.1], [-0.5, -0.5]], dtype=torch.float64)
    assert nearest_stochastic(matrix).tolist() == [[1, 0], [0, 1]]
    halves = torch.tensor([[1.0, 1.0], [3.0, 1.0]], dtype=torch.float64)
    assert nearest_stochastic(halves).tolist() == [[0.5, 0.5], [0.75, 0.25]]
    for lost in (torch.nan, torch.inf):
        diverged = nearest_stochastic(torch.tensor([[lost, 1.0], [3.0, 1.0]], dtype=torch.float64))
        assert not torch.isfinite(diverged[0]).all()
        assert diverged[1].tolist() == [0.75, 0.25]
