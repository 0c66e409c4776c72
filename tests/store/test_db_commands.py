"""``lsn db backup``, ``merge`` and ``check`` as their user sees them."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest
import typer
from run_samples import contents, database, key_of
from typer.testing import CliRunner, Result

from lsncli.checkpoint_folder import checkpoint_dir, keep_checkpoint_dir
from lsncli.cli import db
from lsncli.cli.main import LsnGroup


def lsn(*arguments: object) -> Result:
    app = typer.Typer(cls=LsnGroup)
    app.add_typer(db.app, name="db")
    result = CliRunner().invoke(app, ["db", *(str(a) for a in arguments)], env={"COLUMNS": "200"})
    assert "Traceback" not in result.stderr
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def good(*arguments: object) -> str:
    result = lsn(*arguments)
    assert result.exit_code == 0, result.output
    return result.stdout


def refused(*arguments: object) -> str:
    result = lsn(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    return result.stderr


@pytest.fixture
def results(tmp_path: Path) -> Path:
    return database(tmp_path / "results.db", 0, 1, weights=b"weights")


def test_backup(results: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.db"
    text = good("backup", copy, "--db", results)
    assert f"{results}: copied to {copy} (" in text
    assert contents(copy) == contents(results)
    assert "--force" in refused("backup", copy, "--db", results)
    good("backup", copy, "--db", results, "--force")
    assert "no result database" in refused("backup", tmp_path / "other.db", "--db", tmp_path / "none.db")


def test_merge_is_told(results: Path, tmp_path: Path) -> None:
    other = database(tmp_path / "other" / "other.db", 1, 2, 3, weights=b"weights")
    text = good("merge", other, "--db", results, "--dry-run")
    assert "nothing was written" in text
    assert len(contents(results)["runs"]) == 2
    text = good("merge", other, "--db", results)
    head, row = (next(line for line in text.splitlines() if word in line) for word in ("schema", str(other)))
    assert head.split() == ["from", "schema", "new", "already", "here", "computations", "weights"]
    assert row.split()[1:] == ["0003", "2", "1", "2", "copied"]
    assert (tmp_path / "results.checkpoints" / key_of(3) / "final.safetensors").read_bytes() == b"weights"
    assert good("check", "--db", results).endswith("sound (4 runs and 4 files looked at)\n")


def test_merge_takes_the_folder_of_weights_that_it_fills(tmp_path: Path) -> None:
    other = database(tmp_path / "other" / "other.db", 1, weights=b"weights")
    lab, twin, folder = tmp_path / "lab.db", tmp_path / "lab.sqlite", tmp_path / "lab.checkpoints"
    good("merge", other, "--db", lab, "--no-files")
    good("merge", other, "--db", lab, "--dry-run")
    assert not folder.exists()
    good("merge", other, "--db", lab)
    assert checkpoint_dir(str(lab)) == folder
    # A run into its twin would take it otherwise.
    assert keep_checkpoint_dir(str(twin)) != folder
    assert (folder / key_of(1) / "final.safetensors").is_file()


def test_merge_names_what_it_keeps_out(results: Path, tmp_path: Path) -> None:
    other = database(tmp_path / "other" / "other.db", 0, 5, 6, accuracy=0.5)
    with sqlite3.connect(other) as connection:
        connection.execute("UPDATE run SET status = '[red]x' WHERE id = 2")
    connection.close()
    result, kept = lsn("merge", other, "--db", results), key_of(0)[:10]
    assert result.exit_code == 1
    assert (
        f"1 run ended with other results there than here, ours stay (--prefer theirs takes theirs): {kept}"
        in result.stdout
    )
    assert f"run {key_of(5)} is refused: its status is '[red]x'" in result.stderr
    found = json.loads(lsn("merge", other, "--db", results, "--format", "json").stdout)
    assert found["sources"][0]["refused"] == [{"what": f"run {key_of(5)}", "why": "its status is '[red]x'"}]
    assert found["sources"][0]["runs"]["kept"] == [key_of(0)]
    assert found["sources"][0]["runs"]["same"] == [key_of(6)]
    good_prefer = json.loads(lsn("merge", other, "--db", results, "--format", "json", "--prefer", "theirs").stdout)
    assert good_prefer["sources"][0]["runs"]["replaced"] == [key_of(0)]


def test_merge_refuses(results: Path, tmp_path: Path) -> None:
    before = results.read_bytes()
    assert "itself" in refused("merge", results, "--db", results)
    assert "no result database" in refused("merge", tmp_path / "none.db", "--db", results)
    assert "prefer" in refused("merge", results, "--db", results, "--prefer", "best")
    assert results.read_bytes() == before


def test_check(results: Path) -> None:
    found = json.loads(good("check", "--db", results, "--format", "json"))
    assert (found["sound"], found["findings"], found["runs"], found["files"]) == (True, [], 2, 2)
    with sqlite3.connect(results) as connection:
        connection.execute("UPDATE array SET data = x'00' WHERE run_id = 1")
    connection.close()
    result = lsn("check", "--db", results)
    assert result.exit_code == 1
    for words in (
        "cannot be decoded",
        f"lsn runs rm {key_of(0)}",
        "damaged (2 runs",
        "1 run as they were",
        "1 run in part",
    ):
        assert words in result.stdout, result.stdout
    found = json.loads(lsn("check", "--db", results, "--format", "json").stdout)
    assert found["can_be_saved"]["partial"] == [key_of(0)]


def test_salvaging_is_advised_where_there_is_something_to_save(results: Path) -> None:
    whole = results.read_bytes()
    for kept, advised in ((len(whole) // 2, True), (100, False)):
        results.write_bytes(whole[:kept] + bytes(len(whole) - kept))
        text = lsn("check", "--db", results).stdout
        assert ("--salvage FILE" in text) == advised, text
        assert ("go on with a backup" in text) != advised, text


def test_salvage(results: Path, tmp_path: Path) -> None:
    text = good("check", "--db", results, "--salvage", tmp_path / "saved.db")
    assert "2 runs as they were" in text
    assert f"give {tmp_path / 'saved.db'} its name" in text
    assert contents(tmp_path / "saved.db") == contents(results)
    assert "--force" in refused("check", "--db", results, "--salvage", tmp_path / "saved.db")
    good("check", "--db", results, "--salvage", tmp_path / "saved.db", "--force")


@pytest.mark.parametrize("command", ["backup", "merge", "check"])
def test_what_is_no_database_of_ours(tmp_path: Path, command: str) -> None:
    junk, newer = tmp_path / "junk.db", database(tmp_path / "newer.db", 0)
    junk.write_bytes(b"not a database, only text")
    with sqlite3.connect(newer) as connection:
        connection.execute("UPDATE lsn_schema_version SET version_num = '9999'")
    connection.close()
    words: list[Any] = [command] if command == "check" else [command, tmp_path / "x.db"]
    for wrong, what in (
        (junk, "not a database"),
        (newer, "upgrade lsn"),
        (tmp_path / "no.db", "no result database"),
    ):
        message = (
            refused(command, wrong, "--db", tmp_path / "x.db")
            if command == "merge"
            else refused(*words, "--db", wrong)
        )
        assert what in message
    assert not (tmp_path / "x.db").exists()
