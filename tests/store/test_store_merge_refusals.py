"""What does not fit is refused with one message: the whole of a database, or one run of it."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest
from run_samples import STEPS, contents, database, key_of, put

from lsncli.errors import LsnError
from lsncli.store import Store
from lsncli.store.merging import merge


def merged(target: str | Path, *others: str | Path) -> dict[str, Any]:
    return merge(str(target), [str(other) for other in others]).plain()


def verdicts(report: dict[str, Any]) -> dict[str, int]:
    return {verdict: len(keys) for verdict, keys in report["sources"][0]["runs"].items() if keys}


def refused(target: str | Path, *others: str | Path) -> LsnError:
    before = contents(target)
    with pytest.raises(LsnError) as error:
        merged(target, *others)
    assert contents(target) == before
    return error.value


def test_what_does_not_fit_is_refused_and_nothing_is_brought(target: str | Path, tmp_path: Path) -> None:
    with Store.open(target) as store:
        put(store, 0)
    good = database(tmp_path / "good.db", 1)
    assert "itself" in refused(target, good, target).what
    missing = tmp_path / "missing.db"
    assert "no result database" in refused(target, good, missing).what
    assert not missing.exists()
    junk = tmp_path / "junk.db"
    junk.write_bytes(b"x" * 5000)
    assert "not a database" in refused(target, good, junk).what
    newer = database(tmp_path / "newer.db", 2)
    with sqlite3.connect(newer) as connection:
        connection.execute("UPDATE lsn_schema_version SET version_num = '0099'")
    connection.close()
    error = refused(target, good, newer)
    assert "newer lsn (schema 0099)" in error.what
    assert "upgrade lsn" in error.next
    damaged = database(tmp_path / "damaged.db", *range(2, 12))
    size = damaged.stat().st_size
    with damaged.open("r+b") as stream:
        stream.seek(size // 2)
        stream.write(b"\xff" * (size - size // 2))
    error = refused(target, good, damaged)
    assert "damaged" in error.what
    assert "--salvage" in error.next


def tamper(path: Path, statement: str) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute(statement)
    connection.close()


@pytest.mark.parametrize(
    ("statement", "why"),
    [
        ("UPDATE run SET spec = json_set(spec, '$.noise.params.rate', 0.4) WHERE id = 1", "not that of its spec"),
        ("UPDATE run SET spec = '{' WHERE id = 1", "cannot be read"),
        ("UPDATE run SET status = 'perfect' WHERE id = 1", "its status is 'perfect'"),
        ("UPDATE run SET final_step = 10 WHERE id = 1", "done after 10 of 20 steps"),
        (f"DELETE FROM metric WHERE run_id = 1 AND step = {STEPS}", "no numbers of its last step"),
        ("UPDATE array SET data = x'00ff' WHERE run_id = 1", "cannot be decoded"),
        ("UPDATE array SET shape = '[1000000]' WHERE run_id = 1", "cannot be decoded"),
        ("UPDATE array SET dtype = 'O' WHERE run_id = 1", "cannot be decoded"),
        ("UPDATE metric SET value = 'text' WHERE run_id = 1", "cannot be read"),
        ("UPDATE run SET title = CAST(x'ff' AS TEXT) WHERE id = 1", "cannot be read"),
        ("UPDATE run SET created_at = 'yesterday' WHERE id = 1", "cannot be read"),
        ("UPDATE run SET error = x'00' WHERE id = 1", "cannot be read"),
        ("UPDATE array SET name = x'00' WHERE run_id = 1 AND rowid = (SELECT min(rowid) FROM array)", "cannot be"),
        ("UPDATE provenance SET data = 'nothing' WHERE run_id = 1", "cannot be read"),
    ],
)
def test_a_run_that_makes_no_sense_is_refused_alone(
    target: str | Path, tmp_path: Path, statement: str, why: str
) -> None:
    other = database(tmp_path / "other.db", 0, 1)
    tamper(other, statement)
    report = merged(target, other)
    assert verdicts(report) == {"added": 1, "refused": 1}
    [said] = report["sources"][0]["refused"]
    assert said["what"] == f"run {key_of(0)}"
    assert why in said["why"]
    assert set(contents(target)["runs"]) == {key_of(1)}


def test_a_computation_that_makes_no_sense_is_refused_alone(target: str | Path, tmp_path: Path) -> None:
    other = tmp_path / "other.db"
    with Store.open(other) as store:
        for alpha in (1, 2, 3):
            store.record_computation("curve", {"alpha": alpha}, [1.0])
    tamper(other, """UPDATE computation SET params = '{"alpha": 4}' WHERE params = '{"alpha": 1}'""")
    tamper(other, """UPDATE computation SET data = x'00' WHERE params = '{"alpha": 2}'""")
    report = merged(target, other)["sources"][0]
    assert report["computations"] == {"added": 1, "refused": 2}
    assert {said["why"][:12] for said in report["refused"]} == {"its digest i", "its array ca"}
