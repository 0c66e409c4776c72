"""The one page in a real browser: quiet, offline, sortable, and fit for a phone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest


@contextmanager
def opened(browser: Any, page: Path, width: int = 1200, **options: Any) -> Iterator[Any]:
    """The page in a window; what it says to the console and asks of the network is an error."""
    context = browser.new_context(viewport={"width": width, "height": 800}, **options)
    view = context.new_page()
    said: list[str] = []
    asked: list[str] = []
    view.on("console", lambda message: said.append(message.text))
    view.on("pageerror", lambda error: said.append(str(error)))
    view.on("request", lambda request: asked.append(request.url))
    view.goto(page.as_uri())
    yield view
    assert said == []
    assert [address for address in asked if not address.startswith("data:")] == [page.as_uri()]
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 360, 1200])
def test_it_is_as_wide_as_the_window(chromium: Any, page: Path, width: int, scheme: str) -> None:
    with opened(chromium, page, width, color_scheme=scheme) as view:
        assert view.evaluate("document.documentElement.scrollWidth") <= width
        assert view.title().startswith("Does label smoothing")  # no name was obeyed
        back = view.evaluate("getComputedStyle(document.body).backgroundColor")
        assert (sum(map(int, back[4:-1].split(","))) > 380) == (scheme == "light")


def test_heads_sort_by_keyboard(chromium: Any, page: Path) -> None:
    with opened(chromium, page) as view:
        table = view.locator("#table6 table")
        column = [head.split()[0] for head in table.locator("thead th").all_inner_texts()].index("parameters")

        def shown() -> list[int]:
            cells = table.locator(f"tbody tr > :nth-child({column + 1})").all_inner_texts()
            return [int(cell.replace(",", "")) for cell in cells]

        written = shown()
        head = table.locator("thead th").nth(column)
        assert head.get_attribute("aria-sort") == "none"
        for state, expected in (
            ("ascending", sorted(written)),
            ("descending", sorted(written, reverse=True)),
            ("none", written),
        ):
            head.locator("button").press("Enter")
            assert head.get_attribute("aria-sort") == state
            assert shown() == expected


@pytest.mark.parametrize("script", [True, False])
def test_a_cell_opens_its_runs(chromium: Any, page: Path, script: bool) -> None:
    with opened(chromium, page, 360, java_script_enabled=script) as view:
        assert view.locator(".panel:visible").count() == 0
        button = view.locator("main td.complete button.runs").first
        button.click()
        panel = view.locator(".panel:visible")
        assert panel.count() == 1
        assert panel.get_attribute("id") == button.get_attribute("popovertarget")
        assert "seed 0" in panel.inner_text()
        assert "lsn runs show " in panel.inner_text()
        box = panel.bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 360
        view.keyboard.press("Escape")
        assert view.locator(".panel:visible").count() == 0


def test_it_prints(chromium: Any, page: Path) -> None:
    with opened(chromium, page, color_scheme="dark") as view:
        view.emulate_media(media="print")
        assert view.evaluate("getComputedStyle(document.body).color") == "rgb(0, 0, 0)"
        assert not view.locator("nav").is_visible()
        assert view.pdf(format="A4").startswith(b"%PDF")
