"""How runs are trained, as opposed to what: none of this enters a run key."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from lsncli.engine.run_files import CHECKPOINT, WEIGHTS


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """Settings of the engine in one process.

    data_dir: folder of data sets. checkpoint_dir: where checkpoints and final weights go; None keeps none.
    device, precision: None takes the default of this machine. threads: of the CPU; None leaves them to
    the process (one, in a stack). A run that goes on from a checkpoint keeps the number that it was begun with.
    download: whether a missing data set may be fetched. checkpoint_seconds: the least time between two
    checkpoints of a run; short runs are simply trained again. command: for provenance. attempt: a name in those of
    the final files, until whoever stores a run's end publishes them (:mod:`lsncli.engine.run_files`); empty gives
    them their own names at once.
    """

    data_dir: Path
    checkpoint_dir: Path | None = None
    device: str | None = None
    precision: str | None = None
    threads: int | None = None
    download: bool = True
    checkpoint_seconds: float = 20.0
    command: str = ""
    attempt: str = ""

    def checkpoint_path(self, key: str) -> Path | None:
        """Where the checkpoint of an unfinished run is kept."""
        return self.checkpoint_dir / key / CHECKPOINT if self.checkpoint_dir else None

    def weights_path(self, key: str) -> Path | None:
        """Where the final weights of a run are kept."""
        return self.checkpoint_dir / key / WEIGHTS if self.checkpoint_dir else None
