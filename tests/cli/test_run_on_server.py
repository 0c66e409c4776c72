"""A whole batch on a PostgreSQL server: trained, reported, shared, copied to a file."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from typing import Any

import pytest


@pytest.fixture
def url(postgresql: Any) -> Iterator[str]:
    with postgresql.database() as made:
        yield made


def test_a_batch_on_a_server(lsn: Any, url: str) -> None:
    run = "run tiny.toml --executor in-process"
    first = lsn(f"{run} --db {url}")
    assert first.status == 0, first.err
    assert first.err.splitlines()[-1] == "2 runs: 2 trained"
    again = lsn(f"{run} --db {url}")
    assert (again.status, again.err, again.out) == (0, "2 runs: 0 trained, 2 already there\n", first.out)
    # The same numbers as in a file, and the same report of them.
    in_file = lsn(f"{run} --db file.db")
    assert in_file.status == 0
    report = "report tiny.toml --format json --db"
    cells = [json.loads(lsn(f"{report} {db}").out)["cells"] for db in (url, "file.db")]
    assert cells[0] == cells[1]
    assert [cell["status"] for cell in cells[0]] == ["complete"] * len(cells[0])

    listed = json.loads(lsn(f"runs list --format json --db {url}").out)
    assert [found["status"] for found in listed] == ["done", "done"]
    assert lsn(f"runs show {listed[0]['key']} --db {url}").status == 0
    info = json.loads(lsn(f"db info --format json --db {url}").out)
    assert (info["runs"]["done"], info["bytes"]) == (2, None)
    assert lsn(f"db check --db {url}").status == 0

    backup = lsn(f"db backup copy.db --db {url}")
    assert backup.one_message
    assert "pg_dump" in backup.err
    # Its results in a file: by merging.
    merged = json.loads(lsn(f"db merge {url} --db copy.db --format json").out)
    assert {verdict: len(keys) for verdict, keys in merged["sources"][0]["runs"].items() if keys} == {"added": 2}
    assert json.loads(lsn(f"{report} copy.db").out)["cells"] == cells[0]
    # And back: another machine's file into the shared database.
    assert lsn(f"runs rm {listed[0]['key']} --yes --db {url}").status == 0
    merged = json.loads(lsn(f"db merge file.db --db {url} --format json").out)
    assert {verdict: len(keys) for verdict, keys in merged["sources"][0]["runs"].items() if keys} == {
        "added": 1,
        "same": 1,
    }
    assert json.loads(lsn(f"{report} {url}").out)["cells"] == cells[0]


def test_several_workers_write_to_a_server(lsn: Any, url: str) -> None:
    result = lsn(f"run tiny.toml --seeds 2 --replicas 2 --executor processes --db {url}")
    assert result.status == 0, result.err
    assert result.err.splitlines()[-1] == "4 runs: 4 trained"
    exported = lsn(f"runs export --format json --db {url}")
    assert {row["status"] for row in json.loads(exported.out)} == {"done"}
    shutil.rmtree(lsn.folder / "lsn.checkpoints")


def test_a_wrong_request_is_one_message(lsn: Any, url: str) -> None:
    for command in (
        "run tiny.toml --dry-run",
        "report tiny.toml",
        "runs list",
        "db info",
        "db check",
        "db merge x.db",
    ):
        result = lsn(f"{command} --db {url.replace('/test', '/none')}")
        assert result.one_message, (command, result)
