"""Writes a figure to a file: which kind, where, and all of it or nothing."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path

from lsncli.errors import LsnError
from lsncli.report.figures.canvas import FORMS, Form


def choose_file(number: int, output: Path | None, form: str | None) -> tuple[Path, Form]:
    """Where the figure goes, and as what: the suffix of ``output`` decides, ``form`` must agree with it.

    Without ``output``: ``figureN.png`` in the current folder, or with the suffix of ``form``. Raises
    :class:`LsnError` for another kind of file, and for a folder that is missing.
    """
    chosen = None if form is None else _known(form.lower(), "--format")
    if output is None:
        return Path(f"figure{number}.{chosen or 'png'}"), chosen or "png"
    where = f"--output {output}"
    if output.is_dir():
        raise LsnError(
            f"{output} is a folder", where=where, next=f"name a file in it: {output / f'figure{number}.png'}"
        )
    suffix = output.suffix.removeprefix(".").lower()
    if not suffix:
        raise LsnError("the figure's file has no ending", where=where, valid=[f".{known}" for known in FORMS])
    by_suffix = _known(suffix, where)
    if chosen is not None and chosen != by_suffix:
        raise LsnError(f"--format {form} contradicts the file's ending .{suffix}", where=where)
    if not output.resolve().parent.is_dir():
        raise LsnError(
            f"the folder {output.resolve().parent} does not exist",
            where=where,
            next="make the folder, or name a file in one that is there",
        )
    return output, by_suffix


def write_figure(content: bytes, path: Path) -> None:
    """Replace ``path`` by ``content`` in one step. Raises :class:`LsnError` where it cannot be written."""
    try:
        target = path.resolve()
        if target.exists() and not target.is_file():
            target.write_bytes(content)  # a pipe or a device, which cannot be replaced
            return
        part = target.with_name(f".{target.name[:100]}.{secrets.token_hex(4)}.part")
        try:
            with part.open("xb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            part.replace(target)
        except BaseException:
            with suppress(OSError):
                part.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise LsnError(
            f"cannot write the figure: {error.strerror or error}",
            where=f"--output {path}",
            next="name a file in a folder that you can write to",
        ) from None


def _known(form: str, where: str) -> Form:
    for known in FORMS:
        if form == known:
            return known
    raise LsnError(f"figures cannot be written as {form!r}", where=where, valid=[*FORMS, "or --format json"])
