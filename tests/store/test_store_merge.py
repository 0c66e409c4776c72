"""Runs from several databases come together by key: all of them, once, with every attempt."""

from __future__ import annotations

import os
import signal
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from run_samples import STEPS, contents, database, key_of, put
from sqlalchemy import text

from lsncli.errors import LsnError
from lsncli.store import Store, merging, schema
from lsncli.store.claimant import Claimant
from lsncli.store.merging import merge

BOTH_DATABASES = True
FROZEN = Path(__file__).with_name("frozen")


def merged(target: str | Path, *others: str | Path, **how: Any) -> dict[str, Any]:
    return merge(str(target), [str(other) for other in others], **how).plain()


def verdicts(report: dict[str, Any], source: int = 0) -> dict[str, int]:
    return {verdict: len(keys) for verdict, keys in report["sources"][source]["runs"].items() if keys}


def test_everything_comes_and_comes_once(target: str | Path, tmp_path: Path) -> None:
    here = database(tmp_path / "a" / "a.db", 0, 1, attempt="machine a")
    there = database(tmp_path / "b" / "b.db", 1, 2, attempt="machine b")
    with Store.open(there) as store:
        put(store, 3, "diverged", attempt="machine b")
        put(store, 4, "failed", attempt="machine b")
        store.set_stand_in("cifar10-jpeg", "cifar10")
        store.record_computation("curve", {"alpha": 0.2}, [1.0, 2.0])
    before = here.read_bytes(), there.read_bytes()

    report = merged(target, here, there)
    assert verdicts(report) == {"added": 2}
    assert verdicts(report, 1) == {"same": 1, "added": 3}
    assert report["sources"][1]["computations"] == {"added": 1}
    assert report["sources"][1]["stand_ins"] == {"added": 1}
    found, a, b = contents(target), contents(here), contents(there)
    assert set(found["runs"]) == {key_of(seed) for seed in range(5)}
    for key, run in found["runs"].items():
        origin = a["runs"].get(key) or b["runs"][key]
        both = ["machine b", "machine a"] if key == key_of(1) else origin["attempts"]
        assert run == {**origin, "attempts": both}
    assert found["stand_ins"] == {"cifar10-jpeg": "cifar10"}
    with Store.open(target, read_only=True) as store:
        np.testing.assert_array_equal(store.get_computation("curve", {"alpha": 0.2}), [1.0, 2.0])
    assert (here.read_bytes(), there.read_bytes()) == before

    again = merged(target, there, here)
    # A failed run is no result; ours is the same and stays.
    assert verdicts(again) == {"same": 3, "behind": 1}
    assert verdicts(again, 1) == {"same": 2}
    assert contents(target) == found


@pytest.mark.parametrize(
    ("ours", "theirs", "how", "verdict", "accuracy", "attempts"),
    [
        # What came of it, and where: of one that was trained on both sides the winner's attempt is the last.
        ("done", "done", {}, "kept", 0.75, ["b", "a"]),
        ("done", "done", {"prefer": "theirs"}, "replaced", 0.5, ["a", "b"]),
        ("done", "done", {"prefer": "newer"}, "replaced", 0.5, ["a", "b"]),
        ("done", "diverged", {}, "kept", 0.75, ["b", "a"]),
        ("done", "failed", {}, "behind", 0.75, ["b", "a"]),
        ("done", "failed", {"prefer": "theirs"}, "behind", 0.75, ["b", "a"]),
        ("failed", "done", {}, "completed", 0.5, ["a", "b"]),
        ("interrupted", "diverged", {}, "completed", None, ["a", "b"]),
        ("interrupted", "failed", {}, "behind", None, ["b", "a"]),
        (None, "done", {}, "completed", 0.5, ["a", "b"]),
    ],
)
def test_whose_results_stay(
    target: str | Path,
    tmp_path: Path,
    ours: str | None,
    theirs: str,
    how: dict[str, Any],
    verdict: str,
    accuracy: float | None,
    attempts: list[str],
) -> None:
    with Store.open(target) as store:
        key = put(store, 0, ours, accuracy=0.75, attempt="a")
    other = database(tmp_path / "other.db", 0, status=theirs, accuracy=0.5, attempt="b")
    for expected in ({verdict: 1}, None):
        report = merged(target, other, **how)
        # Merging once more changes nothing: theirs is now ours, or is kept out again.
        assert expected is None or verdicts(report) == expected
        with Store.open(target, read_only=True) as store:
            last = [value for step, value in store.history(key)["test_accuracy"] if step == STEPS]
            assert last == ([] if accuracy is None else [accuracy])
            assert [data["attempt"] for data in store.provenance(key)] == attempts
            assert len(store.runs()) == 1


