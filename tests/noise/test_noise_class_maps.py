"""Asymmetric noise: CIFAR's maps against independent lists, applied to the true labels; wrong parameters."""

from __future__ import annotations

import numpy as np
import pytest

from lsncli.components import CheckContext, NoiseContext
from lsncli.errors import LsnError
from lsncli.noise.cifar import CIFAR10, CIFAR100, CIFAR100_SUPERCLASSES
from lsncli.noise.class_maps import resolve_map
from lsncli.noise.plugin import lsn_noise_models
from lsncli.noise.realised import realised_noise
from lsncli.parameters import validate

INFOS = {}
lsn_noise_models(lambda info: INFOS.__setitem__(info.name, info))

# Superclass of every fine label, in the numbering of the data set's own "coarse_labels": an independent
# source, read off the files of CIFAR-100 and widely copied.
# fmt: off
COARSE = np.array([
    4, 1, 14, 8, 0, 6, 7, 7, 18, 3, 3, 14, 9, 18, 7, 11, 3, 9, 7, 11,
    6, 11, 5, 10, 7, 6, 13, 15, 3, 15, 0, 11, 1, 10, 12, 14, 16, 9, 11, 5,
    5, 19, 8, 8, 15, 13, 14, 17, 18, 10, 16, 4, 17, 4, 2, 0, 17, 4, 18, 17,
    10, 3, 2, 12, 12, 16, 12, 1, 9, 19, 2, 10, 0, 1, 16, 12, 9, 13, 15, 13,
    16, 19, 2, 4, 6, 19, 5, 5, 8, 19, 18, 1, 2, 15, 6, 0, 17, 8, 14, 13,
])
# fmt: on
# Patrini et al.'s map in the data set's numbering: 9 truck → 1 automobile, 2 bird → 0 airplane,
# 4 deer → 7 horse, 3 cat ↔ 5 dog.
CIFAR10_PAIRS = {9: 1, 2: 0, 4: 7, 3: 5, 5: 3}


def params(name, **values):
    return validate(INFOS[name].params, values, where="test.toml [noise]", subject=f"noise {name!r}")


def build(name, dataset="cifar10", num_classes=10, class_names=(), **values):
    return INFOS[name].build(params(name, **values), NoiseContext(dataset, num_classes, class_names))


def test_superclasses_are_those_of_the_data_set():
    assert len(CIFAR100) == 100
    assert len(CIFAR100_SUPERCLASSES) == 20
    for number, names in enumerate(CIFAR100_SUPERCLASSES.values()):
        np.testing.assert_array_equal(np.flatnonzero(number == COARSE), [CIFAR100.index(n) for n in names])
    assert list(CIFAR10) == sorted(CIFAR10)


def test_cifar100_stays_in_its_superclass_and_goes_round_all_five():
    pairs = resolve_map("cifar100", "x", 100)
    assert sorted(pairs) == sorted(pairs.values()) == list(range(100))
    for start in range(100):
        seen, current = [], start
        for _ in range(5):
            seen.append(current)
            current = pairs[current]
            assert COARSE[current] == COARSE[start]
        assert current == start
        assert len(set(seen)) == 5


