"""What several test folders share."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import postgresql_server
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


@pytest.fixture(scope="session")
def postgresql() -> Iterator[postgresql_server.Server]:
    """A PostgreSQL server, started when the first test asks for it."""
    reason = postgresql_server.missing()
    if reason is not None:
        pytest.skip(reason)
    with postgresql_server.started() as server:
        yield server
