"""The guide for authors, executed: its files written, its commands run, from nothing to the table."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from plugin_workshop import Workshop, install

BIRDS = """\
title = "Birds"
seeds = [0, 1]
data = { name = "digits", validation_size = 200 }
model = { name = "mlp" }
train = { steps = 10 }
"""


@pytest.fixture(scope="module")
def page(request: pytest.FixtureRequest) -> str:
    return (request.config.rootpath / "docs" / "plugins.md").read_text(encoding="utf-8")


def blocks(text: str) -> Iterator[tuple[str, str, str]]:
    """Language, content and the paragraph before, of every fenced block."""
    for match in re.finditer(r"([^\n]*)\n\n```(\w+)\n(.*?)\n```", text, re.DOTALL):
        yield match.group(2), match.group(3), match.group(1)


def section(page: str, title: str) -> str:
    return page.partition(f"## {title}\n")[2].partition("\n## ")[0]


def rows(markdown: str) -> list[list[str]]:
    """The first cells of every row of the Markdown tables, and how many cells there are."""
    lines = [line for line in markdown.splitlines() if line.startswith("|") and "---" not in line]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_the_tutorial(page: str, tmp_path: Path) -> None:
    shell = Workshop(tmp_path)
    folder, shown, asked = tmp_path, "", ""
    files = []
    for language, content, before in blocks(section(page, "From nothing to the table")):
        if language in ("python", "toml"):
            place = re.search(r"`(\w+/[\w.]+)`", before)
            assert place, before
            target = folder / place.group(1)
            # The package has a file of this name already: the author changes it.
            assert target.is_file()
            target.write_text(content + "\n", encoding="utf-8")
            files.append(place.group(1))
            continue
        assert language == "bash"
        for line in content.splitlines():
            command, *words = shlex.split(line)
            if command == "cd":
                folder = folder / words[0]
            elif command == "uv":
                assert words == ["pip", "install", "-e", ".", "pytest"]
                install(folder, shell.site)
            else:
                module = {"lsn": "lsncli", "pytest": "pytest"}[command]
                result = shell.run("-m", module, *words, cwd=folder)
                assert result.returncode == 0, f"{line}\n{result.stdout}{result.stderr}"
                shown, asked = result.stdout, line
    assert files == ["lsn_taylor/loss.py", "lsn_taylor/plugin.py", "tests/test_loss.py", "recipes/taylor.toml"]
    assert asked == "lsn report recipes/taylor.toml --format md"
    # The table on the page is that of this command; its figures may differ on another machine.
    told = rows(section(page, "From nothing to the table"))
    assert len(told) == 5
    assert [row[:2] for row in rows(shown)] == [row[:2] for row in told]
    assert all(re.fullmatch(r"\d+\.\d+ ± \d+\.\d+ \(3\)", cell) for row in rows(shown)[1:] for cell in row[2:4])
    # The battery takes the new loss as it is, and other components and devices; tests/battery trains such.
    matrix = "\n".join(",".join("0.91" if i == j else "0.01" for j in range(10)) for i in range(10))
    (folder / "T.csv").write_text(matrix, encoding="utf-8")
    (folder / "birds.toml").write_text(BIRDS, encoding="utf-8")
    planned = []
    for _, content, _ in blocks(section(page, "The battery")):
        for line in content.splitlines():
            _, *words = shlex.split(line)
            result = shell.run("-m", "lsncli", *words, "--dry-run", cwd=folder)
            assert result.returncode == 0, f"{line}\n{result.stderr}"
            counted = re.search(r"(?m)^(\d+) runs", result.stderr)
            assert counted, result.stderr
            planned.append(int(counted[1]))
    # As the page says, and "about a hundred" in between. Without noise, of two seeds: the loss, cross-entropy,
    # smoothing and the corrections at three α each, and four students.
    assert planned == [185, 111, 2 * (1 + 1 + 3 * 3 + 4), 165, 65, 165, 185]


def test_the_example_of_a_suite_of_ones_own(page: str) -> None:
    ((language, content, _),) = blocks(section(page, "What is checked"))
    assert language == "python"
    made: dict[str, Any] = {}
    exec(compile(content, "conformance.py", "exec"), made)
    suite = made["ElrSuite"]
    # What it is exempt from is a check.
    assert all(hasattr(suite, f"test_{name}") for name in suite.exempt)


def test_every_link_leads_somewhere(page: str, repository: Path) -> None:
    def anchors(text: str) -> set[str]:
        titles = re.findall(r"(?m)^#+ (.*)$", text)
        return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}

    links = re.findall(r"\]\(([^)]+)\)", page)
    assert len(links) >= 6
    for link in links:
        name, _, anchor = link.partition("#")
        text = (repository / "docs" / name).read_text(encoding="utf-8") if name else page
        assert not anchor or anchor in anchors(text), link
