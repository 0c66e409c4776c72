"""What several test folders share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

# Tests must not see the machine's own settings.
for _name in [name for name in os.environ if name.startswith("LSN_")]:
    del os.environ[_name]

REPOSITORY = Path(__file__).resolve().parents[1]


@pytest.fixture
def repository() -> Path:
    """The root of the checkout."""
    return REPOSITORY


@pytest.fixture
def recipes() -> Path:
    """The folder of the shipped recipes."""
    return REPOSITORY / "recipes"
