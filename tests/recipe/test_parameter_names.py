"""A parameter with an alias has one name in recipe, key, training and listings; a default may be computed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import pydantic
import pytest
from pydantic import BaseModel, ConfigDict, Field

from lsncli import Params
from lsncli.cli.plugins import describe
from lsncli.engine.building import build_component
from lsncli.errors import LsnError
from lsncli.naming import describe_run
from lsncli.parameters import check_defaults, describe_fields, validate
from lsncli.plan import RunSpec
from lsncli.recipe.loading import Overrides, load
from lsncli.recipe.resolve import resolve
from lsncli.registry import Registered, registry
from lsncli.report.claims.dotted import dotted
from lsncli.testing.variants import variants_of

RECIPE = """\
title = "Test"
data = { name = "digits" }
noise = { name = "none" }
model = { name = "mlp" }
loss = { name = "standard" }
train = { steps = 10, batch_size = 32 }
"""


class Aliased(Params):
    lam: float = Field(1.0, alias="lambda", examples=[0.5], description="weight")


class Both(Params):
    model_config = ConfigDict(populate_by_name=True)
    lam: float = Field(1.0, alias="lambda", description="weight")


@pytest.fixture(params=[Aliased, Both])
def model(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> type[BaseModel]:
    found = registry().find("loss", "standard")
    info = replace(found.info, params=request.param, build=lambda params, context: params, label="λ={lam:g}")
    monkeypatch.setitem(registry()._components, ("loss", "standard"), Registered(info, found.plugin))
    chosen: type[BaseModel] = request.param
    return chosen


def spec(tmp_path: Path, **settings: Any) -> RunSpec:
    path = tmp_path / "recipe.toml"
    path.write_text(RECIPE)
    changes = tuple((f"loss.{name}", value) for name, value in settings.items())
    return resolve(load(str(path), Overrides(settings=changes))).specs()[0]


@pytest.mark.usefixtures("model")
def test_what_a_recipe_says_is_what_is_built(tmp_path: Path) -> None:
    wanted = spec(tmp_path, **{"lambda": 2.0})
    assert wanted.loss.params == {"lambda": 2.0}
    assert build_component("loss", wanted.loss, None).lam == 2.0
    assert "standard lambda=2 ·" in describe_run(wanted)
    assert dotted(wanted, registry())["loss.lambda"] == 2.0
    plain = spec(tmp_path)
    assert plain.loss.params == {}
    assert "standard lambda=1 ·" in describe_run(plain)
    assert dotted(plain, registry())["loss.lambda"] == 1.0


def test_where_both_names_are_read_they_are_one_parameter(model: type[BaseModel], tmp_path: Path) -> None:
    if model is Both:
        assert spec(tmp_path, lam=2.0).key == spec(tmp_path, **{"lambda": 2.0}).key
    else:
        with pytest.raises(LsnError, match="lam: extra inputs are not permitted") as caught:
            spec(tmp_path, lam=2.0)
        assert caught.value.valid == "lambda = 1.0"


def test_listings_name_the_alias(model: type[BaseModel]) -> None:
    (parameter,) = describe(registry().find("loss", "standard"))["parameters"]
    assert (parameter["name"], parameter["type"], parameter["default"]) == ("lambda", "number", 1.0)
    assert describe_fields(model) == "lambda = 1.0"
    assert variants_of(Aliased)[0] == [{}, {"lambda": 0.5}]


def test_a_parameter_of_two_names_is_refused() -> None:
    class Torn(Params):
        lam: float = Field(1.0, serialization_alias="weight")

    with pytest.raises(ValueError, match="loss 'torn': lam is read by one name and written by another"):
        check_defaults(Torn, "loss 'torn'")


class Hidden(Params):
    warmup: int = Field(0, exclude=True, description="not shown")


class Nesting(Params):
    inner: tuple[Hidden | None, ...] = ()


@pytest.mark.parametrize("model", [Hidden, Nesting])
def test_a_parameter_that_no_key_would_have_is_refused(model: type[BaseModel]) -> None:
    with pytest.raises(ValueError, match=r"loss 'hiding': warmup is left out where it is written \(exclude\)"):
        check_defaults(model, "loss 'hiding'")


@pytest.mark.skipif(
    tuple(map(int, pydantic.VERSION.split(".")[:2])) < (2, 10), reason="pydantic computes no defaults before 2.10"
)
def test_a_default_may_be_computed_from_the_other_parameters(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Computed(Params):
        needed: float
        double: float = Field(default_factory=lambda given: 2 * given["needed"])

    check_defaults(Computed, "loss 'standard'")
    assert describe_fields(Computed) == "needed (required), double (optional)"
    found = registry().find("loss", "standard")
    info = replace(found.info, params=Computed, build=lambda params, context: params)
    monkeypatch.setitem(registry()._components, ("loss", "standard"), Registered(info, found.plugin))
    told = describe(registry().find("loss", "standard"))["parameters"]
    assert [(p["default"], p["required"], p["computed"]) for p in told] == [
        (None, True, False),
        (None, False, True),
    ]
    wanted = spec(tmp_path, needed=1.5)
    assert build_component("loss", wanted.loss, None).double == 3.0


class Bounded(Params):
    share: float = Field(0.1, ge=0, lt=1)
    rate: Annotated[float, Field(gt=0)] | None = Field(None, alias="pace")
    size: int = Field(8, ge=8, le=512)
    parts: tuple[Annotated[float, Field(gt=0)], ...] = ()
    word: int = Field(0, ge=0, le=2**31 - 1)


@pytest.mark.parametrize(
    ("given", "valid"),
    [
        ({"share": 1.5}, "0 ≤ share < 1"),
        ({"share": -1}, "0 ≤ share < 1"),
        ({"pace": 0}, "pace > 0"),
        ({"size": 4, "share": 1}, "0 ≤ share < 1, 8 ≤ size ≤ 512"),
        ({"word": -1}, "0 ≤ word ≤ 2147483647"),
        ({"size": 4, "share": "x"}, "share = 0.1, pace (optional), size = 8, parts = [], word = 0"),
        ({"parts": [0]}, "share = 0.1, pace (optional), size = 8, parts = [], word = 0"),
    ],
)
def test_what_is_out_of_its_range_is_told_the_range(given: dict[str, Any], valid: str) -> None:
    with pytest.raises(LsnError) as caught:
        validate(Bounded, given, where="here", subject="loss 'x'")
    assert caught.value.valid == valid
