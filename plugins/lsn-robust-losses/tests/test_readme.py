"""What the README shows is planned: a page that is out of date is found here."""

from __future__ import annotations

from pathlib import Path

import pytest
from lsncli.testing.readme import planned, recipes_in

README = Path(__file__).parents[1] / "README.md"


@pytest.mark.parametrize("recipe", recipes_in(README))
def test_what_the_readme_shows_is_planned(recipe: str, tmp_path: Path) -> None:
    assert len(planned(recipe, tmp_path)) > 0
