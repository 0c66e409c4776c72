"""Last and best, histories, and keys by their beginnings."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from store_samples import SPEC, Begin

from lsncli.errors import LsnError
from lsncli.store import RunState, Store

BOTH_DATABASES = True


def test_last_and_best_differ(store: Store, begin: Begin) -> None:
    # Accuracy peaks at step 200 while the loss goes on falling: the very effect of memorised noise.
    begin(
        "a",
        {
            100: {"test_accuracy": 0.5, "loss": 3.0, "only_early": 7.0},
            200: {"test_accuracy": 0.9, "loss": 2.0},
            300: {"test_accuracy": 0.7, "loss": 1.0},
        },
        "done",
    )
    assert store.values(["a"]) == {"a": {"test_accuracy": 0.7, "loss": 1.0, "only_early": 7.0}}
    # What was recorded before and not again, as a rate of noise is, still holds.
    assert store.values(["a"], which="best") == {"a": {"test_accuracy": 0.9, "loss": 2.0, "only_early": 7.0}}
    assert store.values(["a"], ["loss"]) == {"a": {"loss": 1.0}}
    assert store.values(["a"], ["loss", "none"], "best") == {"a": {"loss": 2.0}}
    assert store.values(["a", "b"], []) == {}


def test_best_of_equals_is_the_first_and_nan_never_is(store: Store, begin: Begin) -> None:
    begin("a", {s: {"test_accuracy": v, "s": s} for s, v in ((1, 0.25), (2, 0.5), (3, 0.5), (4, math.nan))}, "done")
    begin("b", {1: {"test_accuracy": math.nan, "s": 1}}, "done")
    begin("c", {1: {"s": 1}}, "done")
    assert store.values(None, ["s"], "best") == {"a": {"s": 2}}
    last = store.values(None)
    assert math.isnan(last["a"]["test_accuracy"])
    assert last["c"] == {"s": 1}


def test_only_finished_runs_count_unless_told(store: Store, begin: Begin) -> None:
    for status in ("done", "failed", "diverged", "interrupted", None):
        begin(status or "running", {1: {"m": 1.0}}, status)
    assert set(store.values(None)) == {"done"}
    assert set(store.values(None, statuses=None)) == {"done", "failed", "diverged", "interrupted", "running"}
    assert set(store.values(None, statuses=["failed", "running"])) == {"failed", "running"}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=25)
@given(
    st.dictionaries(
        st.sampled_from("abcd"),
        st.dictionaries(
            st.integers(0, 6),
            st.dictionaries(st.sampled_from(["test_accuracy", "x", "y"]), st.floats(allow_nan=False), max_size=3),
            max_size=5,
        ),
        max_size=4,
    )
)
def test_last_and_best_by_definition(store: Store, begin: Begin, data: dict) -> None:
    store.discard_runs("abcd")
    last, best = {}, {}
    for key, metrics in data.items():
        begin(key, metrics, "done")
        # Plain Python, straight from the definitions.
        for step in sorted(metrics):
            last.setdefault(key, {}).update(metrics[step])
        tested = [s for s in sorted(metrics) if "test_accuracy" in metrics[s]]
        if tested:
            top = max(tested, key=lambda s: metrics[s]["test_accuracy"])
            for step in sorted(s for s in metrics if s <= top):
                best.setdefault(key, {}).update(metrics[step])
    assert store.values(list("abcd")) == {k: v for k, v in last.items() if v}
    assert store.values(list("abcd"), which="best") == best


def test_statuses(store: Store, begin: Begin) -> None:
    begin("a", status="done")
    begin("b")
    store.finish_run("b", "diverged", final_step=7, seconds=0.5, error="not finite")
    assert store.statuses(["a", "b", "c"]) == {
        "a": RunState("done", 1000, 1000, 1.5),
        "b": RunState("diverged", 1000, 7, 0.5, "not finite"),
    }
    assert store.statuses([]) == {}
    assert set(store.statuses()) == {"a", "b"}


def test_runs_come_latest_first(store: Store, begin: Begin) -> None:
    for key in ("a", "b", "c"):
        begin(key, status="done" if key != "b" else "failed")
    begin("b")  # gone on with: it is the latest
    assert [r.key for r in store.runs()] == ["b", "c", "a"]
    assert [r.key for r in store.runs("done")] == ["c", "a"]
    assert [r.key for r in store.runs(limit=1)] == ["b"]


def test_keys_by_their_beginning(store: Store, begin: Begin) -> None:
    for key in ("abcdef12", "abcxyz34", "ff00ff00", "ff00ff0011"):
        begin(key)
    assert store.resolve("abcd") == "abcdef12"
    assert store.resolve(" ABCX ") == "abcxyz34"
    # The whole of one key is the beginning of another: it means itself.
    assert store.resolve("ff00ff00") == "ff00ff00"
    with pytest.raises(LsnError, match="2 runs have keys") as ambiguous:
        store.resolve("abc")
    assert "abcdef12" in ambiguous.value.valid
    assert "abcxyz34" in ambiguous.value.valid
    with pytest.raises(LsnError, match="no run has a key") as unknown:
        store.resolve("abcdee")
    assert "abcdef12" in unknown.value.valid
    # What is a pattern in SQL is none here.
    for pattern in ("%", "_bc", "", "  "):
        with pytest.raises(LsnError, match="no run has a key"):
            store.resolve(pattern)


def test_an_empty_database_says_so(store: Store) -> None:
    with pytest.raises(LsnError) as error:
        store.resolve("abc")
    assert "no runs yet" in error.value.next


def test_unknown_keys_and_arrays(store: Store, begin: Begin) -> None:
    begin("a")
    store.record_array("a", 5, "bins", np.zeros(2))
    with pytest.raises(LsnError, match="no run has the key 'b'"):
        store.run("b")
    with pytest.raises(LsnError, match="no array 'bin'") as error:
        store.get_array("a", "bin")
    assert error.value.valid == "bins"
    with pytest.raises(LsnError, match="at step 4"):
        store.get_array("a", "bins", 4)
    assert (store.history("b"), store.arrays("b"), store.artifacts("b"), store.provenance("b")) == ({}, [], [], [])


def test_arrays_by_step(store: Store, begin: Begin) -> None:
    begin("a")
    for step in (10, 9, 100):
        store.record_array("a", step, "x", np.array([step]))
    assert store.get_array("a", "x").tolist() == [100]
    assert store.get_array("a", "x", 9).tolist() == [9]
    assert [entry.step for entry in store.arrays("a")] == [9, 10, 100]


def test_contents(store: Store, begin: Begin) -> None:
    begin("a", {1: {"m": 1.0, "n": 2.0}}, "done")
    begin("b", {1: {"m": 1.0}})
    found = store.contents()
    assert (found.runs, found.metrics, found.arrays, found.artifacts) == ({"done": 1, "running": 1}, 3, 0, 0)


def test_data_digests_are_those_of_the_last_attempts(store: Store) -> None:
    for key, data in (
        ("a", {"data_digest": "1"}),
        ("b", {"data_digest": "1"}),
        ("c", {}),
        ("a", {"data_digest": "2"}),
    ):
        store.begin_run(key, SPEC, steps=1, provenance=data)
    assert store.data_digests(["a", "c", "none"]) == {"a": "2"}
    assert store.data_digests() == {"a": "2", "b": "1"}
