"""Weights come along where they are what the other database says, and only into our own folder."""

from __future__ import annotations

import hashlib
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from run_samples import contents, database, key_of, put

from lsncli.errors import LsnError
from lsncli.store import Store, merging
from lsncli.store.checking import check
from lsncli.store.merge_files import Destination, is_inside
from lsncli.store.merging import merge

WEIGHTS = b"weights of the run" * 100


@pytest.fixture
def other(tmp_path: Path) -> Path:
    return database(tmp_path / "other" / "there.db", 0, weights=WEIGHTS)


@pytest.fixture
def ours(tmp_path: Path) -> Path:
    (tmp_path / "ours").mkdir()
    return tmp_path / "ours" / "results.db"


def bring(ours: Path, *others: Path, **how: Any) -> dict[str, int]:
    destination = Destination(ours.with_name("results.checkpoints"), "results.checkpoints")
    report = merge(str(ours), [str(o) for o in others], destination=destination, **how)
    assert not list(destination.folder.glob(".merge-*"))
    return {name: count for source in report.sources for name, count in source.files.items()}


def place(ours: Path, seed: int = 0) -> Path:
    return ours.with_name("results.checkpoints") / key_of(seed) / "final.safetensors"


def theirs(other: Path, seed: int = 0) -> Path:
    return other.with_name("there.checkpoints") / key_of(seed) / "final.safetensors"


def change(path: Path, statement: str, *values: object) -> None:
    with sqlite3.connect(path) as connection:
        assert connection.execute(statement, values).rowcount > 0
    connection.close()


def test_they_come_under_our_names(ours: Path, other: Path) -> None:
    assert bring(ours, other) == {"copied": 1}
    assert place(ours).read_bytes() == WEIGHTS
    [entry] = contents(ours)["runs"][key_of()]["artifacts"]
    assert entry.path == f"results.checkpoints/{key_of()}/final.safetensors"
    assert (entry.sha256, entry.size) == (hashlib.sha256(WEIGHTS).hexdigest(), len(WEIGHTS))
    # Again: it is there, and nothing is to be done.
    assert bring(ours, other) == {}
    # Lost, and brought once more.
    place(ours).unlink()
    assert bring(ours, other) == {"copied": 1}
    assert place(ours).read_bytes() == WEIGHTS


def test_folder_that_another_database_has_just_taken_is_not_filled(ours: Path, other: Path) -> None:
    folder = ours.with_name("results.checkpoints")
    destination = Destination(folder, folder.name, lambda: folder.with_name("results-1.checkpoints"))
    with pytest.raises(LsnError, match="has just taken the folder"):
        merge(str(ours), [str(other)], destination=destination)
    assert list(folder.iterdir()) == []


def test_results_come_without_them(ours: Path, other: Path) -> None:
    theirs(other).unlink()
    assert bring(ours, other) == {"missing": 1}
    assert contents(ours)["runs"][key_of()]["artifacts"] == []
    assert not place(ours).exists()


@pytest.mark.parametrize("content", [WEIGHTS[:-1], b"x" + WEIGHTS[1:], b""])
def test_damaged_ones_stay_there(ours: Path, other: Path, content: bytes) -> None:
    theirs(other).write_bytes(content)
    assert bring(ours, other) == {"damaged": 1}
    assert contents(ours)["runs"][key_of()]["artifacts"] == []
    assert not place(ours).exists()


def test_without_files_none_are_named(ours: Path, other: Path) -> None:
    merge(str(ours), [str(other)], destination=None)
    assert contents(ours)["runs"][key_of()]["artifacts"] == []
    assert [p.name for p in ours.parent.iterdir()] == ["results.db"]


def test_a_dry_run_copies_nothing(ours: Path, other: Path) -> None:
    assert bring(ours, other, dry_run=True) == {"copied": 1}
    assert list(ours.parent.iterdir()) == []


def test_the_same_file_of_two_sources_is_copied_once(ours: Path, other: Path, tmp_path: Path) -> None:
    second = database(tmp_path / "second" / "there.db", 0, weights=WEIGHTS)
    assert bring(ours, other, second) == {"copied": 1, "there": 1}
    assert place(ours).read_bytes() == WEIGHTS


def test_ours_stay_with_our_results(ours: Path, other: Path) -> None:
    database(ours, 0, accuracy=0.5, weights=b"ours")
    assert bring(ours, other) == {}
    assert place(ours).read_bytes() == b"ours"
    assert bring(ours, other, prefer="theirs") == {"copied": 1}
    assert place(ours).read_bytes() == WEIGHTS
    assert contents(ours)["runs"][key_of()]["artifacts"][0].size == len(WEIGHTS)


