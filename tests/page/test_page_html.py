"""The one page as an HTML parser reads it: whole, accessible, and with nothing to fetch or to obey."""

from __future__ import annotations

import base64
import hashlib
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from html.parser import HTMLParser
from pathlib import Path

import pytest

VOID = {"meta", "link", "img", "br"}


class Reader(HTMLParser):
    """Every tag with its attributes, and the text of style and script."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.open: list[str] = []
        self.raw: dict[str, str] = {}
        self.feed(page)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] in ("style", "script"):
            self.raw[self.open[-1]] = self.raw.get(self.open[-1], "") + data

    def all(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.tags if name == tag]

    def values(self, attribute: str) -> list[str]:
        return [attributes[attribute] for _, attributes in self.tags if attribute in attributes]


@pytest.fixture(scope="module")
def read(page: Path) -> Reader:
    return Reader(page.read_text(encoding="utf-8"))


def test_names_are_text(read: Reader, page: Path) -> None:
    assert len(read.all("script")) == 1
    assert len(read.all("img")) == 1  # the figure
    assert not [name for _, attributes in read.tags for name in attributes if name.startswith("on")]
    assert "&lt;script&gt;" in page.read_text(encoding="utf-8")
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e]", page.read_text(encoding="utf-8"))


def test_nothing_is_fetched(read: Reader) -> None:
    assert all(address.startswith("data:") for address in read.values("src"))
    assert all(address.startswith(("#", "data:")) for address in read.values("href"))
    assert "url(" not in read.raw["style"]
    assert "@import" not in read.raw["style"]


def test_the_policy_allows_this_script_and_style_alone(read: Reader) -> None:
    (policy,) = [m["content"] for m in read.all("meta") if m.get("http-equiv") == "Content-Security-Policy"]
    rules = dict(rule.split(" ", 1) for rule in policy.split("; "))
    assert rules["default-src"] == "'none'"
    assert rules["img-src"] == "data:"
    for part in ("style", "script"):
        digest = base64.b64encode(hashlib.sha256(read.raw[part].encode()).digest()).decode()
        assert rules[f"{part}-src"] == f"'sha256-{digest}'"


def test_links_and_buttons_lead_somewhere_once(read: Reader) -> None:
    ids = read.values("id")
    assert len(ids) == len(set(ids))
    targets = [a["href"][1:] for a in read.all("a")] + read.values("popovertarget")
    targets += read.values("aria-labelledby")
    assert set(targets) <= set(ids)
    assert len([target for target in targets if target.startswith("run-")]) > 10


def test_semantics(read: Reader) -> None:
    assert read.all("html") == [{"lang": "en"}]
    for tag in ("title", "h1", "main", "nav"):
        assert len(read.all(tag)) == 1
    assert len(read.all("caption")) == len(read.all("table")) > 4
    assert {head["scope"] for head in read.all("th")} == {"col", "row"}
    assert all(image["alt"] for image in read.all("img"))
    assert any(a.get("class") == "skip" for a in read.all("a"))


def test_figures_are_pictures_for_light_and_dark(read: Reader) -> None:
    (image,) = read.all("img")
    kind, _, content = image["src"].partition(",")
    assert kind == "data:image/svg+xml;base64"
    drawing = base64.b64decode(content).decode()
    assert "prefers-color-scheme:dark" in drawing
    # What is left in colours of its own is neither ink nor paper.
    assert not re.search("(?<=: )#(000000|ffffff)", drawing, re.IGNORECASE)
    tags = {element.tag.rpartition("}")[2] for element in ET.fromstring(drawing).iter()}
    assert not tags & {"script", "foreignObject", "a", "image", "metadata"}


def test_an_empty_database_says_what_is_missing(tmp_path: Path) -> None:
    program = "from lsncli.cli.main import main; main()"
    words = [sys.executable, "-c", program, "report", "--all", "--format", "html", "--output", "out"]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert [file.name for file in (tmp_path / "out").iterdir()] == ["index.html"]
    page = (tmp_path / "out" / "index.html").read_text(encoding="utf-8")
    read = Reader(page)
    ids = set(read.values("id"))
    assert {f"table{n}" for n in range(1, 8)} | {f"figure{n}" for n in range(1, 10)} <= ids
    assert {"claims", "theory", "provenance", "runs"} <= ids
    assert len(read.all("img")) == 9
    assert '<span class="ours">missing</span> <span class="count">(0/5)</span>' in page
    for number in (2, 3, 4, 5, 7):
        assert f"<code>lsn run table{number}</code>" in page
    assert "report --all --format html --output out" in page
