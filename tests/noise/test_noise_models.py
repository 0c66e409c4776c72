"""Noise models: transition matrices against theory, draws against the matrices, exact counts, determinism."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chi2

from lsncli.components import NoiseContext
from lsncli.errors import LsnError
from lsncli.noise.draws import exact_counts
from lsncli.noise.plugin import lsn_noise_models
from lsncli.noise.realised import realised_noise
from lsncli.parameters import validate

INFOS = {}
lsn_noise_models(lambda info: INFOS.__setitem__(info.name, info))
L, N = 10, 20_000
T_ANY = 0.7 * np.eye(L) + 0.3 * np.random.default_rng(5).dirichlet(np.ones(L), L)

CASES = {
    "none": {},
    "symmetric": {"rate": 0.3},
    "uniform": {"rate": 0.3},
    "class-conditional": {"matrix": T_ANY},
    "asymmetric": {"rate": 0.3, "map": "cifar10"},
    "pair": {"rate": 0.3},
}


def build(name, num_classes=L, **values):
    params = validate(INFOS[name].params, values, where="test", subject=name)
    return INFOS[name].build(params, NoiseContext("toy", num_classes))


def true_labels(seed=0, n=N, num_classes=L):
    """Classes of very different sizes, so that a mistake in weighting shows."""
    return np.random.default_rng(seed).choice(
        num_classes, n, p=np.arange(1, num_classes + 1) * 2 / (num_classes * (num_classes + 1))
    )


@pytest.fixture(params=sorted(CASES))
def name(request):
    return request.param


def test_every_model_is_there():
    assert sorted(INFOS) == sorted(CASES)
    assert all(info.has_transition and info.summary for info in INFOS.values())


@pytest.mark.parametrize("rate", [0.0, 0.2, 0.5, 0.95])
def test_symmetric_and_uniform_matrices(rate):
    """(1 − α) I + (α/L) J with α = L/(L−1) ρ (equation 3), and with α = ρ for replacement from all classes."""
    for model, alpha in (("symmetric", L / (L - 1) * rate), ("uniform", rate)):
        expected = (1 - alpha) * np.eye(L) + alpha / L * np.ones((L, L))
        np.testing.assert_allclose(build(model, rate=rate).transition(L), expected, rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(np.diag(build("symmetric", rate=rate).transition(L)), 1 - rate, rtol=1e-12)


def test_pair_and_given_matrices():
    """Pair noise: 1 − ρ on the diagonal, ρ to the right of it, the last class to the first."""
    expected = 0.7 * np.eye(L) + 0.3 * np.roll(np.eye(L), 1, axis=1)
    np.testing.assert_allclose(build("pair", rate=0.3).transition(L), expected, rtol=1e-15)
    np.testing.assert_allclose(build("class-conditional", matrix=T_ANY).transition(L), T_ANY, rtol=1e-15)
    np.testing.assert_array_equal(build("none").transition(L), np.eye(L))


def test_rows_sum_to_one(name):
    matrix = build(name, **CASES[name]).transition(L)
    np.testing.assert_allclose(matrix.sum(axis=1), 1, atol=1e-12)
    assert (matrix >= 0).all()


def counts_of(name, labels, seed, **extra):
    noisy = build(name, **CASES[name], **extra).apply(labels, L, np.random.default_rng(seed))
    return realised_noise(labels, noisy, L).counts


@pytest.mark.parametrize("seed", [0, 1])
def test_independent_draws_follow_the_matrix(name, seed):
    """Pearson's χ² of all transitions together, at a level of 1e-6; impossible transitions never occur."""
    labels = true_labels(seed)
    # Not the seed that chose the labels: the same stream again would tie the noise to them.
    counts = counts_of(name, labels, seed + 100)
    matrix = build(name, **CASES[name]).transition(L)
    expected = np.bincount(labels, minlength=L)[:, None] * matrix
    possible = expected > 0
    assert not counts[~possible].any()
    statistic = ((counts - expected)[possible] ** 2 / expected[possible]).sum()
    freedom = possible.sum() - L
    assert statistic <= (chi2.isf(1e-6, freedom) if freedom else 1e-9)
    # An exact count would have a statistic near 0; independent draws do not.
    assert freedom == 0 or statistic > chi2.ppf(1e-6, freedom)


@pytest.mark.parametrize("rate", [0.0, 0.2, 0.37, 0.99])
@pytest.mark.parametrize("n", [1, 10, 997])
def test_exact_symmetric_flips_exactly_that_many(rate, n):
    labels = true_labels(n=n)
    noisy = build("symmetric", rate=rate, count="exact").apply(labels, L, np.random.default_rng(3))
    assert (noisy != labels).sum() == round(rate * n)


def test_exact_uniform_draws_exactly_that_many_anew():
    """At most round(ρN) labels change, and about 1 in L of the drawn ones comes out as it was (5 sigma)."""
    labels = true_labels()
    noisy = build("uniform", rate=0.4, count="exact").apply(labels, L, np.random.default_rng(3))
    drawn = round(0.4 * N)
    unchanged = drawn - (noisy != labels).sum()
    assert abs(unchanged - drawn / L) < 5 * np.sqrt(drawn * (1 / L) * (1 - 1 / L))


