"""``lsn plugins``, ``recipe``, ``doctor`` and ``plan``: what they print, for people and for programs."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jsonschema
import pytest

from lsncli.registry import KINDS, registry

COMPONENTS = sorted({(r.info.kind, r.info.name) for r in registry().all()})


def test_plugins_list(lsn: Any) -> None:
    rows = json.loads(lsn("plugins list --format json").out)
    assert sorted((r["kind"], r["name"]) for r in rows) == COMPONENTS
    assert {r["status"] for r in rows} == {"ok"}
    assert all(r["summary"] and r["source"].startswith("lsncli ") for r in rows)
    table = lsn("plugins list").out
    assert all(name in table for _, name in COMPONENTS)
    assert {r["kind"] for r in json.loads(lsn("plugins", "list", "--kind", "loss", "--format", "json").out)} == {
        "loss"
    }
    wrong = lsn("plugins list --kind losses")
    assert wrong.one_message
    assert "did you mean 'loss'" in wrong.err


@pytest.mark.parametrize("name", sorted({name for _, name in COMPONENTS}))
def test_plugins_show(lsn: Any, name: str) -> None:
    found = json.loads(lsn("plugins", "show", name, "--format", "json").out)
    table = lsn("plugins", "show", name)
    assert (table.status, table.err) == (0, "")
    assert {(about["kind"], about["name"]) for about in found} == {c for c in COMPONENTS if c[1] == name}
    for about in found:
        assert about["error"] is None
        assert about["summary"] in " ".join(table.out.split())
        for parameter in about["parameters"]:
            assert parameter["description"], f"{about['kind']} {name}: {parameter['name']} has no meaning"
            assert parameter["type"] not in ("", "any")
            assert parameter["name"] in table.out


def test_plugins_show_gives_types_bounds_and_defaults(lsn: Any) -> None:
    (about,) = json.loads(lsn("plugins show sgd --format json").out)
    parameters = {p["name"]: (p["type"], p["default"], p["required"]) for p in about["parameters"]}
    assert parameters["lr"] == ("number > 0", 0.1, False)
    assert parameters["momentum"] == ("number >= 0 < 1", 0.9, False)
    assert parameters["nesterov"] == ("boolean", True, False)


def test_plugins_show_of_an_unknown_name(lsn: Any) -> None:
    result = lsn("plugins show label-smothing")
    assert result.one_message
    assert "did you mean 'label-smoothing'" in result.err


def test_kinds_are_all_listed() -> None:
    assert {kind for kind, _ in COMPONENTS} <= set(KINDS)


def test_recipe_list_names_what_is_shipped(lsn: Any, recipes: Path) -> None:
    rows = {r["name"]: r for r in json.loads(lsn("recipe list --format json").out)}
    assert set(rows) == {path.stem for path in recipes.glob("*.toml")}
    assert rows["table7"]["table"] == 7
    assert rows["quickstart"]["profiles"] == ["paper", "quick", "smoke"]
    assert "quickstart" in lsn("recipe list").out


def test_recipe_copy(lsn: Any, recipes: Path) -> None:
    assert lsn("recipe copy quickstart").err.split() == ["wrote", "quickstart.toml"]
    assert (lsn.folder / "quickstart.toml").read_text() == (recipes / "quickstart.toml").read_text()
    again = lsn("recipe copy quickstart")
    assert again.one_message
    assert "quickstart.toml is already there" in again.err
    assert lsn("recipe copy quickstart mine.toml").status == 0
    assert "did you mean 'quickstart'" in lsn("recipe copy quikstart").err
    nowhere = lsn("recipe copy quickstart no/such/folder.toml")
    assert nowhere.one_message
    assert "No such file or directory" in nowhere.err


@pytest.mark.parametrize("option", ["", "--builtin"])
def test_recipe_schema(lsn: Any, option: str) -> None:
    printed = json.loads(lsn(f"recipe schema {option}").out)
    jsonschema.Draft202012Validator.check_schema(printed)
    validator = jsonschema.Draft202012Validator(printed)
    recipe = tomllib.loads((lsn.folder / "tiny.toml").read_text())
    validator.validate(recipe)
    assert not validator.is_valid({**recipe, "sedes": [0]})


def test_doctor(lsn: Any) -> None:
    result = lsn("doctor --format json")
    checks = {c["check"]: c for c in json.loads(result.out)}
    assert {c["status"] for c in checks.values()} <= {"ok", "note", "bad"}
    assert checks["lsn"]["status"] == checks["backend cpu"]["status"] == checks["database"]["status"] == "ok"
    assert "not there yet" in checks["database"]["detail"]
    assert "digits" in checks["data"]["detail"]
    assert result.status == int(any(c["status"] == "bad" for c in checks.values()))
    assert "backend cpu" in lsn("doctor").out
    assert "results.db" not in lsn.files()


def test_doctor_finds_what_is_bad(lsn: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    (lsn.folder / "junk.db").write_bytes(b"no database" * 100)
    # What a pair of torch and torchvision of two releases does (its message, shortened).
    monkeypatch.setitem(__import__("sys").modules, "torchvision", None)
    known = registry()
    broken = SimpleNamespace(
        name="p", error="ImportError: x", components=[], origin=SimpleNamespace(distribution="d")
    )
    monkeypatch.setattr(known, "plugins", [*known.plugins, broken])
    result = lsn("doctor --db junk.db --format json")
    bad = {c["check"]: c["detail"] for c in json.loads(result.out) if c["status"] == "bad"}
    assert result.status == 1
    assert set(bad) == {"database", "torchvision", "plugin p"}
    assert "install torch and torchvision as a pair" in bad["torchvision"]
    assert "not a database" in bad["database"]


def test_plan(lsn: Any) -> None:
    runs = json.loads(lsn("plan tiny.toml --seeds 3 --format json").out)
    assert len(runs) == 6  # two losses, three seeds
    assert len({r["key"] for r in runs}) == 6
    assert {(r["state"], r["expected_seconds"]) for r in runs} == {("pending", None)}
    assert {r["recipes"][0] for r in runs} == {"Tiny"}
    # Nothing here depends on another run, and paths that equal the default stay out of the spec.
    assert {tuple(r["dependencies"]) for r in runs} == {()}
    table = lsn("plan tiny.toml --seeds 3")
    assert all(r["key"][:10] in table.out for r in runs)
    assert "6 runs, 6 to train" in table.err
    assert lsn.files() == ["tiny.toml"]


def test_plan_of_two_recipes_is_their_union(lsn: Any, write: Any) -> None:
    write('["standard", "label-smoothing"]', '["standard", "forward-correction"]', "other.toml")
    tomllib.loads((lsn.folder / "other.toml").read_text())
    result = lsn("plan tiny.toml other.toml --format json --set loss.alpha=0.1 --only loss.name=standard")
    assert result.one_message  # standard has no alpha: told, not dropped
    runs = json.loads(lsn("plan tiny.toml other.toml --format json --only loss.name=standard").out)
    assert len(runs) == 1


def test_a_selection_is_written_as_its_file_ends(lsn: Any) -> None:
    assert lsn("select choose-alpha --output chosen.csv").status == 0
    written = (lsn.folder / "chosen.csv").read_text(encoding="utf-8")
    assert written == lsn("select choose-alpha --format csv").out


@pytest.mark.parametrize(
    ("command", "advised"),
    [
        ("report tiny.toml", "tiny.toml"),
        ("report --table 7 --profile quick --only label=LS", "table7 --profile quick --only label=LS"),
        ("report tiny.toml --claims --set train.steps=3", "tiny.toml --set train.steps=3"),
        ("report --figure 2", "figure2"),
        ("report --figure 8 --seeds 2", "figure4 --seeds 2"),
        ("report tiny.toml --figure 2", "tiny.toml"),
        ("select choose-alpha", "choose-alpha"),
        ("runs list", "quickstart"),
    ],
)
def test_a_database_that_is_not_there_can_be_made_by_what_is_advised(lsn: Any, command: str, advised: str) -> None:
    result = lsn(*command.split(), "--db", "new ü.db")
    assert result.one_message
    assert f"make one with: lsn run {advised} --db 'new ü.db'" in result.err