def named(ours: Path, seed: int = 0) -> list[str]:
    return [entry.sha256 for entry in contents(ours)["runs"][key_of(seed)]["artifacts"]]


@pytest.mark.parametrize("how", ["missing", "without files", "damaged"])
def test_ours_go_with_our_results(ours: Path, other: Path, how: str) -> None:
    """A student would learn from our weights, where the database has their numbers."""
    database(ours, 0, accuracy=0.5, weights=b"ours")
    going_on = place(ours).with_name("checkpoint.safetensors")
    going_on.write_bytes(b"half")
    if how == "missing":
        theirs(other).unlink()
    elif how == "damaged":
        theirs(other).write_bytes(b"x" * len(WEIGHTS))
    if how == "without files":
        folder = ours.with_name("results.checkpoints")
        merge(str(ours), [str(other)], prefer="theirs", destination=None, weights=folder)
    else:
        assert bring(ours, other, prefer="theirs") == {how: 1}
    assert named(ours) == []
    assert list(place(ours).parent.iterdir()) == [going_on]


def test_weights_of_a_removed_run_are_not_those_of_one_that_comes(ours: Path, other: Path) -> None:
    database(ours, weights=b"ours")
    place(ours).parent.mkdir(parents=True)
    place(ours).write_bytes(b"ours")
    theirs(other).unlink()
    assert bring(ours, other) == {"missing": 1}
    assert not place(ours).exists()


def test_a_dry_run_takes_nothing_away(ours: Path, other: Path) -> None:
    database(ours, 0, accuracy=0.5, weights=b"ours")
    assert bring(ours, other, prefer="theirs", dry_run=True) == {"copied": 1}
    assert place(ours).read_bytes() == b"ours"


def test_the_last_source_decides_over_the_files(ours: Path, other: Path, tmp_path: Path) -> None:
    """What the first one brought belongs to results that the second one replaces."""
    second = database(tmp_path / "second" / "there.db", 0, accuracy=0.25, weights=b"second")
    theirs(second).unlink()
    assert bring(ours, other, second, prefer="theirs") == {"copied": 1, "missing": 1}
    assert contents(ours)["runs"][key_of()]["history"]["test_accuracy"][-1] == (20, 0.25)
    assert named(ours) == []
    assert not place(ours).exists()


def test_a_file_that_is_not_the_one_of_our_results_is_brought_again(ours: Path, other: Path) -> None:
    bring(ours, other)
    place(ours).write_bytes(b"z" * len(WEIGHTS))
    assert bring(ours, other) == {"copied": 1}
    assert place(ours).read_bytes() == WEIGHTS


def test_ours_that_differ_stay_where_the_results_agree(ours: Path, other: Path) -> None:
    database(ours, 0, weights=b"ours")
    assert bring(ours, other) == {}
    assert place(ours).read_bytes() == b"ours"