def test_the_older_one_is_not_newer(target: str | Path, tmp_path: Path) -> None:
    other = database(tmp_path / "other.db", 0, accuracy=0.5)
    with Store.open(target) as store:
        put(store, 0, accuracy=0.75)
    assert verdicts(merged(target, other, prefer="newer")) == {"kept": 1}


def test_speed_is_no_result(target: str | Path, tmp_path: Path) -> None:
    """Two machines find the same, one of them faster."""
    with Store.open(target) as store:
        put(store, 0, speed=1000.0, attempt="a")
    other = database(tmp_path / "other.db", 0, speed=3000.0, attempt="b")
    assert verdicts(merged(target, other, prefer="theirs")) == {"same": 1}
    assert contents(target)["runs"][key_of()]["attempts"] == ["b", "a"]


def test_three_attempts_of_equal_words_stay_three(target: str | Path, tmp_path: Path) -> None:
    other = tmp_path / "other.db"
    with Store.open(other) as store:
        for status in ("interrupted", "interrupted", "done"):
            put(store, 0, status, attempt="night")
    for _ in range(2):
        merged(target, other)
        assert contents(target)["runs"][key_of()]["attempts"] == ["night"] * 3


def test_a_run_that_is_being_trained_here_is_left_alone(target: str | Path, tmp_path: Path) -> None:
    other = database(tmp_path / "other.db", 0, accuracy=0.5, attempt="b")
    with Store.open(target) as store:
        key = put(store, 0, None, attempt="a")
        claimant = Claimant.this_process()
        assert store.claim([key], claimant, {}, lambda entry: True) == {key: None}
        before = contents(target)
        assert verdicts(merged(target, other)) == {"busy": 1}
        assert contents(target) == before
        store.release_claims(claimant.token)
    assert verdicts(merged(target, other)) == {"completed": 1}


def test_a_run_that_is_being_trained_there_comes_as_interrupted(target: str | Path, tmp_path: Path) -> None:
    other = database(tmp_path / "other.db")
    with Store.open(other) as store:
        key = put(store, 0, None)
        store.claim([key], Claimant.this_process(), {}, lambda entry: True)
        merged(target, other)
    with Store.open(target, read_only=True) as store:
        run = store.run(key)
        assert run.status == "interrupted"
        assert str(other) in run.error
        # A claim is of a process, not of a result.
        assert store.claims() == {}


def test_stand_ins_and_computations_of_two_minds(target: str | Path, tmp_path: Path) -> None:
    with Store.open(target) as store:
        store.set_stand_in("mine", "cifar10")
        store.record_computation("curve", {"a": 1}, [1.0])
    other = tmp_path / "other.db"
    with Store.open(other) as store:
        store.set_stand_in("mine", "cifar100")
        store.record_computation("curve", {"a": 1}, [2.0])
    source = merged(target, other)["sources"][0]
    assert (source["stand_ins"], source["computations"]) == ({"kept": 1}, {"kept": 1})
    assert "cifar100" in source["notes"][0]
    with Store.open(target) as store:
        assert store.stand_ins() == {"mine": "cifar10"}
        assert store.get_computation("curve", {"a": 1}).tolist() == [1.0]
    assert merged(target, other, prefer="newer")["sources"][0]["computations"] == {"replaced": 1}
    with Store.open(target) as store:
        assert store.get_computation("curve", {"a": 1}).tolist() == [2.0]


def test_a_dry_run_says_the_same_and_writes_nothing(target: str | Path, tmp_path: Path) -> None:
    with Store.open(target) as store:
        put(store, 0, accuracy=0.5)
        put(store, 1, "failed")
    others = [database(tmp_path / f"{n}.db", *seeds) for n, seeds in enumerate([(0, 1, 2), (2, 3)])]
    before = contents(target)
    said = merged(target, *others, dry_run=True)
    assert contents(target) == before
    done = merged(target, *others)
    assert {**said, "dry_run": False} == done
    assert verdicts(done, 1) == {"same": 1, "added": 1}


def test_a_dry_run_into_an_empty_database(target: str | Path, tmp_path: Path) -> None:
    """A server's has no tables yet; the merge itself makes them."""
    other = database(tmp_path / "other.db", 0, 1)
    said = merged(target, other, dry_run=True)
    assert verdicts(said) == {"added": 2}
    assert {**said, "dry_run": False} == merged(target, other)


