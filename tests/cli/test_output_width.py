"""How wide output is that goes into a pipe."""

from __future__ import annotations

import pytest

from lsncli.cli.output import stdout


@pytest.mark.parametrize(
    ("columns", "width"),
    [(None, 160), ("", 160), ("0", 160), ("-80", 160), ("wide", 160), ("80", 80), ("200", 200)],
)
def test_a_pipe_is_as_wide_as_columns_says_if_it_says_anything(
    monkeypatch: pytest.MonkeyPatch, columns: str | None, width: int
) -> None:
    if columns is None:
        monkeypatch.delenv("COLUMNS", raising=False)
    else:
        monkeypatch.setenv("COLUMNS", columns)
    console = stdout()
    assert not console.is_terminal
    assert console.width == width
