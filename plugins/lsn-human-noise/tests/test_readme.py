"""What the README shows is planned: a page that is out of date is found here."""

from __future__ import annotations

from pathlib import Path

import pytest
from lsncli.testing.readme import planned, recipes_in

README = Path(__file__).parents[1] / "README.md"


@pytest.mark.parametrize("recipe", recipes_in(README))
def test_what_the_readme_shows_is_planned(recipe: str, tmp_path: Path) -> None:
    # The file of labels that is shown: one for each of the digits' training images.
    (tmp_path / "annotators.csv").write_text("\n".join(["0"] * 1000), encoding="utf-8")
    assert len(planned(recipe, tmp_path)) > 0
