"""The migrations make the models' tables, and databases of every released schema can be read."""

from __future__ import annotations

import math
import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from lsncli.store import Store, schema
from lsncli.store.models import METADATA

FROZEN = Path(__file__).with_name("frozen")


def test_migrated_equals_declared(store: Store) -> None:
    with store._reading() as connection:
        context = MigrationContext.configure(
            connection,
            opts={
                "version_table": schema.VERSION_TABLE,
                "compare_type": True,
                "compare_server_default": True,
            },
        )
        assert compare_metadata(context, METADATA) == []


def test_migrated_tables_keep_their_rows_in_the_order_of_the_key(store: Store) -> None:
    # compare_metadata does not see options of tables and foreign keys' actions.
    with store._reading() as connection:
        sql = dict(
            connection.exec_driver_sql("SELECT name, sql FROM sqlite_master WHERE type = 'table'").fetchall()
        )
    assert "WITHOUT ROWID" in sql["metric"]
    for table in ("metric", "array", "artifact", "provenance"):
        assert "ON DELETE CASCADE" in sql[table]


def test_revisions_are_those_of_the_folder() -> None:
    script = ScriptDirectory.from_config(schema.alembic_config())
    assert tuple(r.revision for r in reversed(list(script.walk_revisions()))) == schema.REVISIONS
    assert script.get_heads() == [schema.REVISIONS[-1]]


def test_a_released_revision_has_a_frozen_database() -> None:
    assert {p.stem for p in FROZEN.glob("*.sql")} == set(schema.REVISIONS)


def test_a_failing_migration_leaves_nothing(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from alembic import command

    genuine = command.upgrade

    def fail(*args: object) -> None:
        genuine(*args)
        raise RuntimeError("power cut")

    monkeypatch.setattr(command, "upgrade", fail)
    with pytest.raises(RuntimeError, match="power cut"):
        Store.open(path)
    connection = sqlite3.connect(path)
    assert connection.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,)
    connection.close()


def test_a_migration_that_loses_a_run_is_not_committed(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from alembic import command

    genuine = command.upgrade

    def orphan(config: object, revision: str) -> None:
        genuine(config, revision)
        config.attributes["connection"].exec_driver_sql("INSERT INTO metric VALUES (7, 'm', 1, 1.0)")

    monkeypatch.setattr(command, "upgrade", orphan)
    with pytest.raises(RuntimeError, match="1 rows without their run"):
        Store.open(path)
    monkeypatch.undo()
    with Store.open(path) as store:
        assert store.contents().metrics == 0


def thaw(version: str, path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.executescript((FROZEN / f"{version}.sql").read_text(encoding="utf-8"))
    connection.close()


@pytest.mark.parametrize("read_only", [True, False])
@pytest.mark.parametrize("version", schema.REVISIONS)
def test_what_schema_0001_holds(path: Path, version: str, read_only: bool) -> None:
    thaw(version, path)
    key, other = "0123456789abcdef0123", "fedcba98765432100000"
    # The expected values are those written in the dump.
    with Store.open(path, read_only=read_only) as store:
        assert store.resolve("0123") == key
        run = store.run(key)
        assert (run.status, run.title, run.steps, run.final_step) == ("done", "Quick start", 1000, 1000)
        assert run.seconds == 12.5
        assert run.created_at == datetime(2025, 1, 2, 3, 4, 5, tzinfo=UTC)
        assert run.finished_at == datetime(2025, 1, 2, 3, 4, 17, 500000, tzinfo=UTC)
        assert run.spec["noise"] == {"name": "symmetric", "params": {"rate": 0.2}}
        last = store.values([key, other])
        assert list(last) == [key]
        assert math.isnan(last[key].pop("test_loss"))
        assert last[key] == {"test_accuracy": 0.875, "test_nll": math.inf}
        assert store.values([key], which="best") == {key: {"test_accuracy": 0.9375, "test_loss": 0.25}}
        np.testing.assert_array_equal(store.get_array(key, "noise_transition_counts"), [[3, 1], [0, 4]])
        assert store.artifacts(key)[0].path == f"{key}/final.safetensors"
        assert store.provenance(key) == [{"device": "cpu", "packages": {"torch": "2.9.0"}}]
        assert store.statuses([other])[other].error == "the loss is not finite after step 731"
        assert store.stand_ins() == {"cifar10-jpeg": "cifar10"}
        if not read_only:
            # It can be gone on with.
            assert store.begin_run(other, run.spec, steps=1000, provenance={}) == "continued"
            store.record_metrics(other, 1000, {"test_accuracy": 0.75})
            assert store.history(other) == {"test_accuracy": [(500, 0.5), (1000, 0.75)]}


def test_readers_know_the_schema_and_change_nothing(path: Path) -> None:
    thaw("0001", path)
    before = path.read_bytes()
    with Store.open(path, read_only=True) as store:
        assert store.schema_version == "0001"
        # There is no such table yet.
        assert store.get_computation("loss-curves", {"alpha": 0.2, "points": 3}) is None
    assert path.read_bytes() == before
    with Store.open(path) as store:
        assert store.schema_version == schema.REVISIONS[-1]


@pytest.mark.parametrize("read_only", [True, False])
@pytest.mark.parametrize("version", ["0002", "0003"])
def test_schema_0002(path: Path, version: str, read_only: bool) -> None:
    thaw(version, path)
    with Store.open(path, read_only=read_only) as store:
        # As written in the dump; the order of the parameters does not matter.
        found = store.get_computation("loss-curves", {"points": 3, "alpha": 0.2})
        np.testing.assert_array_equal(found, [[0.5, 1.0, 2.0]])
        assert store.get_computation("loss-curves", {"points": 3, "alpha": 0.3}) is None
        assert store.get_computation("other", {"points": 3, "alpha": 0.2}) is None


def test_readable_revisions_are_the_newest_ones() -> None:
    assert schema.REVISIONS[-len(schema.READABLE) :] == schema.READABLE
