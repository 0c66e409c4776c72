"""Every TOML block on the site and in the README is a recipe, or a part of one, that lsn loads and plans."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from documented import PAGES, Block, blocks

from lsncli.recipe.loading import Overrides, Source, load, parse
from lsncli.recipe.resolve import resolve
from lsncli.recipe.toml_text import read_toml
from lsncli.testing.readme import planned, whole


@pytest.mark.parametrize("block", [b for page in PAGES for b in blocks(page, "toml")], ids=lambda b: f"{b.page}")
def test_it_is_planned(block: Block) -> None:
    recipe = whole(block.text)
    for profile in parse(Source("recipe.toml", recipe, Path()), Overrides()).available_profiles():
        assert len(planned(recipe, Path(), profile)) > 0


def test_shown_parts_do_what_the_page_says() -> None:
    """The distillation makes teachers, the estimate reads another run, and the validation set is in the spec."""
    plans = {}
    for block in blocks("docs/recipes.md", "toml"):
        plan = planned(whole(block.text), Path())
        for section in read_toml(block.text):
            plans[section] = [run.spec for run in plan]
    assert any(spec.teacher is not None for spec in plans["teacher"])
    assert any(spec.transition is not None and spec.transition.run is not None for spec in plans["transition"])
    assert all(spec.data.validation_size == 200 for spec in plans["data"])


def test_the_shipped_recipe_of_the_page_on_own_data() -> None:
    assert load("choose-alpha").recipe.data.validation_size == 200


def test_the_reproduction_page_says_which_data_the_recipes_need(repository: Path) -> None:
    page = (repository / "docs" / "reproduction.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| [^|]+ \| `(\w+)` \| [^|]+ \| ([^|]+) \|$", page, re.MULTILINE)
    assert len(rows) == 9  # Tables 2, 3, 4, 5 and 7; Figures 2, 3, 4 and 6
    for name, needs in rows:
        trained = {spec.data.name for spec in resolve(load(name)).specs()}
        said = {word.replace("-", "").lower() for word in needs.split(", ") if "GPU" not in word}
        assert said == trained, name
