"""Digest, subsets and statistics of arrays."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lsncli.data.arrays import Arrays, channel_statistics, content_digest
from lsncli.errors import LsnError


def make(train_labels: list[int], test_labels: list[int], classes: int = 3) -> Arrays:
    """Every image is unlike every other: its first two pixels hold its number."""

    def images(count: int) -> np.ndarray:
        numbers = np.arange(count, dtype="<u4").view(np.uint8).reshape(count, 2, 2, 1)
        return numbers.copy()

    return Arrays.of(
        images(len(train_labels)),
        np.array(train_labels, dtype=np.int64),
        images(len(test_labels)),
        np.array(test_labels, dtype=np.int64),
        tuple("abcdefghij"[:classes]),
    )


def numbers(images: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(images).reshape(-1, 4).view("<u4")[:, 0]


def test_digest_follows_its_written_definition() -> None:
    arrays = make([0, 1, 2], [2, 0])
    # The docstring's definition, spelled out by hand.
    written = b'["a","b","c"]\n'
    written += b'["|u1",[3,2,2,1]]\n' + bytes([0, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0])
    written += b'["<i8",[3]]\n' + b"".join(k.to_bytes(8, "little") for k in (0, 1, 2))
    written += b'["|u1",[2,2,2,1]]\n' + bytes([0, 0, 0, 0, 1, 0, 0, 0])
    written += b'["<i8",[2]]\n' + b"".join(k.to_bytes(8, "little") for k in (2, 0))
    assert arrays.digest == hashlib.sha256(written).hexdigest()


def test_digest_does_not_depend_on_memory_layout_or_byte_order() -> None:
    a = make([0, 1, 2, 0], [1, 2])
    other = content_digest(
        np.asfortranarray(a.train_images),
        a.train_labels.astype(">i8"),
        np.repeat(a.test_images, 2, axis=0)[::2],
        a.test_labels,
        a.class_names,
    )
    assert other == a.digest


def test_digest_tells_any_change() -> None:
    base = make([0, 1, 2], [2, 0])
    parts = [base.train_images, base.train_labels, base.test_images, base.test_labels]
    seen = {base.digest, content_digest(*parts, ("a", "b", "d"))}
    for i in range(4):
        changed = [part.copy() for part in parts]
        changed[i].flat[0] += 1
        seen.add(content_digest(*changed, base.class_names))
    assert len(seen) == 6


def test_shape_and_classes() -> None:
    arrays = make([0, 1], [1])
    assert arrays.image_shape == (2, 2, 1)
    assert arrays.num_classes == 3
    assert arrays.train_labels_clean


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_subset_is_balanced_ordered_and_nested(data: st.DataObject) -> None:
    labels = data.draw(st.lists(st.integers(0, 2), min_size=2, max_size=40))
    size = data.draw(st.integers(1, len(labels) - 1))
    seed = data.draw(st.integers(0, 2**32))
    arrays = make(labels, [0, 1, 2])
    subset = arrays.subset(size, None, seed)
    chosen = numbers(subset.train_images)
    assert len(chosen) == size
    assert (np.diff(chosen) > 0).all()
    np.testing.assert_array_equal(subset.train_labels, np.array(labels)[chosen])
    # As even as possible: a class with fewer than another by two or more must be used up.
    there = np.bincount(labels, minlength=3)
    taken = np.bincount(subset.train_labels, minlength=3)
    for k in range(3):
        assert taken[k] >= taken.max() - 1 or taken[k] == there[k]
    larger = numbers(arrays.subset(size + 1, None, seed).train_images)
    assert set(chosen) < set(larger)


def test_subset_depends_on_its_seed_alone() -> None:
    arrays = make([k % 3 for k in range(90)], [k % 3 for k in range(30)])
    one = arrays.subset(30, 9, seed=5)
    assert one.digest == arrays.subset(30, 9, seed=5).digest
    assert one.digest != arrays.subset(30, 9, seed=6).digest
    np.testing.assert_array_equal(one.train_images, arrays.subset(30, 15, seed=5).train_images)
    assert np.bincount(one.train_labels).tolist() == [10, 10, 10]
    assert np.bincount(one.test_labels).tolist() == [3, 3, 3]


def test_whole_subset_is_the_set_itself() -> None:
    arrays = make([0, 1, 2], [0, 1])
    assert arrays.subset(None, None, 0) is arrays
    assert arrays.subset(3, 2, 0) is arrays


def test_subset_keeps_what_is_known_of_the_labels() -> None:
    arrays = replace(make([0, 1, 2], [0, 1]), train_labels_clean=False)
    assert not arrays.subset(2, None, 0).train_labels_clean


@pytest.mark.parametrize(("train", "test", "part"), [(4, None, "train"), (0, None, "train"), (None, 9, "test")])
def test_subset_of_impossible_size(train: int | None, test: int | None, part: str) -> None:
    with pytest.raises(LsnError, match=f"a {part} subset of"):
        make([0, 1, 2], [0, 1]).subset(train, test, 0)


def test_statistics_agree_with_numpy() -> None:
    images = np.random.default_rng(0).integers(0, 256, (9, 4, 5, 3), dtype=np.uint8)
    mean, std = channel_statistics(images)
    np.testing.assert_allclose(mean, (images / 255.0).mean((0, 1, 2)), rtol=1e-12)
    np.testing.assert_allclose(std, (images / 255.0).std((0, 1, 2)), rtol=1e-12)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"train_images": np.zeros((3, 2, 2, 1), np.float32)}, "uint8"),
        ({"train_images": np.zeros((3, 2, 2), np.uint8)}, "uint8"),
        ({"train_labels": np.zeros(3, np.int32)}, "int64"),
        ({"train_labels": np.zeros(2, np.int64)}, "int64"),
        ({"test_labels": np.array([0, 3])}, "outside 0 .. 2"),
        ({"test_labels": np.array([0, -1])}, "outside 0 .. 2"),
        ({"test_images": np.zeros((2, 2, 3, 1), np.uint8)}, "test images"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(change: dict[str, np.ndarray], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        replace(make([0, 1, 2], [0, 1]), **change)


def test_subset_says_where_its_examples_stood() -> None:
    arrays = make([k % 3 for k in range(30)], [k % 3 for k in range(9)])
    assert arrays.train_positions is None
    assert arrays.subset(None, 6, 0).train_positions is None  # all training examples in their places
    subset = arrays.subset(12, None, seed=1)
    assert subset.train_positions is not None
    assert subset.train_positions.tolist() == list(numbers(subset.train_images))
    smaller = subset.subset(6, 3, seed=2)
    assert smaller.train_positions is not None
    assert smaller.train_positions.tolist() == list(numbers(smaller.train_images))
    assert (arrays.train_total, subset.train_total, smaller.train_total) == (None, *2 * (len(arrays.train_labels),))
    assert subset.subset(None, 3, seed=2).train_positions is subset.train_positions
