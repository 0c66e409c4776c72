"""How runs are trained, as opposed to what: none of this enters a run key."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """Settings of the engine in one process.

    data_dir: folder of data sets. checkpoint_dir: where checkpoints and final weights go; None keeps none.
    device, precision: None takes the default of this machine. threads: of the CPU; None leaves them.
    download: whether a missing data set may be fetched. checkpoint_seconds: the least time between two
    checkpoints of a run; short runs are simply trained again. command: for provenance.
    """

    data_dir: Path
    checkpoint_dir: Path | None = None
    device: str | None = None
    precision: str | None = None
    threads: int | None = None
    download: bool = True
    checkpoint_seconds: float = 20.0
    command: str = ""

    def checkpoint_path(self, key: str) -> Path | None:
        """Where the checkpoint of an unfinished run is kept."""
        return self.checkpoint_dir / key / "checkpoint.safetensors" if self.checkpoint_dir else None

    def weights_path(self, key: str) -> Path | None:
        """Where the final weights of a run are kept."""
        return self.checkpoint_dir / key / "final.safetensors" if self.checkpoint_dir else None
