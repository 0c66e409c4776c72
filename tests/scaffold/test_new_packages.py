"""What ``lsn plugins new`` writes works untouched: its tests, the conformance suites, its recipe."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

from lsncli import __version__
from lsncli.scaffold.names import KINDS


def test_each_package_passes_its_own_tests(workshop: Any) -> None:
    folders = [f"lsn-my-{kind}/tests" for kind in KINDS]
    words = ("-m", "pytest", "-q", "-p", "no:cacheprovider", "--import-mode=importlib", "-rA", "--rootdir=.")
    result = workshop.run(*words, *folders)
    assert result.returncode == 0, result.stdout + result.stderr
    passed = {line.removeprefix("PASSED ") for line in result.stdout.splitlines() if line.startswith("PASSED ")}
    for kind, (_, part) in KINDS.items():
        # The suite was collected, and the tests with values by hand.
        file = f"lsn-my-{kind}/tests/test_{part}.py"
        assert f"{file}::TestMy{kind.capitalize()}::test_import_cost" in passed
        assert any(name.startswith(f"{file}::test_") for name in passed)
    skipped = [line.rpartition(": ")[2] for line in result.stdout.splitlines() if line.startswith("SKIPPED")]
    assert set(skipped) == {
        "no state",
        "it does not change the batch",
        "its builder has no method available(data_dir)",
    }


def test_lsn_plugins_check_says_so_too(workshop: Any) -> None:
    result = workshop.lsn("plugins", "check", "LSN_my.noise", "--format", "json")
    assert result.returncode == 0, result.stdout + result.stderr
    verdicts = json.loads(result.stdout)
    assert {v["component"] for v in verdicts} == {"my-noise"}
    assert {v["status"] for v in verdicts} == {"passed"}
    assert {v["variant"] for v in verdicts} == {"", "rate=0.3", "rate=0.3, hub=2"}


def test_its_recipe_is_a_recipe(workshop: Any) -> None:
    recipes = [f"lsn-my-{kind}/recipes/my-{kind}.toml" for kind in KINDS]
    planned = workshop.lsn("plan", *recipes, "--profile", "smoke", "--format", "json")
    assert planned.returncode == 0, planned.stderr
    # A backend is how a run is trained, not what: it does not stand in the spec.
    for kind in KINDS.keys() - {"backend"}:
        assert f'"my-{kind}"' in planned.stdout


def test_runs_with_all_of_them_reach_the_report(workshop: Any) -> None:
    """One recipe that names them all: the estimator's, with the other components in place of what it has."""
    recipe = (workshop.folder / "lsn-my-estimator/recipes/my-estimator.toml").read_text(encoding="utf-8")
    for old, new in {"digits": "dataset", "symmetric": "noise", "mlp": "architecture", "standard": "loss"}.items():
        assert recipe.count(f'name = "{old}"') == 1
        recipe = recipe.replace(f'name = "{old}"', f'name = "my-{new}"')
    (workshop.folder / "all.toml").write_text(recipe, encoding="utf-8")
    choice = ("--profile", "smoke", "--seeds", "1", "--only", "transition.estimator.name=my-estimator")
    ran = workshop.lsn("run", "all.toml", *choice, "--device", "my-backend", "--executor", "in-process")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    # The loss, the corrected run, and the run of cross-entropy whose predictions the estimator reads.
    assert "3 trained" in ran.stderr
    runs = json.loads(workshop.lsn("runs", "list", "--format", "json").stdout)
    assert {r["spec"]["loss"]["name"] for r in runs} == {"my-loss", "standard", "forward-correction"}
    report = workshop.lsn("report", "all.toml", *choice, "--format", "md")
    rows = [line.split("|")[1].strip() for line in report.stdout.splitlines() if line.startswith("| ")]
    assert rows[-2:] == ["cross-entropy", "forward correction, estimated T"]


def test_the_project_file(workshop: Any) -> None:
    for kind in KINDS:
        folder: Path = workshop.folder / f"lsn-my-{kind}"
        project = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        assert project["name"] == f"lsn-my-{kind}"
        assert project["dependencies"] == [f"lsncli>={__version__},<0.2"]
        assert project["entry-points"] == {"lsn": {f"my-{kind}": f"lsn_my_{kind}.plugin"}}
        assert (folder / f"lsn_my_{kind}/py.typed").read_bytes() == b""
        texts = [p.read_text(encoding="utf-8") for p in folder.rglob("*") if p.is_file() and p.suffix != ".pyc"]
        assert not [text for text in texts if "$" in text.replace("$\n", "")]
