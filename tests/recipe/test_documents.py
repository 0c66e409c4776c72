"""Collections of recipes and computed figures."""

from __future__ import annotations

from pathlib import Path

import pytest

from lsncli.errors import LsnError
from lsncli.recipe.documents import Collection, Computation, document_of, gather
from lsncli.recipe.loading import load, read_source


def test_the_paper_is_a_collection() -> None:
    found = gather(["paper"])
    names = {Path(name).stem for name in found.recipes}
    assert names == {"table3", "table4", "table5", "table7", "figure2", "figure3", "figure4", "figure6"}
    assert [c.document.figure for c in found.computations] == [1, 5]


def test_names_are_followed_once_and_beside_the_file(tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text((Path(__file__).parents[2] / "recipes" / "quickstart.toml").read_text())
    (tmp_path / "all.toml").write_text('title = "All"\ninclude = ["own.toml", "quickstart", "quickstart"]\n')
    assert gather([str(tmp_path / "all.toml"), "quickstart"]).recipes == [str(tmp_path / "own.toml"), "quickstart"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('title = "x"\ninclude = []\n', "include"),
        ('title = "x"\ninclude = ["table7"]\ninklude = 1\n', "inklude"),
        ('include = ["table7"]\n', "title"),
        ('title = "x"\nfigure = 1\ncomputation = 3\n', "computation"),
        ('title = "x"\ninclude = ["no-such-recipe"]\n', "unknown recipe 'no-such-recipe'"),
        ('title = "x"\ninclude = ["x.toml"]\n', "includes itself"),
    ],
)
def test_mistakes(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "x.toml").write_text(text)
    with pytest.raises(LsnError, match=message):
        gather([str(tmp_path / "x.toml")])


def test_documents_are_no_recipes() -> None:
    assert isinstance(document_of(read_source("paper")), Collection)
    assert isinstance(document_of(read_source("figure5")), Computation)
    assert document_of(read_source("table7")) is None
    with pytest.raises(LsnError, match="collection of recipes"):
        load("paper")
    with pytest.raises(LsnError, match="lsn report --figure 5"):
        load("figure5")


def test_a_profile_may_change_a_computation() -> None:
    document = Computation(
        title="x", figure=1, computation={"alpha": 0.1}, profiles={"smoke": {"computation": {"alpha": 0.5}}}
    )
    assert document.parameters(None) == {"alpha": 0.1}
    assert document.parameters("smoke") == {"alpha": 0.5}
