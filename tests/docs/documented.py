"""What the pages say one should type: fenced blocks, and the commands in them."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from typer.main import get_command
from typer.testing import CliRunner

from lsncli.cli.main import build_app

REPOSITORY = Path(__file__).resolve().parents[2]

#: The README and every page of the site. The plugin guide is executed, in an environment of its own, by
#: tests/scaffold/test_tutorial.py.
ELSEWHERE = {"docs/plugins.md"}
PAGES = sorted(
    {str(p.relative_to(REPOSITORY)) for p in (REPOSITORY / "docs").glob("*.md")} - ELSEWHERE | {"README.md"}
)


@dataclass(frozen=True)
class Block:
    """A fenced block; ``title`` is the name of the file that it shows."""

    page: str
    language: str
    title: str | None
    text: str


def blocks(page: str, *languages: str) -> list[Block]:
    """The fenced blocks of a page in these languages, or in any."""
    text = (REPOSITORY / page).read_text(encoding="utf-8")
    found = re.finditer(r'^```(\w*)(?: title="([^"]+)")?[^\n]*\n(.*?)\n```$', text, re.DOTALL | re.MULTILINE)
    every = [Block(page, match[1], match[2], match[3]) for match in found]
    return [block for block in every if not languages or block.language in languages]


def commands(block: Block) -> Iterator[str]:
    """The commands of a shell block, one by one, without comments and prompts."""
    for line in block.text.replace("\\\n", " ").splitlines():
        if block.language == "console" and not line.startswith("$ "):
            continue
        words = shlex.split(line.removeprefix("$ "), comments=True)
        for part in " ".join(map(shlex.quote, words)).split(" '&&' "):
            if part:
                yield part.removeprefix("uv run ") if part.startswith("uv run lsn ") else part


def lsn(words: Sequence[str]) -> tuple[int, str]:
    """Call ``lsn`` in this process: its exit status and all that it says."""
    result = CliRunner().invoke(build_app(), list(words))
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.output


def parse(words: Sequence[str]) -> None:
    """Let the real parser read the words of a command, and run nothing; raises where one of them is wrong."""
    command: Any = get_command(build_app())
    rest = list(words)
    while getattr(command, "commands", None):
        command = command.commands[rest.pop(0)]
    command.make_context(command.name, rest)
