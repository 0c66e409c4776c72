"""What ``prepare`` changes for everything else in the process is put back; told by a stand-in for torch_xla."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from types import ModuleType

import pytest
import torch

from lsn_xla.backend import XlaBackend


@pytest.fixture
def threads(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """A number of threads that is not the one asked for; and modules that answer as torch_xla does."""
    package, backends = ModuleType("torch_xla"), ModuleType("torch_xla.backends")
    vars(package).update(device=lambda index: torch.device("meta", index))
    vars(backends).update(get_mat_mul_precision=lambda: "highest", set_mat_mul_precision=lambda precision: None)
    monkeypatch.setitem(sys.modules, "torch_xla", package)
    monkeypatch.setitem(sys.modules, "torch_xla.backends", backends)
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    yield 3
    torch.set_num_threads(before)


def test_the_threads_of_before_are_back(threads: int) -> None:
    backend = XlaBackend()
    backend.release()
    assert torch.get_num_threads() == threads
    for _ in range(2):
        backend.prepare("xla:0", threads=1)
        assert torch.get_num_threads() == 1
        # Prepared again, as after a run that failed before its end.
        backend.prepare("xla:0", threads=2)
        assert torch.get_num_threads() == 2
        backend.release()
        assert torch.get_num_threads() == threads
    torch.set_num_threads(2)
    backend.release()
    assert torch.get_num_threads() == 2
