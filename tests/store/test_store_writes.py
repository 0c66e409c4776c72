"""What is written is there, once, and goes with its run."""

from __future__ import annotations

import math
import threading
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sqlalchemy import delete, func, select
from store_samples import SPEC, Begin

from lsncli.errors import LsnError
from lsncli.store import ArtifactEntry, Store
from lsncli.store.models import METADATA, provenance
from lsncli.store.models import run as run_table

BOTH_DATABASES = True


def rows_of(store: Store) -> dict[str, int]:
    with store._reading() as connection:
        return {
            table.name: connection.scalar(select(func.count()).select_from(table))
            for table in METADATA.sorted_tables
        }


@pytest.mark.parametrize("value", [math.inf, -math.inf, 0.1, 0.0, 5e-324, 1.7976931348623157e308, 3])
def test_values_come_back_exactly(store: Store, begin: Begin, value: float) -> None:
    begin("a", {1: {"m": value}})
    [(step, found)] = store.history("a")["m"]
    assert (step, found) == (1, value)


def test_nan_comes_back_as_nan(store: Store, begin: Begin) -> None:
    # SQLite has no NaN: without care it would come back as None.
    begin("a", {1: {"m": math.nan, "n": np.float32("nan")}})
    assert all(math.isnan(value) for [(_, value)] in store.history("a").values())


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(st.dictionaries(st.text(min_size=1, max_size=8).filter(lambda s: "\0" not in s), st.floats(), max_size=5))
def test_any_metrics_round_trip(store: Store, values: dict[str, float]) -> None:
    store.discard_runs(["a"])
    store.begin_run("a", SPEC, steps=1, provenance={})
    store.record_metrics("a", 1, values)
    found = store.values(["a"], statuses=None).get("a", {})
    # repr makes NaN equal itself; adding 0.0 drops the sign of zero, which SQLite does not keep.
    assert {k: repr(v + 0.0) for k, v in found.items()} == {k: repr(v + 0.0) for k, v in values.items()}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(
    hnp.arrays(
        dtype=st.one_of(
            hnp.boolean_dtypes(),
            hnp.integer_dtypes(endianness="?"),
            hnp.floating_dtypes(endianness="?", sizes=(16, 32, 64)),
            hnp.unicode_string_dtypes(max_len=5),
        ),
        shape=hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4),
    )
)
def test_any_array_round_trips(store: Store, values: np.ndarray) -> None:
    store.begin_run("a", SPEC, steps=1, provenance={})
    store.record_array("a", 1, "x", values)
    found = store.get_array("a", "x")
    assert found.shape == values.shape
    assert found.dtype == values.dtype.newbyteorder("<")
    np.testing.assert_array_equal(found, values)
    [entry] = store.arrays("a")
    assert (entry.name, entry.step, entry.shape) == ("x", 1, values.shape)


def test_array_views_are_stored_as_seen_and_come_back_changeable(store: Store, begin: Begin) -> None:
    begin("a")
    base = np.arange(12.0).reshape(3, 4)
    store.record_array("a", 1, "x", base.T[::-1, ::2])
    found = store.get_array("a", "x")
    np.testing.assert_array_equal(found, [[3, 11], [2, 10], [1, 9], [0, 8]])
    found[0, 0] = 7


@pytest.mark.parametrize("values", [np.array([object()]), np.zeros(2, dtype=[("a", "i4")])])
def test_arrays_of_objects_are_refused(store: Store, begin: Begin, values: np.ndarray) -> None:
    begin("a")
    with pytest.raises(ValueError, match="cannot be stored"):
        store.record_array("a", 1, "x", values)


