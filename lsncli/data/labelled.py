"""The layout of images that a CSV file names, wherever they lie in their source."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from lsncli.data.label_list import LabelledFile
from lsncli.data.layout import SUFFIXES, Files, Layout, is_clutter, lay_out, some
from lsncli.data.sources import Entry
from lsncli.data.splits import SPLITS
from lsncli.errors import LsnError

VALID = "every class with images in both splits, train and test"

_Parts = tuple[str, ...]


def arrange_labelled(
    entries: Iterable[Entry], rows: Sequence[LabelledFile], source: Path, labels: Path
) -> tuple[Layout, int]:
    """The layout of the files that ``rows`` name, and how many images of the source no row names.

    A row names a file by its path from the source's top, or by the end of that path where no other file ends so.
    Without a split, it is that of a folder ``train`` or ``test`` at the top or one below. Raises :class:`LsnError`
    for a row whose file is not there, is ambiguous, is no image, or has no split.
    """
    found, unnamed = _find({row.file for row in rows}, entries)
    files: Files = {split: {} for split in SPLITS}
    lines: dict[str, int] = {}
    for row in rows:
        where = f"{labels}:{row.line}"
        entry = _one("/".join(row.file), found.get(row.file, []), where, source)
        if entry.name in lines:
            raise LsnError(
                f"the label file names {entry.name!r} twice",
                where=f"{labels}, lines {lines[entry.name]} and {row.line}",
            )
        lines[entry.name] = row.line
        of_split = files[row.split or _split_of(entry, where)]
        of_split.setdefault(row.label, []).append(("/".join(row.file), entry.name))
    for split in SPLITS:
        if not files[split]:
            raise LsnError(f"the label file has no image of the split {split}", where=str(labels), valid=VALID)
    return lay_out(files, str(labels), VALID), unnamed - len(lines)


def _find(wanted: set[_Parts], entries: Iterable[Entry]) -> tuple[dict[_Parts, list[Entry]], int]:
    """Every file under each name that is wanted of it, and the number of all images."""
    found: dict[_Parts, list[Entry]] = {}
    images = 0
    for entry in entries:
        if entry.is_dir or is_clutter(entry):
            continue
        images += entry.parts[-1].lower().endswith(SUFFIXES)
        for start in range(len(entry.parts)):
            if entry.parts[start:] in wanted:
                found.setdefault(entry.parts[start:], []).append(entry)
    return found, images


def _one(name: str, entries: list[Entry], where: str, source: Path) -> Entry:
    whole = [entry for entry in entries if "/".join(entry.parts) == name]
    entries = whole or entries
    if not entries:
        raise LsnError(
            f"the label file names {name!r}, which {source.name!r} has not",
            where=where,
            next="write its path from the top of the source, with its ending, or take the row out",
        )
    if len(entries) > 1:
        raise LsnError(
            f"{name!r} may be any of {len(entries)} files: {some(entry.name for entry in entries)}",
            where=where,
            next="write more of the path",
        )
    if not name.lower().endswith(SUFFIXES):
        raise LsnError(f"{name!r} is not an image that lsn reads", where=where, valid=", ".join(SUFFIXES))
    return entries[0]


def _split_of(entry: Entry, where: str) -> str:
    for part in entry.parts[:-1][:2]:
        if part in SPLITS:
            return part
    raise LsnError(
        f"nothing says whether {entry.name!r} is for training or for testing",
        where=where,
        valid=SPLITS,
        next="add a column split to the label file, or put the images into folders train/ and test/",
    )