def test_when_replacing_fails_ours_come_back(ours: Path, other: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    database(ours, 0, accuracy=0.5, weights=b"ours")
    genuine = merging.Files.set_aside

    def fail(self: merging.Files, taken: Any, wanted: Any) -> None:
        genuine(self, taken, wanted)
        assert not place(ours).exists()
        raise OSError("the machine is switched off")

    monkeypatch.setattr(merging.Files, "set_aside", fail)
    with pytest.raises(OSError, match="switched off"):
        bring(ours, other, prefer="theirs")
    assert place(ours).read_bytes() == b"ours"
    assert named(ours) == [hashlib.sha256(b"ours").hexdigest()]


def test_a_crash_after_the_numbers_came_is_repaired(
    ours: Path, other: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database(ours, 0, accuracy=0.5, weights=b"ours")
    monkeypatch.setattr(merging.Files, "put_rest", lambda self, wanted: None)
    bring(ours, other, prefer="theirs")
    # Their numbers, and no weights rather than ours.
    assert not place(ours).exists()
    monkeypatch.undo()
    assert bring(ours, other) == {"copied": 1}
    assert place(ours).read_bytes() == WEIGHTS


@pytest.mark.parametrize(
    "path",
    [
        "../secret", "/etc/hostname", "there.checkpoints/../../secret", "./../secret", "..", ".", "", "a\\..\\b",
        "a\0b",
        "there.checkpoints/link", "there.checkpoints/folder", "there.checkpoints/folder/inside",
        "there.checkpoints/checkpoint.safetensors", "there.checkpoints/.hidden",
        "there.checkpoints/a name with spaces",
    ],
)  # fmt: skip
def test_paths_that_lead_elsewhere(ours: Path, other: Path, tmp_path: Path, path: str) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(WEIGHTS)
    folder = other.with_name("there.checkpoints")
    (folder / "link").symlink_to(secret)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "inside").write_bytes(WEIGHTS)
    (folder / "folder").symlink_to(tmp_path / "elsewhere")
    for name in ("checkpoint.safetensors", ".hidden", "a name with spaces"):
        (folder / name).write_bytes(WEIGHTS)
    change(other, "UPDATE artifact SET path = ?", path)
    assert bring(ours, other) == {"refused": 1}
    assert contents(ours)["runs"][key_of()]["artifacts"] == []
    # The results are good all the same, and nothing has come anywhere.
    assert list(ours.parent.rglob("*.safetensors")) == []
    assert {p.name for p in tmp_path.iterdir()} == {"secret", "other", "ours", "elsewhere"}


def test_a_folder_of_weights_on_another_disk(ours: Path, other: Path, tmp_path: Path) -> None:
    """The folder itself is a link; what is in it must not lead out of it all the same."""
    disk = tmp_path / "disk"
    other.with_name("there.checkpoints").rename(disk)
    other.with_name("there.checkpoints").symlink_to(disk)
    assert check(str(other)).findings == []
    assert bring(ours, other) == {"copied": 1}
    assert place(ours).read_bytes() == WEIGHTS
    place(ours).unlink()
    secret = tmp_path / "secret"
    theirs(other).rename(secret)
    theirs(other).symlink_to(secret)
    assert bring(ours, other) == {"refused": 1}
    assert not place(ours).exists()


def test_a_path_says_what_to_read_and_not_where_to_write(ours: Path, other: Path) -> None:
    folder = other.with_name("there.checkpoints")
    (folder / "deep" / "down").mkdir(parents=True)
    theirs(other).rename(folder / "deep" / "down" / "final.safetensors")
    change(other, "UPDATE artifact SET path = 'there.checkpoints/deep/down/final.safetensors'")
    assert bring(ours, other) == {"copied": 1}
    assert place(ours).read_bytes() == WEIGHTS


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no named pipes")
def test_a_pipe_is_no_file_and_is_not_waited_for(ours: Path, other: Path) -> None:
    theirs(other).unlink()
    os.mkfifo(theirs(other))
    assert bring(ours, other) == {"refused": 1}


@pytest.mark.parametrize("sha256", ["", "../" * 20, "A" * 64])
def test_a_digest_is_a_digest(ours: Path, other: Path, sha256: str) -> None:
    change(other, "UPDATE artifact SET sha256 = ?", sha256)
    assert bring(ours, other) == {"refused": 1}


@pytest.mark.parametrize("path", ["../x", "/x", "a/../../x", "", ".", "a\\b", None, 3, b"a"])
def test_what_is_not_inside(path: object) -> None:
    assert not is_inside(path)


def test_a_transaction_that_fails_leaves_no_file(ours: Path, other: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    database(ours, 5)
    with Store.open(other) as store:
        put(store, 1, weights=WEIGHTS)
    genuine = merging.Files.put_new

    def fail(self: merging.Files, wanted: Any) -> None:
        genuine(self, wanted)
        assert place(ours).exists()
        raise LsnError("the disk is full")

    monkeypatch.setattr(merging.Files, "put_new", fail)
    with pytest.raises(LsnError, match="the disk is full"):
        bring(ours, other)
    assert set(contents(ours)["runs"]) == {key_of(5)}
    assert list(ours.parent.rglob("*.safetensors")) == []
    monkeypatch.undo()
    assert bring(ours, other) == {"copied": 2}


def test_a_folder_that_takes_no_files(bare_folder: Path, unprivileged: Callable[..., Any], tmp_path: Path) -> None:
    """Where the weights cannot go, nothing is brought, and the way without them is named."""
    there = database(bare_folder / "other" / "there.db", 0, weights=WEIGHTS)
    ours = bare_folder / "ours" / "results.db"
    database(ours)
    for folder in (bare_folder / "other", ours.parent):
        folder.chmod(0o777)
    ours.chmod(0o666)
    ours.with_name("results.checkpoints").mkdir(mode=0o555)
    with pytest.raises(LsnError, match="cannot be written") as error:
        unprivileged(lambda: bring(ours, there))
    assert "--no-files" in error.value.next
    assert contents(ours)["runs"] == {}
