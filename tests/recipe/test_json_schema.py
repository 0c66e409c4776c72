"""The JSON Schema of recipes."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import tomli

from lsncli.recipe.json_schema import recipe_schema
from lsncli.registry import Registry


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    components = Registry()
    components.load([])
    return recipe_schema(components)


def test_the_shipped_schema_is_fresh(schema: dict[str, Any], repository: Path) -> None:
    shipped = json.loads((repository / "docs" / "recipe.schema.json").read_text())
    assert shipped == json.loads(json.dumps(schema)), "run: lsn recipe schema --builtin > docs/recipe.schema.json"


def test_it_is_a_schema(schema: dict[str, Any]) -> None:
    jsonschema.Draft202012Validator.check_schema(schema)


def test_shipped_recipes_fit(schema: dict[str, Any], recipes: Path) -> None:
    for path in sorted(recipes.glob("*.toml")):
        jsonschema.validate(tomli.loads(path.read_text()), schema)


@pytest.mark.parametrize(
    ("section", "value"),
    [
        ("loss", {"name": "label-smoothing", "alfa": 0.1}),
        ("loss", {"name": "label-smoothing", "alpha": 1.5}),
        ("loss", {"name": "no-such-loss"}),
        ("train", {"steps": 0}),
        ("train", {"steps": 5, "stepz": 5}),
        ("noise", {"name": "symmetric", "rate": "high"}),
        ("transition", {"estimator": {"name": "anchor", "percentil": 97.0}}),
        ("transition", {"estimator": {"name": "anchor", "percentile": 101.0}}),
        ("transition", {"estimator": {"name": "no-such-estimator"}}),
        ("sweep", {"loss.alpha": 0.1}),
        ("sweep", {"loss.alpha": []}),
        ("sweep", {"case": {"label": "one table, not a list of them"}}),
        ("sweep", {"case": [{"at": {"loss.alpha": [0.0]}}]}),
        ("sweep", {"case": [{"sweep": {"loss.alpha": 0.1}}]}),
    ],
)
def test_mistakes_do_not_fit(schema: dict[str, Any], recipes: Path, section: str, value: object) -> None:
    recipe = copy.deepcopy(tomli.loads((recipes / "quickstart.toml").read_text()))
    recipe[section] = value
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(recipe, schema)


@pytest.mark.parametrize(
    ("section", "value"),
    [
        ("transition", {"estimator": {"name": "anchor", "percentile": 97.0, "identity_weight": 0.1}}),
        ("transition", {"estimator": {"argmax": True}}),  # of the default estimator
        (
            "sweep",
            {
                "loss.alpha": [0.1],
                "case": [{"label": "LS", "at": {"loss.alpha": 0.0}, "sweep": {"noise.rate": [1]}}],
            },
        ),
        ("sweep", {"case": [{"loss": {"name": "standard"}, "teacher.loss": {"name": "standard"}}]}),
    ],
)
def test_what_is_right_fits(schema: dict[str, Any], recipes: Path, section: str, value: object) -> None:
    recipe = copy.deepcopy(tomli.loads((recipes / "quickstart.toml").read_text()))
    recipe[section] = value
    jsonschema.validate(recipe, schema)


def test_every_kind_that_a_recipe_names_has_its_parameters(schema: dict[str, Any]) -> None:
    """Each registered component is a branch of the section that can name it."""
    components = Registry()
    components.load([])
    told = {branch["title"] for part in schema["$defs"].values() for branch in part.get("anyOf", ())}
    kinds = ("data set", "noise model", "architecture", "loss", "optimizer", "schedule", "estimator")
    assert {name for kind in kinds for name in components.names(kind)} <= told