def test_writing_again_replaces(store: Store, begin: Begin) -> None:
    begin("a", {1: {"m": 1.0, "n": 2.0}, 2: {"m": 3.0}})
    store.record_metrics("a", 1, {"m": math.nan})
    store.record_metrics("a", 1, {"m": 4.0})
    store.record_metrics("a", 1, {})
    assert store.history("a") == {"m": [(1, 4.0), (2, 3.0)], "n": [(1, 2.0)]}
    for values in ([1, 2], [3.5]):
        store.record_array("a", 1, "x", np.array(values))
    np.testing.assert_array_equal(store.get_array("a", "x"), [3.5])
    for size in (1, 2):
        store.record_artifact("a", "weights", "a/final.safetensors", sha256="0" * 64, size=size)
    assert store.artifacts("a") == [ArtifactEntry("weights", "a/final.safetensors", "0" * 64, 2)]
    for real in ("cifar10", "cifar100"):
        store.set_stand_in("other", real)
    assert store.stand_ins() == {"other": "cifar100"}
    store.set_stand_in("other", None)
    assert store.stand_ins() == {}


@pytest.mark.parametrize("elsewhere", ["/etc/passwd", "../other.db", "a/../../b", "a\\b", ""])
def test_artifacts_stay_inside(store: Store, begin: Begin, elsewhere: str) -> None:
    begin("a")
    with pytest.raises(ValueError, match="relative"):
        store.record_artifact("a", "weights", elsewhere, sha256="0" * 64, size=1)


def test_the_life_of_a_run(store: Store) -> None:
    assert store.begin_run("a", SPEC, title="T", steps=1000, provenance={"device": "cpu"}) == "new"
    first = store.run("a")
    assert (first.status, first.title, first.spec, first.finished_at) == ("running", "T", SPEC, None)
    assert first.created_at.utcoffset().total_seconds() == 0
    store.record_metrics("a", 500, {"m": 1.0})
    store.finish_run("a", "interrupted", final_step=600, seconds=2.5, error="two\n  lines", traceback="tb")
    ended = store.run("a")
    assert (ended.status, ended.error, ended.traceback, ended.final_step) == ("interrupted", "two lines", "tb", 600)
    assert ended.finished_at >= ended.started_at

    # Gone on with: the numbers stay, the error does not, the second machine is noted beside the first.
    assert store.begin_run("a", SPEC, steps=1000, provenance={"device": "cuda"}) == "continued"
    again = store.run("a")
    assert (again.status, again.error, again.traceback, again.finished_at) == ("running", None, None, None)
    assert (again.title, again.created_at) == ("T", first.created_at)
    assert store.history("a") == {"m": [(500, 1.0)]}
    assert store.provenance("a") == [{"device": "cpu"}, {"device": "cuda"}]

    store.finish_run("a", "done", final_step=1000, seconds=4.0)
    done = store.run("a")
    assert store.begin_run("a", SPEC, steps=1000, provenance={}) == "done"
    assert store.run("a") == done
    assert len(store.provenance("a")) == 2


def test_what_comes_again_is_removed(store: Store, begin: Begin) -> None:
    begin("a", {100: {"m": 1.0}, 200: {"m": 2.0}, 300: {"m": 3.0}}, "failed")
    for step in (0, 300):
        store.record_array("a", step, "x", np.array([step]))
    store.begin_run("a", SPEC, steps=1000, provenance={}, from_step=200)
    assert store.history("a") == {"m": [(100, 1.0), (200, 2.0)]}
    np.testing.assert_array_equal(store.get_array("a", "x"), [0])


def test_a_run_without_its_provenance_is_gone_on_with(store: Store, begin: Begin) -> None:
    """A salvaged one may have lost it."""
    begin("a", {100: {"m": 1.0}, 300: {"m": 3.0}})
    store.finish_run("a", "failed", final_step=300, seconds=1.0, error="boom")
    with store.transaction() as connection:
        connection.execute(delete(provenance))
    assert store.begin_run("a", SPEC, steps=1000, provenance={}, from_step=200) == "continued"
    assert (store.run("a").status, store.run("a").error) == ("running", None)
    assert store.history("a") == {"m": [(100, 1.0)]}