@pytest.mark.parametrize("version", schema.REVISIONS)
def test_an_older_schema_is_upgraded_on_the_way(target: str | Path, tmp_path: Path, version: str) -> None:
    other = tmp_path / "old.db"
    connection = sqlite3.connect(other)
    connection.executescript((FROZEN / "trained" / f"{version}.sql").read_text(encoding="utf-8"))
    connection.close()
    before = other.read_bytes()
    report = merged(target, other)
    assert report["sources"][0]["schema"] == version
    assert set(verdicts(report)) == {"added"}
    assert contents(target)["runs"].keys() == contents(other)["runs"].keys()
    assert other.read_bytes() == before
    assert {p.name for p in tmp_path.glob("old*")} == {"old.db"}


def test_a_damaged_run_of_ours_is_healed(target: str | Path, tmp_path: Path) -> None:
    with Store.open(target) as store:
        key = put(store, 0, attempt="a")
        with store.transaction() as connection:
            connection.execute(text("DELETE FROM metric WHERE step = 20"))
    other = database(tmp_path / "other.db", 0, attempt="b")
    assert verdicts(merged(target, other)) == {"completed": 1}
    assert contents(target)["runs"][key]["history"] == contents(other)["runs"][key]["history"]
    assert contents(target)["runs"][key]["attempts"] == ["a", "b"]


def _killed_half_way(target: str | Path, other: Path) -> None:
    genuine, written = merging.write_run, []

    def write(*arguments: Any) -> None:
        genuine(*arguments)
        written.append(1)
        if len(written) == 3:
            os.kill(os.getpid(), signal.SIGKILL)

    merging.write_run = write
    merged(target, other)


def test_a_merge_that_is_killed_half_way_leaves_the_old_state(
    target: str | Path, tmp_path: Path, in_child: Callable[..., Any]
) -> None:
    with Store.open(target) as store:
        put(store, 0, "failed", attempt="a")
        put(store, 9)
    other = database(tmp_path / "other.db", *range(6), attempt="b")
    before = contents(target)
    with pytest.raises(ChildProcessError, match="-9"):
        in_child(lambda: _killed_half_way(target, other))
    assert contents(target) == before
    assert verdicts(merged(target, other)) == {"completed": 1, "added": 5}
    assert len(contents(target)["runs"]) == 7


def test_two_merges_at_once_lose_nothing(target: str | Path, tmp_path: Path, in_child: Callable[..., Any]) -> None:
    Store.open(target).close()
    others = [database(tmp_path / f"{n}.db", 0, 2 * n + 1, 2 * n + 2, attempt=str(n)) for n in range(2)]
    threads = [threading.Thread(target=in_child, args=(lambda o=other: merged(target, o),)) for other in others]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = contents(target)["runs"]
    assert set(found) == {key_of(seed) for seed in range(5)}
    assert sorted(found[key_of(0)]["attempts"]) == ["0", "1"]


def test_from_a_server(tmp_path: Path, target: str | Path) -> None:
    with Store.open(target) as store:
        put(store, 0)
        store.record_computation("curve", {"a": 1}, [1.0])
    copy = tmp_path / "copy.db"
    assert verdicts(merged(copy, target)) == {"added": 1}
    assert contents(copy) == contents(target)
    with pytest.raises(LsnError, match="itself"):
        merged(copy, copy)


def test_a_new_database_is_made_only_for_what_can_be_read(tmp_path: Path) -> None:
    new, junk = tmp_path / "new.db", tmp_path / "junk.db"
    junk.write_text("junk")
    with pytest.raises(LsnError, match="not a database"):
        merged(new, junk)
    assert not new.exists()
    # Damage that shows only when the numbers are read.
    bad = database(tmp_path / "bad.db", 0, 1)
    with sqlite3.connect(bad) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        (page,) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'metric'").fetchone()
        (size,) = connection.execute("PRAGMA page_size").fetchone()
    connection.close()
    with bad.open("r+b") as stream:
        stream.seek((page - 1) * size)
        stream.write(b"\xff" * size)
    with pytest.raises(LsnError, match="damaged"):
        merged(new, bad)
    assert not new.exists()
    assert merged(new, database(tmp_path / "a.db", 0), dry_run=True)["dry_run"]
    assert not new.exists()
