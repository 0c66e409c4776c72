"""The conformance suite of device backends.

::

    class TestXla(BackendSuite):
        component = "xla"

Where the device is not there, only what the record and ``unavailable`` say is checked, and the rest is skipped with
the backend's own reason. Class attribute: ``tolerances``, how far a small network's logits may be from the
processor's, for each precision.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from lsncli.backends.interface import Backend
from lsncli.testing.expectations import expect, expect_close, expect_finite, skip
from lsncli.testing.suite import ComponentSuite

#: Absolute and relative; bf16 has eight bits.
TOLERANCES = {"fp32": 1e-3, "bf16": 0.1}


#: Settings of the kernels of NVIDIA's library, which every process has.
CUDNN = ("benchmark", "deterministic")


class BackendSuite(ComponentSuite):
    """Subclass it with ``component``; see this module's and :mod:`lsncli.testing.suite`'s docstrings."""

    kind = "backend"
    tolerances: ClassVar[Mapping[str, float]] = TOLERANCES

    def build(self) -> Backend:
        """A new backend; it has no parameters."""
        backend = self.info.build(None, None)
        expect(
            isinstance(backend, Backend),
            f"the builder returns {type(backend).__name__}, no subclass of lsncli.backends.interface.Backend",
        )
        built: Backend = backend
        return built

    @contextmanager
    def prepared(self, number: int = 0) -> Iterator[tuple[Backend, str, torch.device]]:
        """The backend, a device's name and torch device, between ``prepare`` and ``release``.

        number: which of the devices.
        """
        backend = self.build()
        reason = backend.unavailable()
        if reason is not None:
            skip(f"not available here: {reason}")
        name = backend.devices()[number]
        device = backend.prepare(name, threads=None)
        try:
            yield backend, name, device
        finally:
            backend.release()

    @staticmethod
    def network() -> nn.Module:
        """A convolution and a linear layer, the same at every call."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            return nn.Sequential(
                nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 5)
            )

    @staticmethod
    def images() -> Tensor:
        """Images ``[B, C, H, W]``."""
        return torch.randn(6, 3, 8, 8, generator=torch.Generator().manual_seed(0))

    # -- checks ----------------------------------------------------------------------------------------

    def test_availability(self) -> None:
        """Why it cannot be used in one line, or None and at least one device, named ``name`` or ``name:index``."""
        backend = self.build()
        expect(
            backend.name == self.info.name, f"the backend is called {backend.name!r}, the record {self.info.name!r}"
        )
        reason = backend.unavailable()
        if reason is not None:
            expect(isinstance(reason, str) and bool(reason.strip()), "unavailable() gives no reason")
            expect(len(reason.splitlines()) == 1, "the reason of unavailable() has more than one line")
            return
        devices = backend.devices()
        expect(bool(devices), "it says that it is available, but has no device")
        wrong = [name for name in devices if name.partition(":")[0] != backend.name]
        expect(not wrong, f"devices {wrong} are not called {backend.name!r} or '{backend.name}:INDEX'")
        expect(len(set(devices)) == len(devices), f"a device is named twice: {devices}")

    def test_precisions(self) -> None:
        """fp32 and perhaps bf16, each once."""
        with self.prepared() as (backend, _, _):
            precisions = backend.precisions()
        expect(bool(precisions), "there is no precision")
        expect(len(set(precisions)) == len(precisions), f"a precision is named twice: {precisions}")
        unknown = sorted(set(precisions) - {"fp32", "bf16"})
        expect(not unknown, f"unknown precisions {unknown}: fp32 and bf16 are known")

    def test_release_restores(self) -> None:
        """After ``release``, threads and kernels' settings are as they were; also where nothing was prepared."""
        kept = {name: getattr(torch.backends.cudnn, name) for name in CUDNN}
        try:
            # Whatever they were: what an earlier use has left behind must not hide that it is not put back.
            for value in (False, True):
                for name in CUDNN:
                    setattr(torch.backends.cudnn, name, value)
                before = _settings()
                self.build().release()
                expect(_settings() == before, f"release() without prepare() changed {_changed(before)}")
                with self.prepared():
                    pass
                expect(_settings() == before, f"release() does not restore {_changed(before)}")
        finally:
            for name, value in kept.items():
                setattr(torch.backends.cudnn, name, value)

    def test_threads(self) -> None:
        """A number of threads that is asked for goes with ``release``."""
        backend = self.build()
        reason = backend.unavailable()
        if reason is not None:
            skip(f"not available here: {reason}")
        before = torch.get_num_threads()
        backend.prepare(backend.devices()[0], threads=1)
        backend.release()
        expect(torch.get_num_threads() == before, "release() does not restore the number of threads")

    def test_place(self) -> None:
        """A module moves to the device, in the same numbers, and its logits are the processor's."""
        expected = self.network()(self.images()).detach()
        with self.prepared() as (backend, _, device):
            module = backend.place(self.network(), device)
            expect(isinstance(module, nn.Module), f"place() returns {type(module).__name__}")
            away = [n for n, p in module.named_parameters() if p.device.type != device.type]
            expect(not away, f"place() leaves {', '.join(away)} where they were")
            for (name, moved), original in zip(
                module.state_dict().items(), self.network().state_dict().values(), strict=True
            ):
                expect_close(moved, original, f"{name} after place()")
            for precision in backend.precisions():
                with backend.autocast(precision), torch.no_grad():
                    logits = module(self.images().to(device))
                backend.synchronize()
                tolerance = self.tolerances[precision]
                expect_close(
                    logits,
                    expected,
                    f"logits in {precision} here and in fp32 on the processor",
                    rtol=tolerance,
                    atol=tolerance,
                )

    def test_autocast(self) -> None:
        """In bf16 the logits are bf16, in fp32 they are float32: each precision is what it is called."""
        with self.prepared() as (backend, _, device):
            module = backend.place(self.network(), device)
            for precision in backend.precisions():
                with backend.autocast(precision), torch.no_grad():
                    logits = module(self.images().to(device))
                wanted = {"fp32": torch.float32, "bf16": torch.bfloat16}[precision]
                expect(
                    logits.dtype is wanted,
                    f"under autocast({precision!r}) the last linear layer gives {logits.dtype}, not {wanted}",
                )

    def test_every_device(self) -> None:
        """What is true of the first device is true of the others, and none is another one's."""
        backend = self.build()
        reason = backend.unavailable()
        if reason is not None:
            skip(f"not available here: {reason}")
        expected = self.network()(self.images()).detach()
        names: dict[torch.device, str] = {}
        for number in range(len(backend.devices())):
            with self.prepared(number) as (prepared, name, device):
                here = prepared.place(self.network(), device)
                with torch.no_grad():
                    logits = here(self.images().to(device))
                prepared.synchronize()
                tolerance = self.tolerances["fp32"]
                expect_close(
                    logits, expected, f"logits on {name} and on the processor", rtol=tolerance, atol=tolerance
                )
                expect(
                    names.setdefault(logits.device, name) == name,
                    f"{name} and {names[logits.device]} are both the torch device {logits.device}",
                )

    def test_step(self) -> None:
        """Each call of a compiled step is one step: five in each precision are five plain ones, and learn."""
        with self.prepared() as (backend, _, device):
            for precision in backend.precisions():
                plain, compiled = _Trained(self, backend, device), _Trained(self, backend, device)
                before = compiled.loss()
                faster = backend.compile_step(lambda: compiled.step(precision))  # noqa: B023 - used up in this turn
                for _ in range(5):
                    plain.step(precision)
                    faster()
                backend.synchronize()
                taken = int(compiled.taken)
                expect(
                    taken == 5,
                    f"five calls of a compiled step in {precision} are {taken} steps: every call is one, and"
                    " compiling takes none",
                )
                after = compiled.loss()
                expect_finite([before, after], f"losses in {precision}")
                expect(after < before, f"five steps in {precision} take the loss from {before} to {after}")
                tolerance = self.tolerances[precision]
                for name, value in plain.module.state_dict().items():
                    expect_close(
                        compiled.module.state_dict()[name],
                        value,
                        f"{name} after five compiled steps in {precision} and after five plain ones",
                        rtol=tolerance,
                        atol=tolerance,
                    )

    def test_parallel_tasks(self) -> None:
        """``in_parallel`` does each task once, before what is asked of the device next; in a compiled step too."""
        with self.prepared() as (backend, _, device):
            for count in (1, 3):
                done = [torch.zeros((), device=device) for _ in range(count)]
                seen = torch.zeros(count, device=device)

                def step() -> None:
                    backend.in_parallel([partial(_add_one, value) for value in done])  # noqa: B023 - used in this turn
                    seen.copy_(torch.stack(done))  # noqa: B023

                step()
                compiled = backend.compile_step(step)
                for _ in range(5):
                    compiled()
                backend.synchronize()
                expect_close(
                    seen, torch.full((count,), 6.0), f"how often each of {count} tasks was done in six steps"
                )

    def test_random_state(self) -> None:
        """Where the device has a generator of its own, its state can be put back: a step draws the same again."""
        with self.prepared() as (backend, _, device):
            state = backend.random_state()
            if state is None:
                return
            expect(state.device.type == "cpu", f"random_state() is on {state.device}, not on the CPU")
            drawn = torch.zeros(8, device=device)

            def step() -> None:
                drawn.copy_(torch.rand(8, device=device))

            # That is where a run draws, and a device that traces its steps may seed each of them.
            compiled = backend.compile_step(step)

            def numbers() -> Tensor:
                compiled()
                backend.synchronize()
                return drawn.cpu().clone()

            numbers()
            kept = backend.random_state()
            assert kept is not None
            kept = kept.clone()
            first, second = numbers(), numbers()
            backend.restore_random_state(kept)
            again = numbers()
            backend.restore_random_state(kept)
            expect(torch.equal(first, again), "restore_random_state() does not bring the same numbers again")
            expect(not torch.equal(first, second), "two steps draw the same numbers")

    def test_describe(self) -> None:
        """The device in plain data, for provenance: text keys, nothing but JSON, and the backend's name."""
        with self.prepared() as (backend, name, _):
            described = backend.describe(name)
        try:
            again = json.loads(json.dumps(described, allow_nan=False))
        except (TypeError, ValueError) as error:
            raise AssertionError(f"describe() is not plain data: {error}") from None
        expect(again == described, f"describe() comes back from JSON as {again}, not as {described}")
        expect(described.get("backend") == self.info.name, f"describe() has no 'backend': {self.info.name!r}")


