"""The quick profile of the recipes on CIFAR is at 16 x 16 pixels, and touches no run but its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lsncli.plan import Plan, RunSpec
from lsncli.recipe.loading import Overrides, load, training_recipes
from lsncli.recipe.resolve import resolve

RECIPES = ("table3", "table4", "table5", "table7", "figure2", "figure3", "figure4", "figure6")
STAND_INS = {"cifar10": "ten-16", "cifar100": "hundred-16"}


def runs(recipe: str, profile: str, data: dict[str, str] | None = None) -> Iterator[RunSpec]:
    """Every run, those that others depend on included."""
    overrides = Overrides(profile=profile, data=data, shared=True)
    return (run.spec for run in Plan.of(resolve(load(recipe, overrides)).specs()))


def test_these_are_the_recipes_on_cifar() -> None:
    on_cifar = [name for name in training_recipes() if load(name).recipe.data.name.startswith("cifar")]
    assert sorted(on_cifar) == sorted(RECIPES)


@pytest.mark.parametrize("recipe", RECIPES)
def test_only_quick_runs_are_at_16_pixels(recipe: str) -> None:
    quick = list(runs(recipe, "quick"))
    assert {(spec.data.params.get("size"), spec.data.train_size) for spec in quick} == {(16, 5000)}
    for profile in ("paper", "smoke"):
        assert all(not spec.data.params for spec in runs(recipe, profile))


@pytest.mark.parametrize("recipe", RECIPES)
def test_what_stands_in_has_the_size_of_its_own_images(recipe: str) -> None:
    specs = list(runs(recipe, "quick", STAND_INS))
    assert {spec.data.name for spec in specs} <= set(STAND_INS.values())
    assert all(not spec.data.params for spec in specs)


@pytest.mark.parametrize(
    ("profile", "data", "first", "last"),
    [
        ("paper", None, "715366ca8583233a32ec", "cbbcba5f4c776ec6b955"),
        ("smoke", None, "95d43c1ded8dbea743b8", "715db0dfceeb86f9589f"),
        (
            "quick",
            {"cifar10": "cifar10-jpeg-16", "cifar100": "tinyimagenet100-16"},
            "c8179a1eae4b39adee4c",
            "c15e88e9e084078e9f29",
        ),
    ],
)
def test_runs_without_a_size_keep_their_keys(
    profile: str, data: dict[str, str] | None, first: str, last: str
) -> None:
    """The keys of Table 7 from before there was a size; the last run reads another one."""
    specs = resolve(load("table7", Overrides(profile=profile, data=data))).specs()
    assert (specs[0].key, specs[-1].key) == (first, last)


def test_a_size_that_is_the_default_leaves_the_spec() -> None:
    said = resolve(load("table3", Overrides(settings=(("data.size", 32),)))).specs()
    assert [s.key for s in said] == [s.key for s in resolve(load("table3")).specs()]
