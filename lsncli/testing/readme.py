"""The TOML blocks of a README as recipes, so that what a package shows is tried in its tests.

::

    @pytest.mark.parametrize("recipe", recipes_in(README))
    def test_what_the_readme_shows_is_planned(recipe: str, tmp_path: Path) -> None:
        assert len(planned(recipe, tmp_path))
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lsncli.plan import Plan

#: What a block leaves out that shows a part of a recipe.
_REST: dict[str, Any] = {
    "title": "the rest of it",
    "data": {"name": "digits"},
    "noise": {"name": "symmetric", "rate": 0.2},
    "model": {"name": "mlp"},
    "train": {"steps": 10},
}
_BLOCK = re.compile(r"^```toml[^\n]*\n(.*?)\n```$", re.DOTALL | re.MULTILINE)


def recipes_in(page: Path) -> list[str]:
    """The TOML blocks of a Markdown page, each a whole recipe.

    A block without a ``title`` is a part of one: the rest is the digits, symmetric noise and an mlp.
    """
    return [whole(block) for block in _BLOCK.findall(page.read_text(encoding="utf-8"))]


def whole(block: str) -> str:
    """A part of a recipe with what it leaves out; a whole one as it is."""
    from lsncli.recipe.loading import merge
    from lsncli.recipe.toml_text import read_toml
    from lsncli.toml_text import toml_text

    shown = read_toml(block)
    if "title" in shown:
        return block
    return "\n".join(f"{key} = {toml_text(value)}" for key, value in merge(_REST, shown).items())


def planned(recipe: str, folder: Path, profile: str | None = None) -> Plan:
    """The plan of a recipe that is in ``folder``; raises :class:`lsncli.LsnError` for one that is wrong.

    A data set that is not known here counts as one of ten classes.
    """
    from lsncli.batch import plan_of
    from lsncli.recipe.loading import Overrides, Source, parse
    from lsncli.recipe.resolve import resolve

    loaded = parse(Source("recipe.toml", recipe, folder), Overrides(profile=profile))
    return plan_of([resolve(loaded, classes=lambda name: (10, ()))])
