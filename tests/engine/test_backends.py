"""Devices and precisions: what is chosen, and what is said where it cannot be."""

from __future__ import annotations

import os
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from lsncli.backends import selection
from lsncli.backends.cpu import CpuBackend, processor_name
from lsncli.backends.cuda import CudaBackend
from lsncli.backends.selection import select_backend, select_precision
from lsncli.components import BackendInfo
from lsncli.errors import LsnError, UnknownNameError
from lsncli.registry import Origin, Plugin, Registry


@pytest.fixture
def no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")


@pytest.mark.usefixtures("no_gpu")
def test_without_a_gpu_the_processor_is_the_default() -> None:
    backend, device = select_backend()
    assert (backend.name, device) == ("cpu", "cpu")
    assert select_precision(backend, None) == "fp32"
    assert select_precision(backend, "bf16") == "bf16"


@pytest.mark.usefixtures("no_gpu")
@pytest.mark.parametrize("device", ["cuda", "cuda:0", "cuda:7"])
def test_a_gpu_that_is_not_there(device: str) -> None:
    with pytest.raises(
        LsnError, match=f"device '{device}' cannot be used: CUDA_VISIBLE_DEVICES is empty"
    ) as caught:
        select_backend(device)
    assert caught.value.where == "--device"
    assert caught.value.next is not None


@pytest.mark.parametrize(
    ("device", "what"), [("gpu", "unknown backend 'gpu'"), ("cpu:3", "unknown device 'cpu:3'")]
)
def test_unknown_devices(device: str, what: str) -> None:
    with pytest.raises(UnknownNameError) as caught:
        select_backend(device)
    assert caught.value.what == what
    assert caught.value.valid is not None
    assert "cpu" in caught.value.valid


class FailingBackend(CpuBackend):
    """Of another's plugin, before every other, and with a fault: at ``at`` it raises ``error``."""

    def __init__(self, at: str, error: BaseException) -> None:
        self.at, self.error = at, error

    def unavailable(self) -> str | None:
        if self.at == "unavailable":
            raise self.error
        return None

    def devices(self) -> list[str]:
        if self.at == "devices":
            raise self.error
        return []


def with_failing(at: str, error: BaseException) -> Registry:
    def build(params: None, context: None) -> FailingBackend:
        if at == "build":
            raise error
        return FailingBackend(at, error)

    components = Registry()
    components.load([])
    info = BackendInfo(name="odd", build=build, priority=1000)
    components._add(info, Plugin("odd", Origin("odd-dist", "2.0")))
    return components


FAULTS = [
    ("build", RuntimeError("no\ndriver"), "RuntimeError: no driver"),
    ("unavailable", OSError("libodd.so"), "OSError: libodd.so"),
    ("devices", SystemExit(3), "SystemExit: 3"),
    ("", ValueError(), "ValueError: it is available and lists no device"),
]


@pytest.mark.usefixtures("no_gpu")
@pytest.mark.parametrize(("at", "error", "told"), FAULTS)
def test_a_backend_that_fails_is_passed_over(
    at: str, error: BaseException, told: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(selection, "_warned", set())
    components = with_failing(at, error)
    for _ in range(2):
        backend, device = select_backend(None, components)
        assert (backend.name, device) == ("cpu", "cpu")
    (line,) = capsys.readouterr().err.splitlines()
    assert line == (f"warning: passed over: backend 'odd' of odd-dist 2.0 failed: {told} (lsn doctor shows more)")


@pytest.mark.parametrize(("at", "error", "told"), FAULTS)
def test_a_backend_that_fails_and_is_asked_for_is_one_message(at: str, error: BaseException, told: str) -> None:
    with pytest.raises(LsnError) as caught:
        select_backend("odd:0", with_failing(at, error))
    assert caught.value.what == f"device 'odd:0' cannot be used: backend 'odd' of odd-dist 2.0 failed: {told}"
    assert caught.value.where == "--device"


def test_unknown_precision() -> None:
    with pytest.raises(UnknownNameError) as caught:
        select_precision(CpuBackend(), "fp16")
    assert caught.value.valid == "bf16, fp32"


def test_cpu_autocast() -> None:
    backend, layer = CpuBackend(), nn.Linear(3, 2)
    for precision, dtype in (("fp32", torch.float32), ("bf16", torch.bfloat16)):
        with backend.autocast(precision):
            assert layer(torch.zeros(1, 3)).dtype == dtype


def test_cpu_place_is_channels_last() -> None:
    module = CpuBackend().place(nn.Conv2d(3, 4, 3), torch.device("cpu"))
    assert module.weight.is_contiguous(memory_format=torch.channels_last)


def test_cpu_describes_itself() -> None:
    told = CpuBackend().describe("cpu")
    assert told["device"] == processor_name() != ""
    assert told["cores"] == os.cpu_count()


@pytest.mark.parametrize(("device", "index"), [("cuda", 0), ("cuda:0", 0), ("cuda:3", 3)])
def test_cuda_says_which_of_several_gpus(device: str, index: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Equal ones have one name."""
    asked: list[torch.device] = []

    def properties(chosen: torch.device) -> SimpleNamespace:
        asked.append(chosen)
        return SimpleNamespace(name="GPU", major=9, minor=0, total_memory=1)

    monkeypatch.setattr(torch.cuda, "get_device_properties", properties)
    told = CudaBackend().describe(device)
    assert (told["device"], told["device_index"]) == ("GPU", index)
    assert asked == [torch.device(f"cuda:{index}")]


def test_release_without_prepare_changes_nothing() -> None:
    before = torch.get_num_threads()
    for backend in (CpuBackend(), CudaBackend()):
        backend.release()
    assert torch.get_num_threads() == before
