"""Where defaults come from: option, then environment, then lsn.toml, then pyproject.toml."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lsncli.cli.config import find_config, load_defaults
from lsncli.errors import LsnError

TAKERS = {
    "db": [("run",), ("db", "info")],
    "data_dir": [("run",), ("data", "list")],
    "replicas": [("run",)],
}
PROJECT = '[tool.lsn]\ndb = "project.db"\nprofile = "smoke"\n'
OWN = 'db = "own.db"\nprofile = "quick"\n'


def steps(lsn: Any, words: str = "", **environment: str) -> int:
    """The steps that a plan comes to: 20, 6 and 4 in the tiny recipe's paper, quick and smoke profiles."""
    result = lsn(f"plan tiny.toml --format json {words}", **environment)
    assert result.status == 0, result.err
    return int(json.loads(result.out)[0]["spec"]["train"]["steps"])


def database(lsn: Any, words: str = "", **environment: str) -> str:
    """The database that is asked for: none is there, and the message names it."""
    result = lsn(f"runs list {words}", **environment)
    assert result.one_message
    return str(result.err.partition("where: ")[2].split()[0])


def test_precedence(lsn: Any) -> None:
    assert (database(lsn), steps(lsn)) == ("results.db", 20)
    (lsn.folder / "pyproject.toml").write_text(PROJECT)
    assert (database(lsn), steps(lsn)) == ("project.db", 4)
    (lsn.folder / "lsn.toml").write_text(OWN)
    assert (database(lsn), steps(lsn)) == ("own.db", 6)
    environment = {"LSN_DB": "environment.db", "LSN_PROFILE": "paper"}
    assert (database(lsn, **environment), steps(lsn, **environment)) == ("environment.db", 20)
    assert database(lsn, "--db option.db", **environment) == "option.db"
    assert steps(lsn, "--profile smoke", **environment) == 4


def test_a_table_of_a_command_goes_before_what_is_said_for_all(lsn: Any) -> None:
    (lsn.folder / "lsn.toml").write_text('profile = "quick"\n[plan]\nprofile = "smoke"\n')
    assert steps(lsn) == 4


def test_it_is_found_from_a_folder_below_and_its_paths_are_relative_to_it(
    lsn: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    (lsn.folder / "lsn.toml").write_text('db = "lab/own.db"\ndata_dir = "data"\n[run]\nreplicas = 2\n')
    below = lsn.folder / "a" / "b"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)
    assert database(lsn) == "../../lab/own.db"
    monkeypatch.delenv("LSN_DATA_DIR")
    defaults = load_defaults(TAKERS)
    assert defaults["data"]["list"] == {"data_dir": "../../data"}
    assert defaults["run"]["replicas"] == "2"
    (lsn.folder / "lsn.toml").write_text('db = "postgresql://host/lab"')
    assert load_defaults(TAKERS)["run"]["db"] == "postgresql://host/lab"


def test_a_home_folder_is_meant_beside_the_file_and_below_it(lsn: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    home = lsn.folder / "home"
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.delenv("LSN_DATA_DIR")
    (lsn.folder / "lsn.toml").write_text('db = "~/lab.db"\ndata_dir = "~/dd"\n')
    below = lsn.folder / "a"
    below.mkdir()
    for folder in (lsn.folder, below):
        monkeypatch.chdir(folder)
        defaults = load_defaults(TAKERS)["run"]
        assert {Path(defaults[key]).resolve() for key in ("db", "data_dir")} == {home / "lab.db", home / "dd"}
    (lsn.folder / "lsn.toml").write_text('db = "~nobody-of-that-name/lab.db"\n')
    assert load_defaults(TAKERS)["run"]["db"] == "../~nobody-of-that-name/lab.db"


def test_a_project_without_our_table_is_passed_over(tmp_path: Path) -> None:
    inner = tmp_path / "inner"
    inner.mkdir()
    (tmp_path / "lsn.toml").write_text("")
    (inner / "pyproject.toml").write_text('[project]\ndependencies = ["lsn"]\nthis is not TOML')
    assert find_config(inner) == (tmp_path / "lsn.toml", {})


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('datbase = "x"', ["unknown configuration key 'datbase'", "lsn.toml", "data_dir"]),
        ('data-dir = "x"', ["unknown configuration key 'data-dir'", "did you mean 'data_dir'"]),
        ('[run]\nprofil = "x"', ["unknown configuration key 'profil'", "[run]", "did you mean 'profile'"]),
        ('[report]\ndevice = "cpu"', ["unknown configuration key 'device'", "[report]"]),
        ("[rum]\n", ["unknown configuration key 'rum'", "did you mean 'run'"]),
        ("run = 3", ["'run' is a table of options: [run]"]),
        ('db = ["a"]', ["db = ['a'] is no text"]),
        ("[db]\nx = 1", ["db = {'x': 1} is no text"]),
        ("profile = true", ["profile = True is no text"]),
        ("replicas = true", ["replicas = True is no text"]),
        ("db = ", ["cannot read the configuration", "lsn.toml"]),
    ],
)
def test_mistakes(lsn: Any, text: str, told: list[str]) -> None:
    (lsn.folder / "lsn.toml").write_text(text)
    result = lsn("plan tiny.toml")
    assert result.one_message
    for part in told:
        assert part in result.err


def test_a_file_that_is_no_text(lsn: Any) -> None:
    (lsn.folder / "lsn.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(LsnError, match="cannot read the configuration"):
        load_defaults(TAKERS)


def test_a_working_folder_that_is_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    assert load_defaults(TAKERS) == {}
