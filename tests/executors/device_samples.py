"""A plugin whose backends are the processor, said to be several devices."""

from __future__ import annotations

from pathlib import Path

#: ``two`` has two devices, ``pair`` two that work on several runs at once, ``whole`` two that one process takes
#: both, ``single`` one. ``best`` is as ``two``, and before every other.
PLUGIN = """
import os

from lsncli import BackendInfo, hookimpl


def backend(called, count, **about):
    def build(params, context):
        from lsncli.backends.cpu import CpuBackend

        class Processor(CpuBackend):
            name = called

            def devices(self):
                return [f"{called}:{number}" for number in range(count)]

            def prepare(self, device, *, threads):
                self.prepared = device
                return super().prepare(device, threads=threads)

            def describe(self, device):
                # What the engine says, and what it did, must be one device.
                assert getattr(self, "prepared", device) == device
                return {**super().describe(device), "device": device, "process": os.getpid()}

        for name, value in about.items():
            setattr(Processor, name, value)
        return Processor()

    return build


@hookimpl
def lsn_backends(register):
    register(BackendInfo(name="two", build=backend("two", 2)))
    register(BackendInfo(name="pair", build=backend("pair", 2, parallel=True)))
    register(BackendInfo(name="whole", build=backend("whole", 2, process_per_device=False)))
    register(BackendInfo(name="single", build=backend("single", 1)))
    register(BackendInfo(name="best", build=backend("best", 2), priority=1000))
"""


def install(site: Path) -> None:
    """Put the plugin into ``site``, as an installer would."""
    info = site / "several-1.0.dist-info"
    info.mkdir(parents=True)
    (site / "several.py").write_text(PLUGIN)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: several\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[lsn]\nseveral = several\n")
