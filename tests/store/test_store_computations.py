"""Arrays that were computed without training, stored under their name and parameters."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from lsncli.errors import LsnError
from lsncli.store import Store

BOTH_DATABASES = True


def test_each_set_of_parameters_has_its_own(store: Store) -> None:
    store.record_computation("curve", {"alpha": 0.1}, np.array([1.0, 2.0]))
    store.record_computation("curve", {"alpha": 0.2}, np.array([3, 4], dtype=np.int64))
    first, second = (store.get_computation("curve", {"alpha": alpha}) for alpha in (0.1, 0.2))
    assert first is not None
    assert second is not None
    np.testing.assert_array_equal(first, [1.0, 2.0])
    assert (second.dtype, second.tolist()) == (np.dtype("int64"), [3, 4])
    assert store.get_computation("curve", {"alpha": 0.3}) is None


def test_the_newer_replaces_the_older(store: Store) -> None:
    store.record_computation("curve", {"a": 1, "b": [2, 3]}, [1.0])
    store.record_computation("curve", {"b": [2, 3], "a": 1}, [2.0])
    found = store.get_computation("curve", {"a": 1, "b": [2, 3]})
    assert found is not None
    assert found.tolist() == [2.0]
    with store._reading() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM computation").scalar() == 1


def test_a_reader_cannot_store(store: Store, target: str | Path) -> None:
    with Store.open(target, read_only=True) as reader, pytest.raises(LsnError, match="reading only"):
        reader.record_computation("curve", {}, [1.0])


def test_parameters_are_plain_data(store: Store) -> None:
    with pytest.raises(ValueError, match="JSON"):
        store.record_computation("curve", {"alpha": math.nan}, [1.0])
    with pytest.raises(TypeError):
        store.record_computation("curve", {"alpha": object()}, [1.0])
