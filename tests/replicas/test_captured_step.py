"""The captured step without a GPU: a device of paper tells what is done and what is only recorded."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
import torch

from lsncli.backends.cuda import CudaBackend
from lsncli.backends.cuda_graph import WARM_UP, CapturedStep


class Device:
    """Counts the work that is done; while a graph is captured, work is noted in it instead."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.captures: list[list[str]] = []
        self.capturing: list[str] | None = None
        self.streams = ["default"]

    def work(self, what: str) -> None:
        (self.done if self.capturing is None else self.capturing).append(f"{what} on {self.streams[-1]}")


@pytest.fixture
def device(monkeypatch: pytest.MonkeyPatch) -> Device:
    paper = Device()
    made = 0

    class Stream:
        def __init__(self) -> None:
            nonlocal made
            made += 1
            self.name = f"stream {made}"

        def wait_stream(self, other: Stream) -> None:
            paper.work(f"{self.name} waits for {other.name}")

        def record_event(self) -> Stream:
            return self

        def wait_event(self, event: Stream) -> None:
            paper.work(f"{self.name} waits for {event.name}")

    class Current(Stream):
        def __init__(self) -> None:
            self.name = paper.streams[-1]

    class Graph:
        def __init__(self) -> None:
            self.work: list[str] = []

        def replay(self) -> None:
            paper.done.extend(self.work)

    @contextmanager
    def stream(chosen: Stream) -> Iterator[None]:
        paper.streams.append(chosen.name)
        try:
            yield
        finally:
            paper.streams.pop()

    @contextmanager
    def graph(captured: Graph, stream: Stream, capture_error_mode: str) -> Iterator[None]:
        assert capture_error_mode == "thread_local"
        paper.capturing = captured.work
        paper.streams.append(stream.name)
        try:
            yield
        finally:
            paper.captures.append(captured.work)
            paper.capturing = None
            paper.streams.pop()

    monkeypatch.setattr(torch.cuda, "Stream", Stream)
    monkeypatch.setattr(torch.cuda, "CUDAGraph", Graph)
    monkeypatch.setattr(torch.cuda, "graph", graph)
    monkeypatch.setattr(torch.cuda, "stream", stream)
    monkeypatch.setattr(torch.cuda, "current_stream", Current)
    monkeypatch.setattr(torch.cuda, "synchronize", lambda: None)
    monkeypatch.setattr(torch.cuda, "set_stream", lambda chosen: paper.work(f"back on {chosen.name}"))
    return paper


def test_every_call_is_one_step(device: Device) -> None:
    """Eager ones, the one after which the record is made, and repeated ones; recording takes none."""
    step = CapturedStep(lambda: device.work("step"), torch.cuda.Stream())
    for calls in range(1, WARM_UP + 6):
        step()
        assert [line for line in device.done if line.startswith("step")] == ["step on stream 1"] * calls
        assert len(device.captures) == (1 if calls > WARM_UP else 0)
    assert device.captures == [["step on stream 1"]]


def test_eager_steps_come_after_what_was_asked_before_and_before_what_comes(device: Device) -> None:
    CapturedStep(lambda: device.work("step"), torch.cuda.Stream())()
    assert device.done == [
        "stream 1 waits for default on default",
        "step on stream 1",
        "default waits for stream 1 on default",
    ]


