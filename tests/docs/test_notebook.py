"""The repository's own results.db: what a fresh clone reports from."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

NOTEBOOK = Path(__file__).resolve().parents[2] / "results.db"

pytestmark = pytest.mark.skipif(not NOTEBOOK.exists(), reason="no clone: the wheel has no results.db")


@pytest.fixture
def notebook(tmp_path: Path) -> Path:
    """A copy; the clone's own is read by other tests meanwhile."""
    return Path(shutil.copy(NOTEBOOK, tmp_path / "notebook.db"))


def lsn(folder: Path, *arguments: str) -> str:
    command = [sys.executable, "-m", "lsncli", *arguments, "--db", "notebook.db"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_it_is_sound(notebook: Path) -> None:
    assert "sound" in lsn(notebook.parent, "db", "check")


def test_it_is_compact_and_names_no_folder_of_the_machine_that_trained(notebook: Path) -> None:
    content = notebook.read_bytes()
    assert len(content) < 8_000_000
    for folder in ("/home", "/Users", str(Path.home()), tempfile.gettempdir()):
        # A home of "/" says nothing; every address of the web has two of them.
        assert folder == "/" or f"{folder}/".encode() not in content


def test_table_7_has_its_runs(notebook: Path) -> None:
    table = lsn(notebook.parent, "report", "--table", "7", "--format", "csv")
    rows = [line for line in table.splitlines() if "cifar10-jpeg-16" in line and "resnet32" in line]
    assert len(rows) == 6
    assert not any("missing" in row for row in rows)


def test_reporting_everything_leaves_it_as_it_is(notebook: Path) -> None:
    before = notebook.read_bytes()
    lsn(notebook.parent, "report", "--all", "--format", "html", "--output", "report")
    assert notebook.read_bytes() == before, "the computed figures are not in it: lsn report --all --db results.db"


def test_the_numbers_of_the_readme_are_the_reports() -> None:
    root = NOTEBOOK.parent
    numbers = re.findall(r"\d+\.\d+ ± \d+\.\d+", (root / "README.md").read_text(encoding="utf-8"))
    assert numbers
    # That page is made from results.db, and CI compares it.
    report = (root / "docs" / "results.md").read_text(encoding="utf-8")
    assert [number for number in numbers if number not in report] == []
