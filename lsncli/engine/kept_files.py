"""The files that a finished run leaves: its weights and its predictions."""

from __future__ import annotations

from collections.abc import Iterator

from lsncli.engine.checkpoint import save_weights
from lsncli.engine.events import Saved
from lsncli.engine.final_outputs import FinalOutputs
from lsncli.engine.run_files import PREDICTIONS, attempt_path
from lsncli.engine.settings import EngineSettings
from lsncli.engine.tensor_file import write_tensors
from lsncli.engine.workspace import Workspace


def keep_files(
    key: str, settings: EngineSettings, work: Workspace, outputs: FinalOutputs | None, step: int
) -> Iterator[Saved]:
    """Write the final weights and predictions beside each other, and tell of them by the names they will have.

    Raises :class:`LsnError` where the disk refuses.
    """
    folder, weights = settings.checkpoint_dir, settings.weights_path(key)
    if folder is None or weights is None:
        return
    about, attempt = {"key": key, "step": step}, settings.attempt
    written = {"weights": (weights, save_weights(attempt_path(weights, attempt), work.module, about))}
    if outputs is not None:
        path = weights.with_name(PREDICTIONS)
        facts = write_tensors(attempt_path(path, attempt), outputs.tensors(work), about)
        written["predictions"] = (path, facts)
    for name, (path, (digest, size)) in written.items():
        yield Saved(key, name, path.relative_to(folder).as_posix(), digest, size)
