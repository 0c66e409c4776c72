"""The digits against scikit-learn."""

from __future__ import annotations

import numpy as np
from sklearn.datasets import load_digits

from lsncli.data import catalogue
from lsncli.data.context import DataContext
from lsncli.data.digits import training_mask


def test_digits_are_those_of_sklearn(context: DataContext) -> None:
    arrays = catalogue.load("digits", {}, context)
    bunch = load_digits()
    mask = training_mask(bunch.target)
    for images, labels, part in (
        (arrays.train_images, arrays.train_labels, mask),
        (arrays.test_images, arrays.test_labels, ~mask),
    ):
        # 255/16 per step: the original value comes back by rounding, as half a step is 8 of 255.
        np.testing.assert_array_equal(np.rint(images[..., 0] / 255 * 16), bunch.images[part])
        np.testing.assert_array_equal(labels, bunch.target[part])
    # By hand: 0, 8 and 16 of 16 are 0, 127.5 (to even: 128) and 255 of 255.
    values = {int(v) for v in np.unique(arrays.train_images)}
    assert {0, 128, 255} <= values
    assert len(values) == 17


def test_split_is_stratified_and_as_described(context: DataContext) -> None:
    arrays = catalogue.load("digits", {}, context)
    assert np.bincount(arrays.train_labels).tolist() == [100] * 10
    # UCI's counts per digit in the 1797 images, less 100 each.
    assert np.bincount(arrays.test_labels).tolist() == [78, 82, 77, 83, 81, 82, 81, 79, 74, 80]
    entry = catalogue.describe("digits", context.data_dir)
    assert (entry.train_size, entry.test_size) == (len(arrays.train_labels), len(arrays.test_labels)) == (1000, 797)
    assert entry.image_shape == arrays.image_shape == (8, 8, 1)
    assert entry.class_names == arrays.class_names
    assert entry.available


def test_same_digits_each_time(context: DataContext) -> None:
    assert catalogue.load("digits", {}, context).digest == catalogue.load("digits", {}, context).digest
