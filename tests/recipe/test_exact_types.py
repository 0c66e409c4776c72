"""A value of another type than its parameter's is refused, and not turned into one of that type."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Any

import pytest
from pydantic import BaseModel, BeforeValidator, Field, field_validator

from lsncli.errors import LsnError
from lsncli.parameters import Params, validate
from lsncli.recipe.loading import Overrides, load
from lsncli.recipe.resolve import resolve


class Everything(Params):
    rate: float = 0.1
    steps: int = Field(1, alias="pace")
    bounded: Annotated[float, Field(gt=0)] | None = None
    flag: bool = False
    either: float | str = 0.0
    sizes: tuple[int, ...] = ()
    pair: tuple[float, bool] = (0.0, False)
    rows: list[list[float]] | None = None
    path: Path = Path()
    fraction: Annotated[float, BeforeValidator(lambda value: float(Fraction(value)))] = 0.5
    word: int = 0

    @field_validator("word", mode="before")
    @classmethod
    def _words(cls, value: object) -> object:
        return {"one": 1}.get(value, value) if isinstance(value, str) else value


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"rate": "0.1"}, "rate: a number is expected (given: '0.1')"),
        ({"rate": True}, "rate: a number is expected (given: True)"),
        ({"pace": "3"}, "pace: a whole number is expected (given: '3')"),
        ({"pace": False}, "pace: a whole number is expected (given: False)"),
        ({"bounded": "1"}, "bounded: a number is expected (given: '1')"),
        ({"flag": 1}, "flag: true or false is expected (given: 1)"),
        ({"flag": "yes"}, "flag: true or false is expected (given: 'yes')"),
        ({"sizes": [1, "2"]}, "sizes: a list of whole numbers is expected (given: [1, '2'])"),
        ({"pair": [1, 1]}, "pair: a list of true and false is expected (given: [1, 1])"),
        ({"rows": [[1], ["2"]]}, "rows: a list of lists of numbers is expected (given: [[1], ['2']])"),
        (
            {"rate": "x", "flag": 0},
            "rate: a number is expected (given: 'x'); flag: true or false is expected (given: 0)",
        ),
    ],
)
def test_another_type_is_refused(given: dict[str, Any], told: str) -> None:
    with pytest.raises(LsnError) as caught:
        validate(Everything, given, where="here", subject="loss 'x'")
    assert caught.value.what == f"loss 'x': {told}"
    assert str(caught.value.valid).startswith("rate = 0.1, pace = 1")


def test_what_toml_writes_as_another_type_is_taken() -> None:
    given = {
        "rate": 1,
        "pace": 2.0,
        "bounded": 3,
        "flag": True,
        "either": "x",
        "sizes": [1, 2],
        "pair": [1, True],
        "rows": [[1, 0.5]],
        "path": "a/b",
        "fraction": "1/4",
        "word": "one",
    }
    found = validate(Everything, given, where="here", subject="loss 'x'")
    assert isinstance(found, Everything)
    assert (found.rate, found.steps, found.sizes, found.path) == (1.0, 2, (1, 2), Path("a/b"))
    assert (found.fraction, found.word, found.either) == (0.25, 1, "x")


def test_models_that_see_their_values_first_judge_them() -> None:
    from pydantic import model_validator

    class Own(BaseModel):
        rate: float = 0.0

        @model_validator(mode="before")
        @classmethod
        def _numbers(cls, values: Any) -> Any:
            return {name: float(value) for name, value in values.items()}

    assert validate(Own, {"rate": "0.5"}, where="here", subject="x") == Own(rate=0.5)


RECIPE = """\
title = "Types"
[data]
name = "digits"
[noise]
name = "symmetric"
rate = 0.2
[model]
name = "mlp"
[train]
steps = 100
"""


@pytest.fixture
def resolving(tmp_path: Path) -> Callable[..., Any]:
    def resolved(old: str, new: str, **overrides: Any) -> Any:
        assert old in RECIPE
        (tmp_path / "r.toml").write_text(RECIPE.replace(old, new))
        return resolve(load(str(tmp_path / "r.toml"), Overrides(**overrides)))

    return resolved


@pytest.mark.parametrize(
    ("old", "new", "told", "line"),
    [
        ("steps = 100", 'steps = "100"', "valid integer", "r.toml:10, key 'train.steps'"),
        ("steps = 100", "steps = true", "valid integer", "r.toml:10, key 'train.steps'"),
        ("[data]", "seeds = [true]\n[data]", "valid integer", "r.toml:2, key 'seeds.0'"),
        ('"digits"', '"digits"\ntrain_size = "50"', "valid integer", "r.toml:4, key 'data.train_size'"),
        ("rate = 0.2", 'rate = "0.2"', "rate: a number is expected", "r.toml:6, key 'noise.rate'"),
    ],
)
def test_a_recipe_means_what_it_says(
    resolving: Callable[..., Any], old: str, new: str, told: str, line: str
) -> None:
    with pytest.raises(LsnError) as caught:
        resolving(old, new)
    assert told in caught.value.what
    assert str(caught.value.where).endswith(line)


def test_so_does_set(resolving: Callable[..., Any]) -> None:
    with pytest.raises(LsnError, match="a number is expected") as caught:
        resolving("", "", settings=(("noise.rate", "0.2"),))
    assert caught.value.where == "--set noise.rate"
