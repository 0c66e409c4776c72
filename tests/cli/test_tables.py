"""Tables for people: nothing is lost however narrow the terminal, and what one copies stays in one piece."""

from __future__ import annotations

import io
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from lsncli.cli import output

COLUMNS = ("key", "what it is", "état")
ROWS = [("0123456789", "cifar10-jpeg.tar.xz and some more words of ordinary length", "✓ done"), ("x", None, 3.5)]


def printed(width: int, rows: list[tuple[Any, ...]], **options: Any) -> list[str]:
    console = Console(file=io.StringIO(), width=width, color_system=None, force_terminal=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(output, "stdout", lambda: console)
        output.print_table(COLUMNS, rows, **options)
    assert isinstance(console.file, io.StringIO)
    return [re.sub(r"\x1b\[[0-9;]*m", "", line) for line in console.file.getvalue().splitlines()]


def letters(lines: list[str]) -> list[str]:
    return sorted("".join(lines).replace("─", "").replace(" ", ""))


@given(width=st.integers(min_value=8, max_value=120))
def test_nothing_is_lost_at_any_width(width: int) -> None:
    lines = printed(width, ROWS)
    assert max(map(cell_len, lines)) <= width
    wanted = [*COLUMNS, *("" if cell is None else str(cell) for row in ROWS for cell in row)]
    assert letters(lines) == letters(wanted)


def test_short_words_stay_whole_where_there_is_room() -> None:
    # 10 for the key, 16 of the longest word, 6 for the state, and two gaps of 2.
    text = "\n".join(printed(36, ROWS))
    assert "0123456789" in text
    assert "ordinary" in text
    assert "done" in text


def test_the_narrow_form_is_used_only_where_the_wide_one_does_not_fit() -> None:
    row = ("0123456789", "a" * 20, "b" * 10)
    narrow = (("short",), [("form",)])
    assert "short" not in "\n".join(printed(44, [row], narrow=narrow))
    assert printed(43, [row], narrow=narrow)[0].strip() == "short"


def test_runs_list_on_a_terminal_of_80_columns_has_whole_keys(lsn: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    import json

    assert lsn("run tiny.toml --profile smoke --executor in-process").status == 0
    keys = [r["key"] for r in json.loads(lsn("runs list --format json").out)]
    monkeypatch.setattr(output, "stdout", lambda: Console(width=80, highlight=False))
    shown = lsn("runs list").out
    assert len(keys) == 2
    assert all(key[:10] in shown for key in keys)
    assert all(len(line) <= 80 for line in shown.splitlines())
    assert "rate=0.2 · mlp hidden=[8] · standard · seed 0" in shown
