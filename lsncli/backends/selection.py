"""Chooses the backend and device for ``--device`` and ``--precision``."""

from __future__ import annotations

from lsncli.backends.interface import Backend
from lsncli.errors import LsnError, UnknownNameError
from lsncli.registry import Registry, registry


def select_backend(device: str | None = None, components: Registry | None = None) -> tuple[Backend, str]:
    """The backend for ``device`` (``cpu``, ``cuda``, ``cuda:1``, …) and the device's full name.

    Without a device: the available backend of highest priority. Raises :class:`LsnError` where the device
    is unknown or unavailable, with the reason.
    """
    components = components or registry()
    if device is None:
        infos = sorted(components.all("backend"), key=lambda r: -getattr(r.info, "priority", 0))
        for registered in infos:
            backend: Backend = registered.info.build(None, None)
            if backend.unavailable() is None:
                return backend, backend.devices()[0]
        raise LsnError("no device backend is available", next="lsn doctor shows why")
    name, _, index = device.partition(":")
    backend = components.get("backend", name, where="--device").build(None, None)
    reason = backend.unavailable()
    if reason is not None:
        raise LsnError(
            f"device {device!r} cannot be used: {reason}", where="--device", next="lsn doctor shows more"
        )
    devices = backend.devices()
    if not index:
        return backend, devices[0]
    if device not in devices:
        raise UnknownNameError.of("device", device, devices, where="--device")
    return backend, device


def select_precision(backend: Backend, precision: str | None) -> str:
    """``precision`` if the backend has it, else its default; raises :class:`LsnError` otherwise."""
    known = backend.precisions()
    if precision is None:
        return known[0]
    if precision not in known:
        raise UnknownNameError.of("precision", precision, known, where=f"--precision on {backend.name}")
    return precision