class _Trained:
    """The suite's network on a device, and a step that trains it; the device counts how often it is taken."""

    def __init__(self, suite: BackendSuite, backend: Backend, device: torch.device) -> None:
        self.backend = backend
        self.module = backend.place(suite.network(), device)
        self.images = suite.images().to(device)
        self.targets = (torch.arange(len(self.images)) % 5).to(device)
        self.optimizer = torch.optim.SGD(self.module.parameters(), lr=0.5)
        self.taken = torch.zeros((), dtype=torch.int64, device=device)

    def step(self, precision: str) -> None:
        """One step of gradient descent on all images."""
        with self.backend.autocast(precision):
            logits = self.module(self.images)
        loss = nn.functional.cross_entropy(logits.float(), self.targets)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizer.step()
        self.taken.add_(1)

    def loss(self) -> float:
        """The mean loss, in fp32."""
        with torch.no_grad():
            return float(nn.functional.cross_entropy(self.module(self.images).float(), self.targets))


def _add_one(value: Tensor) -> None:
    value.add_(1)


def _settings() -> dict[str, object]:
    """What a backend might change for everything else in this process."""
    return {
        "the number of threads": torch.get_num_threads(),
        "the default type": torch.get_default_dtype(),
        "deterministic algorithms": torch.are_deterministic_algorithms_enabled(),
        **{f"cudnn.{name}": getattr(torch.backends.cudnn, name) for name in CUDNN},
        "the precision of fp32 convolutions": _precision(torch.backends.cudnn, "conv"),
        "the precision of fp32 matrix products": _precision(torch.backends.cuda, "matmul"),
        "gradients": torch.is_grad_enabled(),
        "denormal numbers": float(torch.tensor(1e-39) * 1) != 0.0,
    }


def _precision(part: Any, name: str) -> object:
    return getattr(getattr(part, name, None), "fp32_precision", None)


def _changed(before: dict[str, object]) -> str:
    return ", ".join(name for name, value in _settings().items() if before[name] != value)
