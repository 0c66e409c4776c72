"""Writes a report to a file: all of it or nothing."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path

from lsncli.errors import LsnError


def write_report(text: str, path: Path) -> None:
    """Replace ``path`` by ``text`` in one step; a reader sees the old file or the new, never half of one.

    A link keeps being one; a pipe or a device, which cannot be replaced, is written to. Raises
    :class:`LsnError` where the folder is missing or cannot be written to, or ``path`` is a folder.
    """
    where = f"--output {path}"
    try:
        if path.is_dir():
            raise LsnError(f"{path} is a folder", where=where, next=f"name a file in it: {path / 'report.md'}")
        if path.exists() and not path.is_file():
            path.write_text(text, encoding="utf-8", newline="")
            return
        target = path.resolve()
        if not target.parent.is_dir():
            raise LsnError(
                f"the folder {target.parent} does not exist",
                where=where,
                next="make the folder, or name a file in one that is there",
            )
        _replace(target, text)
    except OSError as error:
        raise LsnError(
            f"cannot write the report: {error.strerror or error}",
            where=where,
            next="name a file in a folder that you can write to",
        ) from None


def _replace(target: Path, text: str) -> None:
    part = target.with_name(f".{target.name[:100]}.{secrets.token_hex(4)}.part")
    try:
        with part.open("x", encoding="utf-8", newline="") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        part.replace(target)
    except BaseException:
        with suppress(OSError):
            part.unlink(missing_ok=True)
        raise
