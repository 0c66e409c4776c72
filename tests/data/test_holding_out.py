"""The validation set that is held out of the training set."""

from __future__ import annotations

import numpy as np
import pytest

from lsncli.data.holding_out import hold_out
from lsncli.errors import LsnError


def test_every_example_is_on_one_side() -> None:
    split = hold_out(100, 30, seed=3)
    assert split is not None
    assert (len(split.training), len(split.validation)) == (70, 30)
    assert sorted([*split.training, *split.validation]) == list(range(100))
    for positions in (split.training, split.validation):
        assert np.array_equal(positions, np.sort(positions))


def test_the_seed_decides() -> None:
    again, other = hold_out(100, 30, seed=3), hold_out(100, 30, seed=4)
    split = hold_out(100, 30, seed=3)
    assert split is not None
    assert again is not None
    assert other is not None
    assert np.array_equal(split.validation, again.validation)
    assert not np.array_equal(split.validation, other.validation)


def test_a_smaller_one_lies_inside_a_larger_one() -> None:
    small, large = hold_out(100, 10, seed=0), hold_out(100, 40, seed=0)
    assert small is not None
    assert large is not None
    assert set(small.validation) < set(large.validation)


def test_nothing_is_held_out_unless_asked() -> None:
    assert hold_out(100, None, seed=0) is None


@pytest.mark.parametrize("size", [100, 101])
def test_something_must_be_left_to_train_on(size: int) -> None:
    with pytest.raises(LsnError, match="cannot be held out") as raised:
        hold_out(100, size, seed=0)
    assert raised.value.where == "data.validation_size"
