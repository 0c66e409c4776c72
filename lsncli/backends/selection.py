"""Chooses the backend and its devices for ``--device`` and ``--precision``."""

from __future__ import annotations

import sys

from lsncli.backends.interface import Backend
from lsncli.errors import LsnError, UnknownNameError
from lsncli.registry import Registered, Registry, registry


def select_backend(device: str | None = None, components: Registry | None = None) -> tuple[Backend, str]:
    """The backend for ``device`` (``cpu``, ``cuda``, ``cuda:1``, …) and the device's full name.

    Without a device: the available backend of highest priority; one that fails when it is asked is told of in one
    line and passed over. Raises :class:`LsnError` where the device is unknown or unavailable, or its backend fails,
    with the reason.
    """
    backend, devices = select_devices(device, components)
    return backend, devices[0]


def select_devices(device: str | None = None, components: Registry | None = None) -> tuple[Backend, list[str]]:
    """The backend for ``device``, and the devices that are meant: one process can have each of them.

    These are all that the backend has where ``device`` names no number (``cuda``) or nothing at all, and else the
    one that it names. What is raised, and what is told of in a line: see :func:`select_backend`.
    """
    components = components or registry()
    if device is None:
        backend, devices = _default(components)
        return backend, _apart(backend, devices)
    name, _, index = device.partition(":")
    registered = components.find("backend", name, where="--device")
    try:
        backend, reason, devices = _ask(registered)
    except (Exception, SystemExit) as error:
        if isinstance(error, LsnError):
            raise
        raise LsnError(
            f"device {device!r} cannot be used: {_failure(registered, error)}",
            where="--device",
            next="tell its author; lsn --debug shows the traceback; another device: lsn doctor lists them",
        ) from error
    if reason is not None:
        raise LsnError(
            f"device {device!r} cannot be used: {reason}", where="--device", next="lsn doctor shows more"
        )
    if not index:
        return backend, _apart(backend, devices)
    if device not in devices:
        raise UnknownNameError.of("device", device, devices, where="--device")
    return backend, [device]


def _apart(backend: Backend, devices: list[str]) -> list[str]:
    """Those of ``devices`` that processes can have each for itself: all of them, or only the first."""
    return devices if backend.process_per_device else devices[:1]


def _default(components: Registry) -> tuple[Backend, list[str]]:
    for registered in sorted(components.all("backend"), key=lambda r: -getattr(r.info, "priority", 0)):
        try:
            backend, reason, devices = _ask(registered)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - a third party's code
            _warn_once(f"warning: passed over: {_failure(registered, error)} (lsn doctor shows more)")
            continue
        if reason is None:
            return backend, devices
    raise LsnError("no device backend is available", next="lsn doctor shows why")


def _ask(registered: Registered) -> tuple[Backend, str | None, list[str]]:
    """A backend, why it cannot be used here, and else its devices; raises whatever its author's code does."""
    backend: Backend = registered.info.build(None, None)
    reason = backend.unavailable()
    devices = [] if reason is not None else list(backend.devices())
    if reason is None and not devices:
        raise ValueError("it is available and lists no device")
    return backend, reason, devices


def _failure(registered: Registered, error: BaseException) -> str:
    told = " ".join(f"{type(error).__name__}: {error}".split())
    return f"backend {registered.info.name!r} of {registered.plugin.origin} failed: {told}"


def _warn_once(text: str) -> None:
    """A command chooses its device several times over."""
    if text not in _warned:
        _warned.add(text)
        print(text, file=sys.stderr)


_warned: set[str] = set()


def select_precision(backend: Backend, precision: str | None) -> str:
    """``precision`` if the backend has it, else its default; raises :class:`LsnError` otherwise."""
    known = backend.precisions()
    if precision is None:
        return known[0]
    if precision not in known:
        raise UnknownNameError.of("precision", precision, known, where=f"--precision on {backend.name}")
    return precision
