"""The wheel holds all that an installation needs, and the repository names no machine."""

from __future__ import annotations

import re
import shutil
import subprocess
import tomllib
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest

from lsncli import __version__

#: Folders of somebody's machine, and package indexes other than by their client's own settings.
LOCAL = re.compile(r"(?<![\w.])/(?:work|root|home/\w+|Users/\w+|mnt|workspace)/\w")
INDEX = re.compile(r"https?://[^\s\"']*/" + r"simple\b|--(?:extra-)?index" + r"-url|--find" + "-links")


@pytest.fixture(scope="module")
def wheel(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    if shutil.which("uv") is None:
        pytest.skip("building a wheel needs uv")
    folder = tmp_path_factory.mktemp("wheel")
    built = subprocess.run(
        ["uv", "build", "--wheel", "--quiet", "--out-dir", str(folder)],
        cwd=request.config.rootpath,
        capture_output=True,
        text=True,
    )
    if built.returncode and re.search(r"fetch|connect|offline|resolve", built.stderr):
        pytest.skip(f"the build backend cannot be had here: {built.stderr.splitlines()[-1]}")
    assert built.returncode == 0, built.stderr
    (path,) = folder.glob("*.whl")
    return zipfile.ZipFile(path)


@pytest.fixture(scope="module")
def names(wheel: zipfile.ZipFile) -> set[str]:
    return set(wheel.namelist())


def test_everything_that_is_read_at_run_time_is_inside(names: set[str], repository: Path) -> None:
    recipes = {f"lsncli/shipped_recipes/{p.name}" for p in (repository / "recipes").glob("*.toml")}
    assert "lsncli/shipped_recipes/quickstart.toml" in recipes
    assert "lsncli/shipped_recipes/table7.toml" in recipes
    package = repository / "lsncli"
    files = {
        f"lsncli/{path.relative_to(package).as_posix()}"
        for path in package.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert {"lsncli/py.typed", "lsncli/report/paper/table7.toml", "lsncli/store/migrations/env.py"} <= files
    assert recipes <= names
    assert files <= names


def test_nothing_else_is_inside(names: set[str]) -> None:
    assert {name.split("/")[0] for name in names} == {"lsncli", f"lsncli-{__version__}.dist-info"}
    assert not [n for n in names if n.endswith((".pyc", ".db", ".db-wal", ".so", ".safetensors"))]


def test_licence_entry_point_and_version(wheel: zipfile.ZipFile, names: set[str]) -> None:
    info = f"lsncli-{__version__}.dist-info"
    assert f"{info}/licenses/LICENSE" in names
    about = Parser().parsestr(wheel.read(f"{info}/METADATA").decode())
    assert (about["Name"], about["Version"], about["License-Expression"]) == ("lsncli", __version__, "Apache-2.0")
    assert about["Requires-Python"] == ">=3.11"
    scripts = wheel.read(f"{info}/entry_points.txt").decode()
    assert "[console_scripts]\nlsn = lsncli.cli.main:main" in scripts
    # The built-ins need no entry point: they are there before any distribution is asked.
    assert "[lsn]" not in scripts


def test_the_version_is_said_once_for_all(repository: Path) -> None:
    project = tomllib.loads((repository / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["version"] == __version__


def tracked(repository: Path) -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=repository, capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("not a git checkout")
    return [repository / name for name in listed.stdout.split("\0") if name]


def test_no_file_names_a_machine_or_an_index(repository: Path) -> None:
    found = []
    for path in tracked(repository):
        try:
            text = path.read_text(encoding="utf-8")
        except (UnicodeDecodeError, FileNotFoundError):
            continue
        index = INDEX.findall(text)
        found += [f"{path.name}: {hit}" for hit in (*LOCAL.findall(text), *index)]
    assert not [hit for hit in found if not hit.startswith(Path(__file__).name)]


def test_nothing_large_or_private_is_tracked(repository: Path) -> None:
    for path in tracked(repository):
        assert path.suffix not in {".pyc", ".safetensors", ".pem", ".env"}, path
        assert not path.exists() or path.name == "results.db" or path.stat().st_size < 2_000_000, path
