"""Files of named tensors: safetensors, written atomically, with a check sum.

safetensors holds numbers and text only: reading such a file cannot run code. It has no check sum of its own, so
ours lies beside the numbers: a file that a disk or a transfer has damaged is told from a good one.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from lsncli.engine.run_files import sync_folder
from lsncli.errors import LsnError

FORMAT = 1


class UnusableCheckpointError(Exception):
    """The file is damaged, or belongs to another run, data or version."""


def write_tensors(path: Path, tensors: Mapping[str, Tensor], about: Mapping[str, Any]) -> tuple[str, int]:
    """Write ``tensors`` and the plain data ``about``; returns the file's SHA-256 and size in bytes.

    Written into a temporary file, to the disk, then put under its name: after a crash at any moment the file
    is the old one or the new one. Raises :class:`LsnError` where the disk refuses.
    """
    # Copies, because safetensors refuses tensors that share memory, as tied weights do.
    plain = {n: v.detach().cpu().clone(memory_format=torch.contiguous_format) for n, v in tensors.items()}
    described = {"format": FORMAT, **about}
    # One entry only: safetensors writes several in an order that changes from call to call.
    data = save(plain, {"lsn": json.dumps({**described, "sha256": content_digest(plain, described)})})
    # The number of a process means nothing on another machine that shares the folder.
    temporary = path.with_name(f".{path.name}.{os.getpid()}-{secrets.token_hex(4)}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with temporary.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise LsnError(
            f"cannot write {path.name} of the run: {error.strerror or error}",
            where=str(path.parent),
            next="make space there, or choose a database in a folder that you can write: --db FILE",
        ) from None
    sync_folder(path.parent)
    return hashlib.sha256(data).hexdigest(), len(data)


def read_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The tensors of ``path``, on the CPU, and its plain data.

    Raises :class:`UnusableCheckpointError` where the file is missing, damaged or not one of ours.
    """
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors: dict[str, Tensor] = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        about = json.loads(metadata.get("lsn", "{}"))
    except (SafetensorError, OSError, ValueError, RecursionError) as error:
        raise UnusableCheckpointError(f"damaged ({error})") from None
    if not isinstance(about, dict) or about.get("format") != FORMAT:
        found = about.get("format") if isinstance(about, dict) else None
        raise UnusableCheckpointError(f"format {found!r}, not {FORMAT}")
    if about.pop("sha256", None) != content_digest(tensors, about):
        raise UnusableCheckpointError("damaged (its numbers are not those that were written)")
    return tensors, about


def content_digest(tensors: Mapping[str, Tensor], about: Mapping[str, Any]) -> str:
    """SHA-256 over the plain data and, by name, type, shape and bytes of every (contiguous) tensor."""
    state = hashlib.sha256(json.dumps(about, sort_keys=True).encode())
    for name, value in sorted(tensors.items()):
        state.update(f"\n{name} {value.dtype} {list(value.shape)}\n".encode())
        state.update(value.reshape(-1).view(torch.uint8).numpy().data)
    return state.hexdigest()
