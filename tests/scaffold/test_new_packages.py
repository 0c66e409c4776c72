"""What ``lsn plugins new`` writes works untouched: its tests, the conformance suites, its recipe."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest

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
    result = workshop.lsn("plugins", "check", "LSN_my.loss", "--format", "json")
    assert result.returncode == 0, result.stdout + result.stderr
    verdicts = json.loads(result.stdout)
    assert {v["component"] for v in verdicts} == {"my-loss"}
    assert {v["status"] for v in verdicts} == {"passed", "skipped"}
    skipped = {v["check"] for v in verdicts if v["status"] == "skipped"}
    assert skipped == {"state dict round trip", "preparation"}
    assert {v["variant"] for v in verdicts} == {"", "defaults", "q=1.0"}


@pytest.mark.parametrize("kind", KINDS)
def test_its_recipe_is_a_recipe(workshop: Any, kind: str) -> None:
    recipe = f"lsn-my-{kind}/recipes/my-{kind}.toml"
    planned = workshop.lsn("plan", recipe, "--profile", "smoke", "--format", "json")
    assert planned.returncode == 0, planned.stderr
    # A backend is how a run is trained, not what: it does not stand in the spec.
    assert kind == "backend" or f'"my-{kind}"' in planned.stdout


def test_a_run_with_each_reaches_the_report(workshop: Any) -> None:
    """One seed of the smallest profile: the loss, and the others through one recipe that names them all."""
    recipe = (workshop.folder / "lsn-my-loss/recipes/my-loss.toml").read_text(encoding="utf-8")
    together = (
        recipe.replace('name = "digits"', 'name = "my-dataset"')
        .replace('name = "symmetric"', 'name = "my-noise"')
        .replace('name = "mlp"', 'name = "my-architecture"')
    )
    (workshop.folder / "all.toml").write_text(together, encoding="utf-8")
    ran = workshop.lsn(
        "run",
        "all.toml",
        "--profile",
        "smoke",
        "--seeds",
        "1",
        "--only",
        "noise.rate=0.2",
        "--device",
        "my-backend",
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "2 trained" in ran.stderr
    runs = json.loads(workshop.lsn("runs", "list", "--format", "json").stdout)
    assert {r["spec"]["loss"]["name"] for r in runs} == {"standard", "my-loss"}
    report = workshop.lsn("report", "all.toml", "--profile", "smoke", "--seeds", "1", "--format", "csv")
    assert any(line.startswith("my-loss") or ",my-loss," in line for line in report.stdout.splitlines())


def test_the_estimator_estimates(workshop: Any) -> None:
    ran = workshop.lsn(
        *("run", "lsn-my-estimator/recipes/my-estimator.toml", "--profile", "smoke", "--seeds", "1"),
        *("--only", "transition.estimator.name=my-estimator", "--db", "estimates.db", "--executor", "in-process"),
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_the_project_file(workshop: Any) -> None:
    for kind in KINDS:
        folder: Path = workshop.folder / f"lsn-my-{kind}"
        project = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        assert project["name"] == f"lsn-my-{kind}"
        assert project["dependencies"] == [f"lsn>={__version__},<0.2"]
        assert project["entry-points"] == {"lsn": {f"my-{kind}": f"lsn_my_{kind}.plugin"}}
        assert (folder / f"lsn_my_{kind}/py.typed").read_bytes() == b""
        texts = [p.read_text(encoding="utf-8") for p in folder.rglob("*") if p.is_file() and p.suffix != ".pyc"]
        assert not [text for text in texts if "$" in text.replace("$\n", "")]
