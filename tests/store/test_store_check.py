"""Damage is found and named; what can be saved is saved, and nothing counts for more than is left of it."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from run_samples import STEPS, contents, database, key_of, put, spec_of
from sqlalchemy import text

from lsncli.errors import LsnError
from lsncli.store import Store, schema
from lsncli.store.check_report import CheckReport
from lsncli.store.checking import check
from lsncli.store.claimant import Claimant
from lsncli.store.location import Location
from lsncli.store.salvage import Salvaged, salvage, survey

FROZEN = Path(__file__).with_name("frozen")


def damage(report: CheckReport) -> list[tuple[str, str]]:
    return [(f.where, f.what) for f in report.findings if f.severity == "damage"]


def saved(path: Path, target: Path) -> Salvaged:
    return salvage(Location.parse(path), target)


@pytest.fixture
def good(tmp_path: Path) -> Path:
    return database(tmp_path / "results.db", *range(12), weights=b"weights")


def test_a_good_one_is_sound(good: Path) -> None:
    with Store.open(good) as store:
        put(store, 20, "diverged")
        put(store, 21, "failed")
        store.record_computation("curve", {"a": 1}, [1.0])
    before = good.read_bytes()
    report = check(str(good))
    assert (report.findings, report.sound, report.runs, report.files) == ([], True, 14, 12)
    assert report.can_be_saved is None
    assert good.read_bytes() == before


def test_the_same_on_a_server(postgresql: Any) -> None:
    with postgresql.database() as url:
        with Store.open(url) as store:
            put(store, 0)
            put(store, 1)
            assert check(url).findings == []
            with store.transaction() as connection:
                connection.execute(text("UPDATE \"array\" SET data = '\\x00' WHERE step = 20 AND run_id = 1"))
                connection.execute(text("DROP INDEX ix_run_key"))
        found = damage(check(url))
        assert [where for where, _ in found] == ["schema", f"run {key_of(0)}"]
        with pytest.raises(LsnError, match="only database files"):
            salvage(Location.parse(url), Path("copy.db"))


@pytest.mark.parametrize(
    ("statement", "where", "what"),
    [
        ("DROP INDEX ix_run_key", "schema", "index ix_run_key of table run is missing"),
        ("DROP TABLE stand_in", "schema", "table stand_in is missing"),
        ("ALTER TABLE run DROP COLUMN traceback", "schema", "column traceback of table run is missing"),
        ("INSERT INTO metric VALUES (99, 'm', 1, 0.5)", "table metric", "1 rows belong to no run"),
        (f"DELETE FROM metric WHERE run_id = 1 AND step = {STEPS}", f"run {key_of(0)}", "no numbers of its last"),
        ("UPDATE array SET data = x'00' WHERE run_id = 1 AND step = 0", f"run {key_of(0)}", "cannot be decoded"),
        ("UPDATE run SET spec = '{}' WHERE id = 1", f"run {key_of(0)}", "its key is not that of its spec"),
        ("UPDATE run SET spec = 'x' WHERE id = 1", f"run {key_of(0)}", "cannot be read"),
        ("UPDATE run SET started_at = 'x' WHERE id = 1", f"run {key_of(0)}", "cannot be read"),
        ("UPDATE run SET title = CAST(x'ff' AS TEXT) WHERE id = 1", f"run {key_of(0)}", "cannot be read"),
        ("UPDATE run SET title = x'00' WHERE id = 1", f"run {key_of(0)}", "cannot be read"),
        ("UPDATE array SET name = x'00' WHERE run_id = 1 AND step = 0", f"run {key_of(0)}", "cannot be read"),
        (
            f"UPDATE OR REPLACE metric SET name = x'00' WHERE run_id = 1 AND step = {STEPS}",
            f"run {key_of(0)}",
            "cannot be read",
        ),
        ("INSERT INTO stand_in VALUES ('a', x'00')", "table stand_in", "does not write"),
        ("INSERT INTO claim VALUES ('k', 't', 'h', 'p', NULL, NULL, '', '')", "table claim", "cannot be read"),
        ("UPDATE artifact SET path = '../../etc/passwd' WHERE run_id = 1", "files", "outside the folder"),
        ("UPDATE artifact SET bytes = 3 WHERE run_id = 1", "files", "not the file that was written"),
    ],
)
def test_what_is_damaged_is_named(good: Path, statement: str, where: str, what: str) -> None:
    with sqlite3.connect(good) as connection:
        connection.execute(statement)
    connection.close()
    found = damage(check(str(good)))
    assert any(where == place and what in told for place, told in found), found
    assert len(found) <= 12


@pytest.mark.parametrize("table", ["artifact", "array", "provenance", "stand_in"])
def test_a_table_that_is_missing_has_no_rows_to_look_for(good: Path, tmp_path: Path, table: str) -> None:
    with sqlite3.connect(good) as connection:
        connection.execute(f"DROP TABLE {table}")
    connection.close()
    report = check(str(good))
    assert ("schema", f"table {table} is missing") in damage(report)
    assert report.can_be_saved is not None
    found = saved(good, tmp_path / "saved.db")
    assert found.unreadable == report.can_be_saved.unreadable == {}
    assert len(found.whole) + len(found.partial) == 12
    # A run that may have had arrays is not whole without them.
    assert bool(found.partial) == (table == "array")


def test_what_is_worth_knowing(good: Path) -> None:
    with Store.open(good) as store:
        ended = put(store, 20, None)
        trained = put(store, 21, None)
        store.claim([trained], Claimant.this_process(), {}, lambda entry: False)
        strange = put(store, 22)
        store.record_metrics(strange, STEPS + 1, {"m": 1.0})
        with store.transaction() as connection:
            connection.execute(text("DELETE FROM provenance WHERE run_id = 1"))
        (good.with_name("results.checkpoints") / key_of(3) / "final.safetensors").unlink()
        report = check(str(good))
    assert report.sound
    assert {(f.severity, f.where) for f in report.findings} == {
        ("note", f"run {ended}"), ("doubt", f"run {strange}"), ("doubt", f"run {key_of(0)}"), ("note", "files"),
    }  # fmt: skip


def test_weights_that_were_changed(good: Path) -> None:
    file = good.with_name("results.checkpoints") / key_of(3) / "final.safetensors"
    file.write_bytes(b"Weights")
    [(where, what)] = damage(check(str(good)))
    assert (where, key_of(3) in what) == ("files", True)
    # Nothing of the database itself is lost.
    assert check(str(good)).can_be_saved is None
    assert check(str(good), files=False).findings == []


@pytest.mark.parametrize("version", schema.REVISIONS)
def test_an_older_schema_is_looked_at_as_the_newest(tmp_path: Path, version: str) -> None:
    path = tmp_path / "old.db"
    connection = sqlite3.connect(path)
    connection.executescript((FROZEN / "trained" / f"{version}.sql").read_text(encoding="utf-8"))
    connection.close()
    before = path.read_bytes()
    report = check(str(path))
    newest = version == schema.REVISIONS[-1]
    assert (report.sound, report.schema, report.runs) == (True, version, 4)
    assert [f.where for f in report.findings] == ([] if newest else ["schema"])
    assert path.read_bytes() == before
    assert saved(path, tmp_path / "saved.db").whole == [run for run in contents(path)["runs"] if run][::-1]
    assert contents(tmp_path / "saved.db")["runs"] == contents(path)["runs"]


def test_no_database_is_refused(tmp_path: Path) -> None:
    junk = tmp_path / "junk.db"
    junk.write_bytes(b"x" * 5000)
    for look in (
        lambda: check(str(junk)),
        lambda: check(str(tmp_path / "none.db")),
        lambda: survey(Location.parse(junk)),
    ):
        with pytest.raises(LsnError):
            look()
    assert junk.read_bytes() == b"x" * 5000


def test_a_view_in_a_tables_place_is_not_read(good: Path, tmp_path: Path) -> None:
    with sqlite3.connect(good) as connection:
        connection.execute("ALTER TABLE run RENAME TO old")
        connection.execute("CREATE VIEW run AS SELECT * FROM old")
    connection.close()
    for look in (lambda: check(str(good)), lambda: saved(good, tmp_path / "saved.db")):
        with pytest.raises(LsnError, match="holds a view, 'run'"):
            look()
    assert not (tmp_path / "saved.db").exists()


def test_what_is_not_ours_is_not_saved(good: Path, tmp_path: Path) -> None:
    with sqlite3.connect(good) as connection:
        connection.execute("UPDATE lsn_schema_version SET version_num = '0099'")
    connection.close()
    other = tmp_path / "other.db"
    with sqlite3.connect(other) as connection:
        connection.execute("CREATE TABLE notes (id INTEGER)")
    connection.close()
    for path, what in ((good, "newer lsn"), (other, "another program's")):
        with pytest.raises(LsnError, match=what):
            saved(path, tmp_path / "saved.db")
    assert not (tmp_path / "saved.db").exists()


def test_a_good_one_is_saved_whole(good: Path, tmp_path: Path) -> None:
    with Store.open(good) as store:
        store.set_stand_in("mine", "cifar10")
        store.record_computation("curve", {"a": 1}, [1.0])
    told = saved(good, tmp_path / "saved.db")
    assert (len(told.whole), told.partial, told.lost) == (12, [], [])
    assert not told.refused
    assert not told.unreadable
    found = contents(tmp_path / "saved.db")
    assert found == contents(good)
    with pytest.raises(LsnError, match="already"):
        saved(good, tmp_path / "saved.db")
    with pytest.raises(LsnError, match="itself"):
        salvage(Location.parse(good), good, force=True)


def page_of(path: Path, name: str) -> tuple[int, int]:
    """The number of a table's or index's root page, and the size of a page."""
    with sqlite3.connect(path) as connection:
        root = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (name,)).fetchone()[0]
        size = connection.execute("PRAGMA page_size").fetchone()[0]
    connection.close()
    return root, size


def overwrite(path: Path, page: int, size: int) -> None:
    with path.open("r+b") as stream:
        stream.seek((page - 1) * size)
        stream.write(b"\xa5" * size)


@pytest.mark.parametrize(
    ("name", "whole"),
    [
        # Without an index nothing is lost; without the numbers every run is to be trained again; without files
        # and provenance the results are whole.
        ("ix_run_key", 12), ("sqlite_autoindex_array_1", 12), ("metric", 0), ("array", 0), ("artifact", 12),
        ("provenance", 12), ("stand_in", 12), ("computation", 12), ("claim", 12),
    ],
)  # fmt: skip
def test_a_lost_page(good: Path, tmp_path: Path, name: str, whole: int) -> None:
    before = contents(good)["runs"]
    overwrite(good, *page_of(good, name))
    damaged = good.read_bytes()
    report = check(str(good))
    assert not report.sound
    assert report.can_be_saved is not None
    told = saved(good, tmp_path / "saved.db")
    assert told.plain() == report.can_be_saved.plain()
    assert good.read_bytes() == damaged
    assert len(told.whole) == whole
    assert len(told.whole) + len(told.partial) == 12
    found = contents(tmp_path / "saved.db")["runs"]
    for key in told.whole:
        for part in ("row", "history", "arrays"):
            assert found[key][part] == before[key][part]
    for key in told.partial:
        assert found[key]["row"][2] == "interrupted"
        assert "damaged" in found[key]["error"]
    assert check(str(tmp_path / "saved.db"), files=False).sound


@pytest.mark.parametrize(
    ("statement", "whole", "partial"),
    [
        # A run does not fall with what is no result of it.
        ("UPDATE run SET title = x'00', traceback = 7, seconds = 'x' WHERE id = 1", 12, 0),
        ("UPDATE run SET final_step = 'x' WHERE id = 1", 11, 1),
        ("UPDATE array SET name = x'00' WHERE run_id = 1 AND step = 0", 11, 1),
        (f"UPDATE metric SET value = 'x' WHERE run_id = 1 AND step = {STEPS}", 11, 1),
        ("UPDATE run SET started_at = 'x' WHERE id = 1", 11, 0),
        ("INSERT INTO stand_in VALUES ('a', x'00')", 12, 0),
    ],
)
def test_values_of_another_kind_are_not_saved(
    good: Path, tmp_path: Path, statement: str, whole: int, partial: int
) -> None:
    with sqlite3.connect(good) as connection:
        connection.execute(statement)
    connection.close()
    told = saved(good, tmp_path / "saved.db")
    assert (len(told.whole), len(told.partial)) == (whole, partial)
    assert check(str(tmp_path / "saved.db"), files=False).sound
    with Store.open(tmp_path / "saved.db", read_only=True) as store:
        assert len(store.runs()) == whole + partial


def test_the_list_of_runs_is_lost(good: Path, tmp_path: Path) -> None:
    overwrite(good, *page_of(good, "run"))
    told = saved(good, tmp_path / "saved.db")
    assert (told.whole, told.partial) == ([], [])
    # Their names stand in the index.
    assert told.lost == sorted(key_of(seed) for seed in range(12))


@pytest.mark.parametrize("part", [0.3, 0.6, 0.9])
def test_the_end_is_cut_off(good: Path, tmp_path: Path, part: float) -> None:
    before = contents(good)["runs"]
    with good.open("r+b") as stream:
        stream.truncate(int(good.stat().st_size * part))
    with pytest.raises(LsnError, match="damaged"):
        contents(good)
    report = check(str(good))
    assert not report.sound
    told = saved(good, tmp_path / "saved.db")
    found = contents(tmp_path / "saved.db")["runs"]
    for key in told.whole:
        assert found[key]["history"] == before[key]["history"]
        assert found[key]["arrays"] == before[key]["arrays"]


@pytest.mark.parametrize("seed", range(12))
def test_random_bytes(good: Path, tmp_path: Path, seed: int) -> None:
    """Whatever is flipped: one message or a report, and no run that has lost a row counts as done."""
    before = contents(good)["runs"]
    data, draw = bytearray(good.read_bytes()), random.Random(seed)
    for _ in range(draw.choice([1, 10, 100])):
        data[draw.randrange(100, len(data))] = draw.randrange(256)
    good.write_bytes(data)
    try:
        check(str(good))
        told = saved(good, tmp_path / "saved.db")
    except LsnError:
        return
    assert good.read_bytes() == bytes(data)
    found = contents(tmp_path / "saved.db")["runs"]
    for key in told.whole:
        assert key in before
        steps = {name: [step for step, _ in values] for name, values in found[key]["history"].items()}
        assert {len(at) for at in steps.values()} == {2}
        assert len(found[key]["arrays"]) == 2
    assert set(told.whole) | set(told.partial) == set(found)
    assert check(str(tmp_path / "saved.db"), files=False).sound


def test_a_saved_one_is_gone_on_with(good: Path, tmp_path: Path) -> None:
    overwrite(good, *page_of(good, "metric"))
    target = tmp_path / "saved.db"
    saved(good, target)
    spec = spec_of(3)
    with Store.open(target) as store:
        assert store.begin_run(spec.key, spec.plain(), steps=STEPS, provenance={}, from_step=0) == "continued"


def test_a_full_disk_saves_nothing(good: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from lsncli.store import backup

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(backup.os, "fsync", full)
    with pytest.raises(LsnError, match="No space left on device"):
        saved(good, tmp_path / "saved.db")
    assert {p.name for p in tmp_path.iterdir()} == {"results.db", "results.checkpoints"}


def test_a_damaged_file_in_a_read_only_folder(bare_folder: Path, unprivileged: Callable[..., Any]) -> None:
    path = database(bare_folder / "results.db", *range(12))
    overwrite(path, *page_of(path, "metric"))
    bare_folder.chmod(0o555)
    report = unprivileged(lambda: check(str(path)))
    assert not report.sound
    assert len(report.can_be_saved.partial) == 12
