"""A clock that tests move by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest


class Clock:
    """A clock that only moves when it is told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[], Any]:
    """The time that the measuring code sees."""
    made = Clock()
    monkeypatch.setattr("lsncli.bench.alternation.time.perf_counter", made)
    return made