def test_removing_a_run_removes_all_of_it_and_nothing_else(store: Store, begin: Begin) -> None:
    begin("kept", {1: {"m": 1.0}})
    before = rows_of(store)
    begin("gone", {1: {"m": 1.0}, 2: {"m": 1.0}})
    store.record_array("gone", 1, "x", np.zeros(3))
    store.record_artifact("gone", "w", "gone/w", sha256="0" * 64, size=1)
    rows = {
        "run": 2,
        "metric": 3,
        "array": 1,
        "artifact": 1,
        "provenance": 2,
        "stand_in": 0,
        "computation": 0,
        "claim": 0,
    }
    assert rows_of(store) == rows
    assert store.discard_runs(["gone", "gone", "never"]) == 1
    assert rows_of(store) == before
    assert store.discard_runs([]) == 0


def test_removing_more_runs_than_a_statement_takes(store: Store) -> None:
    keys = [f"{i:05d}" for i in range(2000)]
    with store.transaction() as connection:
        now = store.begin_run(keys[0], SPEC, steps=1, provenance={})
        assert now == "new"
        row = dict(connection.execute(select(run_table)).one()._mapping)
        del row["id"]
        connection.execute(run_table.insert(), [{**row, "key": key} for key in keys[1:]])
    assert len(store.statuses(keys)) == 2000
    assert store.discard_runs(keys) == 2000


def test_a_transaction_is_all_or_nothing(store: Store, begin: Begin) -> None:
    begin("a")

    def stop_half_way() -> None:
        with store.transaction():
            store.record_metrics("a", 1, {"m": 1.0})
            with store.transaction():
                store.finish_run("a", "done", final_step=1, seconds=0.0)
            # Inside, what was written so far is seen.
            assert store.statuses(["a"])["a"].status == "done"
            raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        stop_half_way()
    assert store.statuses(["a"])["a"].status == "running"
    assert store.history("a") == {}
    with store.transaction():
        store.record_metrics("a", 1, {"m": 1.0})
    assert store.history("a") == {"m": [(1, 1.0)]}


def test_threads_write_side_by_side(store: Store, begin: Begin) -> None:
    begin("a")
    errors: list[BaseException] = []

    def write(name: str) -> None:
        try:
            for step in range(25):
                store.record_metrics("a", step, {name: float(step)})
        except BaseException as error:  # noqa: BLE001 - a thread cannot raise into the test
            errors.append(error)

    threads = [threading.Thread(target=write, args=(f"t{i}",)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    assert {name: len(points) for name, points in store.history("a").items()} == {f"t{i}": 25 for i in range(4)}


def test_a_run_that_was_removed_meanwhile(store: Store) -> None:
    for write in (
        lambda: store.record_metrics("gone", 1, {"m": 1.0}),
        lambda: store.record_array("gone", 1, "x", np.zeros(1)),
        lambda: store.finish_run("gone", "done", final_step=1, seconds=0.0),
    ):
        with pytest.raises(LsnError, match="no run has the key 'gone'"):
            write()
    assert set(rows_of(store).values()) == {0}


@pytest.mark.parametrize("status", ["running", "finished"])
def test_a_run_ends_with_an_ending(store: Store, begin: Begin, status: str) -> None:
    begin("a")
    with pytest.raises(ValueError, match="does not end"):
        store.finish_run("a", status, final_step=1, seconds=0.0)


def test_reading_only_is_reading_only(store: Store, begin: Begin, target: str | Path) -> None:
    begin("a", {1: {"m": 1.0}})
    with Store.open(target, read_only=True) as reader:
        assert reader.history("a") == {"m": [(1, 1.0)]}
        with pytest.raises(LsnError, match="reading only"):
            reader.discard_runs(["a"])
        # Nor can it write by another way.
        with reader._reading() as connection, pytest.raises(Exception, match=r"read-?only"):
            connection.exec_driver_sql("DELETE FROM run")
    assert "a" in store.statuses()