@pytest.mark.parametrize("how", ["in the step", "at the end"])
def test_a_step_that_cannot_be_captured_is_taken_as_it_is(
    how: str, device: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    def work() -> None:
        if how == "in the step" and device.capturing is not None:
            raise RuntimeError("operation not permitted\nwhen stream is capturing")
        device.work("step")

    if how == "at the end":
        original = torch.cuda.graph

        @contextmanager
        def graph(*arguments: object, **named: object) -> Iterator[None]:
            with original(*arguments, **named):  # type: ignore[arg-type]
                yield
            raise RuntimeError("operation not permitted\nwhen stream is capturing")

        monkeypatch.setattr(torch.cuda, "graph", graph)
    step = CapturedStep(work, torch.cuda.Stream())
    for _ in range(10):
        step()
    assert [line for line in device.done if line.startswith("step")] == ["step on stream 1"] * 10
    assert len(device.captures) == 1
    assert step.refused == "RuntimeError: operation not permitted when stream is capturing"
    assert "back on default on default" in device.done


def refused_step(device: Device) -> CapturedStep:
    """One that cannot be recorded, when that has been tried."""

    def work() -> None:
        if device.capturing is not None:
            raise ValueError("waits for the device")

    step = CapturedStep(work, torch.cuda.Stream())
    for _ in range(WARM_UP + 1):
        step()
    return step


def test_the_first_error_is_the_reason(device: Device, monkeypatch: pytest.MonkeyPatch) -> None:
    """The end of a capture that has failed raises as well, and says only that it has."""
    original = torch.cuda.graph

    @contextmanager
    def graph(*arguments: object, **named: object) -> Iterator[None]:
        with original(*arguments, **named):  # type: ignore[arg-type]
            try:
                yield
            finally:
                raise RuntimeError("capturing has failed before")

    monkeypatch.setattr(torch.cuda, "graph", graph)

    step = refused_step(device)
    assert step.refused == "ValueError: waits for the device"


def test_an_older_torch_is_brought_out_of_a_failed_capture(device: Device, monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[str] = []
    monkeypatch.setattr(torch, "__version__", "2.11.0+cu130")
    monkeypatch.setattr(
        torch.cuda.CUDAGraph, "capture_begin", lambda self, **named: begun.append("begin"), raising=False
    )
    monkeypatch.setattr(torch.cuda.CUDAGraph, "capture_end", lambda self: begun.append("end"), raising=False)

    refused_step(device)
    assert begun == ["begin", "end"]


def test_branches_fork_and_join(device: Device) -> None:
    def task(name: str) -> Callable[[], None]:
        return lambda: device.work(name)

    backend = CudaBackend()
    backend.in_parallel([task("a"), task("b")])
    assert device.done == [
        "stream 1 waits for default on default",
        "a on stream 1",
        "stream 2 waits for default on default",
        "b on stream 2",
        "default waits for stream 1 on default",
        "default waits for stream 2 on default",
    ]
    device.done.clear()
    # The same streams again for the same places; a single task costs nothing extra.
    backend.in_parallel([task("c"), task("d")])
    assert [line for line in device.done if "waits" not in line] == ["c on stream 1", "d on stream 2"]
    device.done.clear()
    backend.in_parallel([task("e")])
    assert device.done == ["e on default"]


def test_branches_are_joined_after_an_error(device: Device) -> None:
    def fails() -> None:
        raise MemoryError

    with pytest.raises(MemoryError):
        CudaBackend().in_parallel([fails, lambda: device.work("b")])
    assert device.done == ["stream 1 waits for default on default", "default waits for stream 1 on default"]


def test_steps_share_a_stream_until_another_device_is_chosen(
    device: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "set_device", lambda device: None)
    monkeypatch.setattr(torch.cuda, "current_device", lambda: 0)
    backend = CudaBackend()
    backend.prepare("cuda:0", threads=None)
    first, second = (backend.compile_step(lambda: None) for _ in range(2))
    backend.prepare("cuda:1", threads=None)
    other = backend.compile_step(lambda: None)
    backend.release()
    assert first.stream is second.stream  # type: ignore[attr-defined]
    assert other.stream is not first.stream  # type: ignore[attr-defined]


def test_bf16_is_asked_of_the_chosen_device(monkeypatch: pytest.MonkeyPatch) -> None:
    """cuda:0 is too old for it."""
    monkeypatch.setattr(torch.cuda, "set_device", lambda device: None)
    monkeypatch.setattr(torch.cuda, "current_device", lambda: 0)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda one: (9, 0) if one else (7, 5))
    backend = CudaBackend()
    assert backend.precisions() == ("bf16", "fp32")
    for name, precisions in (("cuda:0", ("fp32",)), ("cuda:1", ("bf16", "fp32"))):
        backend.prepare(name, threads=None)
        assert backend.precisions() == precisions
    backend.release()


def test_prepared_kernels_are_deterministic_and_put_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings of torch are global: other code in this process finds its own again."""
    chosen: list[object] = []
    monkeypatch.setattr(torch.cuda, "set_device", chosen.append)
    monkeypatch.setattr(torch.cuda, "current_device", lambda: 3)

    def settings() -> tuple[object, ...]:
        return (
            # torch refuses to read this one where the new ones contradict it.
            torch.backends.cudnn.allow_tf32,
            torch.are_deterministic_algorithms_enabled(),
            torch.backends.cudnn.deterministic,
            torch.backends.cudnn.benchmark,
            torch.backends.cudnn.conv.fp32_precision,  # type: ignore[attr-defined]
            torch.utils.deterministic.fill_uninitialized_memory,  # type: ignore[attr-defined]
            torch.get_num_threads(),
        )

    before = settings()
    backend = CudaBackend()
    backend.prepare("cuda:0", threads=1)
    assert settings() == (False, True, True, False, "ieee", False, 1)
    backend.prepare("cuda:0", threads=1)
    backend.release()
    assert settings() == before
    assert chosen[-1] == 3
