"""The hostile recipe and database in a folder of their own."""

from __future__ import annotations

from pathlib import Path

import pytest
from hostile_samples import NAMES, Place, fill, recipe_of

from lsncli.batch import plan_of, resolve_recipes
from lsncli.recipe.loading import Overrides
from lsncli.store import Store


@pytest.fixture
def hostile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LSN_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("COLUMNS", "160")
    (tmp_path / "evil.toml").write_text(recipe_of(NAMES), encoding="utf-8")
    (resolved,) = resolve_recipes(["evil.toml"], Overrides(), tmp_path)
    with Store.open("results.db") as store, store.transaction():
        fill(store, plan_of([resolved]), NAMES)
    return Place(tmp_path)
