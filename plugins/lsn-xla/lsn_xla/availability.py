"""Whether there is an XLA device here, told without importing torch or torch_xla where it can be."""

from __future__ import annotations

import os
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

#: Where Linux lists what is on the PCI bus, and the number by which Google's devices are known there.
PCI_DEVICES = Path("/sys/bus/pci/devices")
GOOGLE = "0x1ae0"
#: TPU chips among Google's devices (v2 to v6e; the last ones as torch_xla's own list has them).
TPU_CHIPS = frozenset({"0x0027", "0x0056", "0x005e", "0x0062", "0x0063", "0x006f", "0x0076"})


def reason_unavailable() -> str | None:
    """Why XLA cannot be used in this process, or None if it can."""
    if find_spec("torch_xla") is None:
        return "torch_xla is not installed (on a TPU VM: pip install -e 'plugins/lsn-xla[tpu]' in the clone of lsn)"
    wanted = os.environ.get("PJRT_DEVICE", "")
    if not wanted and not tpu_chips():
        return "no TPU on this machine (PJRT_DEVICE=CPU tries XLA on the processor)"
    try:
        import_module("torch_xla.runtime")
    except Exception as error:  # noqa: BLE001 - a torch_xla for another torch fails in many ways
        text = f"{type(error).__name__}: {error}".splitlines()[0]
        return f"torch_xla does not load: {text} (it must be of the same release as torch)"
    if wanted.upper() == "TPU" and not tpu_chips():
        return "PJRT_DEVICE is TPU, but there is no TPU on this machine"
    return None


def device_kind() -> str:
    """``TPU``, ``CPU`` or what else PJRT_DEVICE names; where it is unset, the machine has a TPU."""
    return os.environ.get("PJRT_DEVICE", "").upper() or "TPU"


def tpu_chips(bus: Path = PCI_DEVICES) -> int:
    """The number of TPU chips on the PCI bus; asking keeps no chip busy, as starting the runtime would."""
    return sum(_read(device / "vendor") == GOOGLE and _read(device / "device") in TPU_CHIPS for device in _in(bus))


def _in(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.is_dir() else []


def _read(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""
