"""The whole page made from a hostile recipe and its database, and a browser where there is one."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

sys.path.append(str(Path(__file__).parents[1] / "security"))

from hostile_samples import NAMES, fill, recipe_of

from lsncli.batch import plan_of, resolve_recipes
from lsncli.cli.computed_tables import computed_listing
from lsncli.recipe.loading import Overrides, load
from lsncli.report.build import build_report
from lsncli.report.claims.evaluate import claims_of_recipe
from lsncli.report.figures.build import build_figure
from lsncli.report.page.document import Contents, render_page
from lsncli.report.page.provenance import Origin
from lsncli.report.page.runs import RunBook
from lsncli.store import Store

EVIL = "<script>document.title = 'obeyed'</script>\"><img src=http://example.org/x onerror=alert(1)>"


@pytest.fixture(scope="session")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page's file; beside it are ``evil.toml`` and ``results.db``, from which it was made."""
    folder = tmp_path_factory.mktemp("page")
    (folder / "evil.toml").write_text(recipe_of(NAMES), encoding="utf-8")
    (resolved,) = resolve_recipes([str(folder / "evil.toml")], Overrides(), folder)
    with Store.open(folder / "results.db") as store, store.transaction():
        fill(store, plan_of([resolved]), NAMES)
    loaded = load(str(folder / "evil.toml"), Overrides())
    with Store.open(folder / "results.db", read_only=True) as store:
        table = build_report(loaded, store)
        contents = Contents(
            tables=[computed_listing(6, []), table],
            figures=[build_figure(2, store, Overrides(), recipe=str(folder / "evil.toml"))],
            claims=claims_of_recipe(loaded, store),
            checks=[(EVIL, EVIL, "0.1", "≤ 1", True)],
            origin=Origin(datetime(2026, 1, 2, tzinfo=UTC), EVIL, "0", EVIL, EVIL, EVIL, {"done": 1}, {EVIL: EVIL}),
            notes=[EVIL],
        )
        file = folder / "index.html"
        file.write_text(render_page(contents, RunBook(store, ["--db", EVIL])), encoding="utf-8")
    return file


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """A headless Chromium; skips where none is installed."""
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        pytest.skip("no Chromium is installed (Debian: apt-get install chromium)")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        browser.close()
