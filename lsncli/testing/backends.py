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
    def prepared(self) -> Iterator[tuple[Backend, str, torch.device]]:
        """The backend, its first device's name and torch device, between ``prepare`` and ``release``."""
        backend = self.build()
        reason = backend.unavailable()
        if reason is not None:
            skip(f"not available here: {reason}")
        name = backend.devices()[0]
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

    def test_step(self) -> None:
        """Five compiled training steps in each precision make the loss smaller."""
        with self.prepared() as (backend, _, device):
            for precision in backend.precisions():
                module = backend.place(self.network(), device)
                images = self.images().to(device)
                targets = (torch.arange(6) % 5).to(device)
                optimizer = torch.optim.SGD(module.parameters(), lr=0.5)
                losses = [self._loss(module, images, targets)]

                def step() -> None:
                    with backend.autocast(precision):  # noqa: B023 - used up within the turn of the loop
                        logits = module(images)  # noqa: B023
                    loss = nn.functional.cross_entropy(logits.float(), targets)  # noqa: B023
                    optimizer.zero_grad(set_to_none=True)  # noqa: B023
                    loss.backward()
                    optimizer.step()  # noqa: B023

                compiled = backend.compile_step(step)
                for _ in range(5):
                    compiled()
                backend.synchronize()
                losses.append(self._loss(module, images, targets))
                expect_finite(losses, f"losses in {precision}")
                expect(
                    losses[1] < losses[0],
                    f"five steps in {precision} take the loss from {losses[0]} to {losses[1]}",
                )

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

    @staticmethod
    def _loss(module: nn.Module, images: Tensor, targets: Tensor) -> float:
        with torch.no_grad():
            return float(nn.functional.cross_entropy(module(images).float(), targets))


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
