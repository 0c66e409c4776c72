"""What the shell completes arguments with."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from lsncli.cli import completing
from lsncli.recipe.loading import shipped_recipes
from lsncli.registry import registry

SCRIPT = Path(sys.executable).with_name("lsn")


def completed(folder: Path, line: str, **environment: str) -> list[str]:
    """What the bash function that ``lsn --install-completion`` installs is given for the end of ``line``."""
    words = line.split(" ")
    result = subprocess.run(
        [SCRIPT],
        cwd=folder,
        env={
            **os.environ,
            "COMP_WORDS": line,
            "COMP_CWORD": str(len(words) - 1),
            "_LSN_COMPLETE": "complete_bash",
            **environment,
        },
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert result.stderr == ""
    return result.stdout.split()


@pytest.mark.skipif(not SCRIPT.exists(), reason="lsn is not installed as a command")
def test_the_shell_gets_commands_options_and_names(tmp_path: Path) -> None:
    (tmp_path / "table-of-mine.toml").write_text("")
    assert completed(tmp_path, "lsn re") == ["report", "recipe"]
    assert completed(tmp_path, "lsn report --prof") == ["--profile"]
    tables = [name for name in shipped_recipes() if name.startswith("table")]
    assert len(tables) > 1
    assert completed(tmp_path, "lsn run table") == [*tables, "table-of-mine.toml"]
    assert completed(tmp_path, "lsn run quickstart --profile ") == ["paper", "quick", "smoke"]
    assert completed(tmp_path, "lsn battery label-") == ["label-smoothing"]
    assert completed(tmp_path, "lsn battery sy") == ["symmetric"]
    assert completed(tmp_path, "lsn battery --kind architecture l") == ["linear"]
    # Every battery has these already.
    assert completed(tmp_path, "lsn battery standar") == completed(tmp_path, "lsn battery non") == []
    # Not a recipe, no database: nothing, and no word of it.
    assert completed(tmp_path, "lsn run table-of-mine.toml --profile ") == []
    assert completed(tmp_path, "lsn runs show ") == []


def context(*words: str, **given: Any) -> Any:
    return type("Context", (), {"args": list(words), "params": given})()


def names(choices: list[completing.Choice]) -> set[str]:
    return {name for name, _ in choices}


def test_recipes_are_shipped_ones_and_files_of_any_folder(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text("")
    (tmp_path / "mine.db").write_text("")
    (tmp_path / ".hidden.toml").write_text("")
    assert completing.recipes(f"{tmp_path}/") == [(f"{tmp_path}/mine.toml", "recipe file")]
    assert completing.recipes(f"{tmp_path}/x") == []
    # Their titles are what zsh and fish show.
    assert all(about for _, about in completing.shipped("table"))


def test_profiles_are_those_of_the_recipe(tmp_path: Path) -> None:
    quickstart = Path(shipped_recipes()["quickstart"]).read_text()
    (tmp_path / "own.toml").write_text(f"{quickstart}\n[profiles.nightly]\nseeds = [0]\n")
    assert "nightly" in names(completing.profiles(context(str(tmp_path / "own.toml")), ""))
    assert names(completing.profiles(context(), "")) == {"paper", "quick", "smoke"}


def test_data_sets_also_in_place_of_another(tmp_path: Path) -> None:
    here = context(data_dir=tmp_path)
    assert names(completing.data_sets(here, "cifar")) == {"cifar10", "cifar100"}
    assert names(completing.data_sets(here, "cifar10=cifar")) == {"cifar10=cifar100"}


def test_components_and_kinds() -> None:
    assert names(completing.components("")) == {r.info.name for r in registry().all()}
    assert "noise model" in names(completing.kinds("no"))
    assert names(completing.devices("c")) == {"cpu", "cuda"}


def test_run_keys_with_what_was_trained(lsn: Any) -> None:
    assert lsn("run quickstart --profile smoke --only loss.name=standard").status == 0
    store = {row["key"] for row in json.loads(lsn("runs list --format json").out)}
    found = completing.run_keys(context(db=str(lsn.folder / "results.db")), "")
    assert {key for key, _ in found} == {key[: completing.KEY_LENGTH] for key in store}
    assert all("standard" in about and "seed" in about for _, about in found)
    whole = next(iter(store))
    assert names(completing.run_keys(context(db=str(lsn.folder / "results.db")), whole)) == {whole}


@pytest.mark.parametrize("metavar", ["RECIPE", "KEY", "KIND", "NAME=OTHER"])
def test_every_such_argument_is_completed(metavar: str) -> None:
    from test_cli_help import COMMANDS

    such = [p for command in COMMANDS.values() for p in command.params if p.metavar == metavar]
    such = [p for p in such if p.name != "over"]
    assert such
    assert all(p._custom_shell_complete is not None for p in such)
