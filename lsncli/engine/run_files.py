"""The files of a run in its folder: how they get their names, and what a killed process leaves there.

Final files are written under a name of the batch that trains the run (``final.<attempt>.safetensors``) and get
their own name only from whoever stores the run's end: a batch that lost the run to another one, because it was
asleep for an hour, cannot write over what the other has found. Nothing here imports torch.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

#: The files that a finished run leaves, and the one that an unfinished run leaves.
WEIGHTS, PREDICTIONS, CHECKPOINT = "final.safetensors", "predictions.safetensors", "checkpoint.safetensors"


def attempt_path(path: Path, attempt: str) -> Path:
    """Where ``attempt`` writes the file that will be ``path``; ``path`` itself for an attempt without a name."""
    return path.with_name(f"{path.stem}.{attempt}{path.suffix}") if attempt else path


def publish(path: Path, attempt: str) -> None:
    """Give a file that ``attempt`` has written its name; what had it before is replaced in one step."""
    written = attempt_path(path, attempt)
    if written != path:
        written.replace(path)


def leftovers(folder: Path) -> list[Path]:
    """Files that a process has left half-written, or finished and not published, in the folder of a run."""
    if not folder.is_dir():
        return []
    whole = {WEIGHTS, PREDICTIONS, CHECKPOINT}
    found = [*folder.glob(".*.part"), *folder.glob("final.*"), *folder.glob("predictions.*")]
    return sorted(path for path in found if path.name not in whole)


def sweep(folder: Path) -> None:
    """Remove the leftovers in the folder of a run that nobody else trains now."""
    for path in leftovers(folder):
        # A folder that cannot be changed is told of when the run writes into it.
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)


def forget(folder: Path) -> None:
    """Remove from a run's folder what a new run of its key would go on from, and leftovers.

    Final weights and predictions stay, until the run's end replaces them. Raises OSError for a checkpoint that
    cannot be removed.
    """
    (folder / CHECKPOINT).unlink(missing_ok=True)
    sweep(folder)
    with contextlib.suppress(OSError):
        folder.rmdir()  # nothing but the empty one


def sync_folder(folder: Path) -> None:
    """Make a rename durable; not every file system lets a folder be synchronised."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