def test_blocks_of_five_indices_are_not_superclasses():
    """The widely copied map (next index within its block of five) stays inside for 6 of 100 classes only."""
    copied = [5 * (i // 5) + (i + 1) % 5 for i in range(100)]
    assert sum(COARSE[i] == COARSE[j] for i, j in enumerate(copied)) == 6


def test_cifar10_matrix():
    matrix = build("asymmetric", rate=0.4).transition(10)
    for i in range(10):
        row = np.zeros(10)
        row[i] = 1.0
        if i in CIFAR10_PAIRS:
            row[i], row[CIFAR10_PAIRS[i]] = 0.6, 0.4
        np.testing.assert_allclose(matrix[i], row, rtol=1e-15)


@pytest.mark.parametrize("count", ["independent", "exact"])
def test_cats_that_became_dogs_do_not_flip_back(count):
    """At ρ = 0.9 the true labels decide alone: 90 % of cats are dogs and 90 % of dogs are cats (5 sigma)."""
    labels = np.repeat([3, 5, 0], 2000)
    noisy = build("asymmetric", rate=0.9, count=count).apply(labels, 10, np.random.default_rng(0))
    counts = realised_noise(labels, noisy, 10).counts
    bound = 5 * np.sqrt(2000 * 0.9 * 0.1) if count == "independent" else 0.5
    assert abs(counts[3, 5] - 1800) <= bound
    assert abs(counts[5, 3] - 1800) <= bound
    assert counts[0, 0] == 2000


def test_auto_by_name_of_the_data():
    for dataset in ("cifar10", "cifar10-jpeg", "CIFAR10"):
        assert resolve_map("auto", dataset, 10) == CIFAR10_PAIRS
    for dataset in ("cifar100", "cifar100-jpeg"):
        assert resolve_map("auto", dataset, 100) == resolve_map("cifar100", "x", 100)
    assert resolve_map("auto", "cifar10", None) == CIFAR10_PAIRS
    assert resolve_map("auto", "cifar10", 10, tuple("0123456789")) == CIFAR10_PAIRS


def test_auto_by_class_names_in_any_order_and_spelling():
    assert resolve_map("auto", "pictures", 10, CIFAR10) == CIFAR10_PAIRS
    backwards = [name.upper() for name in reversed(CIFAR10)]
    expected = {9 - source: 9 - target for source, target in CIFAR10_PAIRS.items()}
    assert resolve_map("auto", "pictures", 10, backwards) == expected
    assert resolve_map("cifar10", "pictures", 10, backwards) == expected
    spaced = [name.replace("_", " ") for name in CIFAR100]
    assert resolve_map("auto", "pictures", 100, spaced) == resolve_map("cifar100", "x", 100)


@pytest.mark.parametrize(
    ("wanted", "dataset", "num_classes", "names", "reason"),
    [
        ("auto", "digits", 10, tuple("0123456789"), "no class map is known for data set 'digits'"),
        ("auto", "digits", 10, (), "no class map is known"),
        ("auto", "cifar10-mine", 10, tuple("abcdefghij"), "has other class names"),
        ("auto", "cifar100", 10, (), "for 100 classes, but the data has 10"),
        ("cifar10", "x", 100, (), "for 10 classes, but the data has 100"),
        (((0, 12),), "x", 10, (), "map names class 12, but the data has classes 0 to 9"),
    ],
)
def test_maps_that_do_not_fit(wanted, dataset, num_classes, names, reason):
    with pytest.raises(ValueError, match=reason):
        resolve_map(wanted, dataset, num_classes, names)


@pytest.mark.parametrize("given", [[[9, 1], [2, 0]], {"9": 1, "2": 0}, {2: 0, 9: 1}, ((2, 0), (9, 1))])
def test_given_pairs_in_any_form_are_the_same(given):
    assert params("asymmetric", rate=0.1, map=given).map == ((2, 0), (9, 1))
    matrix = build("asymmetric", "toy", rate=0.1, map=given).transition(10)
    assert matrix[9, 1] == matrix[2, 0] == 0.1
    assert matrix[1, 1] == 1.0


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ("cifar11", "map"),
        ([], "pairs of class"),
        ({}, "pairs of class"),
        (3, "pairs of class"),
        ([1, 2], "not a pair"),
        (["ab"], "not a pair"),
        ([[1, 2, 3]], "not a pair"),
        ([[1, 1]], "mapped to itself"),
        ([[1, 2], [1, 3]], "class 1 is mapped twice"),
        ([[-1, 2]], "not a class index"),
        ([[True, 2]], "not a class index"),
        ([[1.0, 2]], "not a class index"),
        ({"cat": 5}, "'cat' is not a class index"),
    ],
)
def test_pairs_that_are_none(given, reason):
    with pytest.raises(LsnError, match=reason):
        params("asymmetric", rate=0.1, map=given)


@pytest.mark.parametrize("name", ["symmetric", "uniform", "asymmetric", "pair"])
@pytest.mark.parametrize("rate", [1.0, 1.2, -0.1, float("nan"), "0.2", True])
def test_rate_outside_its_range(name, rate):
    with pytest.raises(LsnError, match="rate"):
        params(name, rate=rate)


@pytest.mark.parametrize("name", ["symmetric", "uniform", "asymmetric", "pair", "class-conditional"])
def test_what_is_required(name):
    with pytest.raises(LsnError, match="required"):
        params(name)
    with pytest.raises(LsnError, match="count"):
        params(name, **({"matrix": np.eye(2)} if name == "class-conditional" else {"rate": 0.1}), count="some")


def test_none_takes_no_parameters():
    with pytest.raises(LsnError, match="no parameter 'rate'"):
        params("none", rate=0.1)


def check(name, checked, dataset="digits", num_classes: int | None = 10):
    INFOS[name].check(
        checked, CheckContext(dataset=dataset, num_classes=num_classes, noise=name, has_transition=True)
    )


def test_plan_refuses_a_matrix_of_the_wrong_size():
    checked = params("class-conditional", matrix=[[0.8, 0.2], [0.1, 0.9]])
    check("class-conditional", checked, num_classes=2)
    check("class-conditional", checked, num_classes=None)
    with pytest.raises(ValueError, match="2 x 2, but the data has 10 classes"):
        check("class-conditional", checked)
    with pytest.raises(LsnError, match="2 x 2, but the data has 10 classes"):
        INFOS["class-conditional"].build(checked, NoiseContext("digits", 10))
    with pytest.raises(LsnError, match="not row-stochastic"):
        params("class-conditional", matrix=[[0.8, 0.1], [0.1, 0.9]])


def test_plan_refuses_a_data_set_without_a_map():
    auto = params("asymmetric", rate=0.2)
    check("asymmetric", auto, "cifar10")
    check("asymmetric", auto, "cifar100-jpeg", 100)
    check("asymmetric", auto, "not-read-yet", None)
    with pytest.raises(ValueError, match="no class map is known"):
        check("asymmetric", auto)
    check("asymmetric", params("asymmetric", rate=0.2, map="cifar10"))
    with pytest.raises(LsnError, match="no class map is known"):
        build("asymmetric", "digits", rate=0.2)


@pytest.mark.parametrize("name", sorted(INFOS))
def test_every_parameter_is_described(name):
    assert all(field.description for field in INFOS[name].params.model_fields.values())
