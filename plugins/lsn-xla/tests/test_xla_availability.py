"""Whether there is a device is told honestly, and without importing torch or torch_xla where there is none."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from lsn_xla import availability
from lsn_xla.backend import XlaBackend


def found(monkeypatch: pytest.MonkeyPatch, *, torch_xla: bool, chips: int = 0, device: str | None = None) -> None:
    monkeypatch.setattr(availability, "find_spec", lambda name: object() if torch_xla else None)
    monkeypatch.setattr(availability, "tpu_chips", lambda: chips)
    monkeypatch.delenv("PJRT_DEVICE", raising=False)
    if device:
        monkeypatch.setenv("PJRT_DEVICE", device)


def test_without_torch_xla(monkeypatch: pytest.MonkeyPatch) -> None:
    found(monkeypatch, torch_xla=False, chips=4, device="TPU")
    assert "not installed" in str(XlaBackend().unavailable())


def test_without_a_tpu(monkeypatch: pytest.MonkeyPatch) -> None:
    def not_imported(name: str) -> None:
        raise AssertionError(name)

    monkeypatch.setattr(availability, "import_module", not_imported)
    found(monkeypatch, torch_xla=True)
    assert "no TPU on this machine" in str(XlaBackend().unavailable())


def test_a_tpu_that_is_asked_for_in_vain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(availability, "import_module", lambda name: None)
    found(monkeypatch, torch_xla=True, device="TPU")
    assert "PJRT_DEVICE is TPU" in str(XlaBackend().unavailable())
    found(monkeypatch, torch_xla=True, device="TPU", chips=4)
    assert XlaBackend().unavailable() is None


def test_a_torch_xla_for_another_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    def undefined(name: str) -> None:
        raise ImportError("undefined symbol: _ZN2at\nmore")

    monkeypatch.setattr(availability, "import_module", undefined)
    found(monkeypatch, torch_xla=True, device="CPU")
    reason = str(XlaBackend().unavailable())
    assert "undefined symbol: _ZN2at (it must be of the same release as torch)" in reason
    assert "\n" not in reason


def test_chips_are_counted_on_the_bus(tmp_path: Path) -> None:
    """Two v4 chips, a network card of Google's, somebody else's device of the same number, one without a number."""
    devices = {
        "0": ("0x1ae0", "0x005e"),
        "1": ("0x1ae0", "0x005e"),
        "2": ("0x1ae0", "0x0042"),
        "3": ("0x8086", "0x005e"),
    }
    for name, (vendor, device) in devices.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "vendor").write_text(vendor + "\n")
        (tmp_path / name / "device").write_text(device + "\n")
    (tmp_path / "4").mkdir()
    assert availability.tpu_chips(tmp_path) == 2
    assert availability.tpu_chips(tmp_path / "nowhere") == 0


def test_devices_and_precisions_of_a_tpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lsn_xla.backend.tpu_chips", lambda: 4)
    monkeypatch.delenv("PJRT_DEVICE", raising=False)
    assert XlaBackend().devices() == ["xla:0", "xla:1", "xla:2", "xla:3"]
    # A worker process for each would find them taken by the first one.
    assert not XlaBackend().process_per_device
    assert XlaBackend().precisions() == ("bf16", "fp32")
    monkeypatch.setenv("PJRT_DEVICE", "CPU")
    monkeypatch.setenv("CPU_NUM_DEVICES", "2")
    assert XlaBackend().devices() == ["xla:0", "xla:1"]


def test_registering_and_asking_import_neither(tmp_path: Path) -> None:
    code = (
        "import sys, lsn_xla.availability as a\n"
        "a.find_spec = lambda name: None\n"
        "from lsncli.registry import registry\n"
        "info = registry().get('backend', 'xla')\n"
        "assert info.build(None, None).unavailable()\n"
        "assert registry().get('executor', 'xla-launch').build(None, None)\n"
        "assert not {'torch', 'torch_xla'} & set(sys.modules), 'imported'\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=tmp_path)
