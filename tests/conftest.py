"""What several test folders share."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import postgresql_server
import pytest

# Tests must not see the machine's own settings, nor the width of its terminal (readline puts it into the
# environment of a parallel run's workers).
for _name in [name for name in os.environ if name.startswith("LSN_") or name in ("COLUMNS", "LINES")]:
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


@pytest.fixture
def slices_alike() -> None:
    """Skips where a batched product computes a slice otherwise in a batch of another size."""
    import torch

    torch.set_num_threads(1)
    generator = torch.Generator().manual_seed(0)
    for rows, inner, columns in ((16, 60, 9), (16, 9, 4), (9, 16, 60), (4, 16, 9)):
        left = torch.randn(7, rows, inner, generator=generator)
        right = torch.randn(7, inner, columns, generator=generator)
        whole = torch.bmm(left, right)
        if not all(torch.equal(whole[:size], torch.bmm(left[:size], right[:size])) for size in range(1, 7)):
            pytest.skip("the batched products of this processor depend on the size of the batch")