@pytest.mark.parametrize("model", ["class-conditional", "asymmetric", "pair"])
def test_exact_counts_of_every_class(model):
    """n_i T[i, j], each rounded up or down, and every class keeps its total."""
    labels = true_labels(n=5003)
    counts = counts_of(model, labels, 1, count="exact")
    expected = np.bincount(labels, minlength=L)[:, None] * build(model, **CASES[model]).transition(L)
    assert (np.abs(counts - expected) < 1).all()
    np.testing.assert_array_equal(counts.sum(axis=1), np.bincount(labels, minlength=L))


def test_exact_pair_by_hand():
    """100 of each of 3 classes at ρ = 0.29: 29 flips each, although 0.29 · 100 = 28.999999999999996."""
    labels = np.repeat(np.arange(3), 100)
    noisy = build("pair", 3, rate=0.29, count="exact").apply(labels, 3, np.random.default_rng(0))
    np.testing.assert_array_equal(realised_noise(labels, noisy, 3).counts, [[71, 29, 0], [0, 71, 29], [29, 0, 71]])


@pytest.mark.parametrize(
    ("total", "probabilities", "expected"),
    [
        (10, [0.7, 0.3], [7, 3]),
        (10, [1 / 3, 1 / 3, 1 / 3], [4, 3, 3]),  # equal remainders: the lower class first
        (3, [0.5, 0.0, 0.5], [2, 0, 1]),
        (7, [0.61, 0.29, 0.10], [4, 2, 1]),  # 4.27, 2.03, 0.70: the last has the largest remainder
        (0, [0.5, 0.5], [0, 0]),
    ],
)
def test_largest_remainders_by_hand(total, probabilities, expected):
    np.testing.assert_array_equal(exact_counts(total, np.array(probabilities)), expected)


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 10**6), st.lists(st.floats(0, 1), min_size=2, max_size=20).filter(lambda w: sum(w) > 0.1))
def test_largest_remainders_sum_and_stay_close(total, weights):
    p = np.array(weights) / np.sum(weights)
    counts = exact_counts(total, p)
    assert counts.sum() == total
    assert (np.abs(counts - total * p) < 1 + 1e-6).all()
    assert not counts[p == 0].any()


@pytest.mark.parametrize("count", ["independent", "exact"])
def test_deterministic_and_without_side_effects(name, count):
    labels = true_labels(n=500)
    labels.setflags(write=False)
    before = labels.copy()
    extra = {} if name == "none" else {"count": count}
    state = np.random.get_state()[1].copy()
    model = build(name, **CASES[name], **extra)
    first, again, other = (model.apply(labels, L, np.random.default_rng(seed)) for seed in (7, 7, 8))
    np.testing.assert_array_equal(first, again)
    np.testing.assert_array_equal(labels, before)
    np.testing.assert_array_equal(np.random.get_state()[1], state)
    assert name == "none" or (first != other).any()
    assert first.dtype == np.int64
    assert first is not labels
    assert not np.shares_memory(first, labels)
    features = np.zeros((500, 2, 2, 1), np.uint8)
    np.testing.assert_array_equal(model.apply(labels, L, np.random.default_rng(7), features), first)


@pytest.mark.parametrize("count", ["independent", "exact"])
def test_a_higher_rate_flips_a_superset(count):
    labels = true_labels(n=1000)
    low, high = (
        build("symmetric", rate=rate, count=count).apply(labels, L, np.random.default_rng(1)) for rate in (0.2, 0.4)
    )
    flipped = low != labels
    np.testing.assert_array_equal(low[flipped], high[flipped])


def test_no_examples_and_small_types(name):
    model = build(name, **CASES[name])
    assert model.apply(np.array([], dtype=np.int64), L, np.random.default_rng(0)).shape == (0,)
    narrow = true_labels(n=300).astype(np.uint8)
    wide = model.apply(narrow.astype(np.int64), L, np.random.default_rng(0))
    np.testing.assert_array_equal(model.apply(narrow, L, np.random.default_rng(0)), wide)


@pytest.mark.parametrize(
    ("labels", "num_classes", "reason"),
    [
        (np.array([0, 10]), L, "between 0 and 10"),
        (np.array([-1, 3]), L, "between -1 and 3"),
        (np.array([0.5]), L, "row of integers"),
        (np.array([[1]]), L, "row of integers"),
        (np.array([0]), 1, "at least two classes"),
    ],
)
def test_labels_that_cannot_be(name, labels, num_classes, reason):
    with pytest.raises(LsnError, match=reason):
        build(name, **CASES[name]).apply(labels, num_classes, np.random.default_rng(0))


@pytest.mark.parametrize("model", ["class-conditional", "asymmetric", "pair"])
def test_model_of_another_number_of_classes(model):
    with pytest.raises(LsnError, match="made for 10 classes, but the data has 12"):
        build(model, **CASES[model]).apply(np.array([0]), 12, np.random.default_rng(0))


def test_realised_noise_by_hand():
    found = realised_noise([0, 0, 1, 1, 1], np.array([0, 1, 1, 1, 0]), 3)
    assert found.rate == 2 / 5
    np.testing.assert_array_equal(found.counts, [[1, 1, 0], [1, 2, 0], [0, 0, 0]])
    np.testing.assert_allclose(found.transition, [[1 / 2, 1 / 2, 0], [1 / 3, 2 / 3, 0], [np.nan] * 3])


def test_realised_noise_of_nothing_and_of_unequal_labels():
    empty = np.array([], dtype=np.int64)
    assert realised_noise(empty, empty, 3).rate == 0.0
    with pytest.raises(ValueError, match="2 true labels and 1 noisy"):
        realised_noise([0, 1], [0], 3)
    with pytest.raises(LsnError):
        realised_noise([0, 3], [0, 1], 3)
