"""From the names in a source to classes, labels and the place of every image."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from lsncli.data.sources import Entry
from lsncli.data.splits import SPLITS
from lsncli.errors import LsnError

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".webp", ".gif")
SHAPE = "train/<class>/<image> and test/<class>/<image>, with images " + ", ".join(SUFFIXES)

#: Split → class → what its files are ordered by, and their names in the source.
Files = dict[str, dict[str, list[tuple[str, str]]]]

#: What file managers leave behind; names that start with a dot are passed over as well.
_CLUTTER = ("__MACOSX", "Thumbs.db", "desktop.ini")


@dataclass(frozen=True, slots=True)
class Layout:
    """Which image goes where: for every file's name its split and row; labels by row.

    Classes are in the order of their names' code points, or by value where all are numbers, and rows by class,
    then by file name: the order inside the archive and the file system do not matter.
    """

    class_names: tuple[str, ...]
    rows: dict[str, tuple[str, int]]
    labels: dict[str, npt.NDArray[np.int64]]


def arrange(entries: Iterable[Entry], source: Path) -> Layout:
    """The layout of ``entries``; raises :class:`LsnError` where they are not of the shape :data:`SHAPE`."""
    kept = [entry for entry in entries if not is_clutter(entry)]
    depth = _depth_of_splits(kept, source)
    files: Files = {split: {} for split in SPLITS}
    for entry in kept:
        parts = entry.parts[depth:]
        if len(parts) < 2 or parts[0] not in SPLITS:
            continue
        split, name, *rest = parts
        if not rest and not entry.is_dir:
            _refuse_loose_image(entry, source)
        elif entry.is_dir and not rest:
            files[split].setdefault(name, [])
        else:
            _check_file(entry, rest, source)
            files[split].setdefault(name, []).append((rest[0], entry.name))
    for split in SPLITS:
        if not files[split]:
            raise LsnError(f"{source.name!r} has no class folder in {split}/", where=str(source), valid=SHAPE)
    return lay_out(files, str(source), SHAPE)


def lay_out(files: Files, where: str, valid: str) -> Layout:
    """The layout of files whose split and class are known; ``where`` and ``valid`` are for messages.

    Raises :class:`LsnError` unless both splits have the same classes, two or more, and images of each.
    """
    class_names = _class_names(files, where, valid)
    rows: dict[str, tuple[str, int]] = {}
    labels = {}
    for split in SPLITS:
        order = [(label, *file) for label, name in enumerate(class_names) for file in sorted(files[split][name])]
        for row, (label, base, name) in enumerate(order):
            if name in rows or (row and order[row - 1][:2] == (label, base)):
                raise LsnError(f"{name!r} is there twice", where=where)
            rows[name] = (split, row)
        labels[split] = np.array([label for label, _, _ in order], dtype=np.int64)
    return Layout(class_names, rows, labels)


def is_clutter(entry: Entry) -> bool:
    """Whether it is something that file managers leave behind, or hidden."""
    return not entry.parts or any(part.startswith(".") or part in _CLUTTER for part in entry.parts)


def _depth_of_splits(entries: list[Entry], source: Path) -> int:
    """0 where train/ and test/ stand at the top, 1 where they stand below one single folder."""
    if any(entry.parts[0] in SPLITS for entry in entries):
        return 0
    tops = {entry.parts[0] for entry in entries if len(entry.parts) > 1 and entry.parts[1] in SPLITS}
    if len(tops) == 1:
        return 1
    folders = {entry.parts[0] for entry in entries if entry.is_dir or len(entry.parts) > 1}
    found = [f"{name}/" if name in folders else name for name in {entry.parts[0] for entry in entries}]
    raise LsnError(
        f"{source.name!r} has neither train/ nor test/ at its top "
        + (f"(it has {some(found)})" if found else "(it is empty)"),
        where=str(source),
        valid=SHAPE,
        next="make the folders train/ and test/ in it, a folder for each class in both, and divide the images; or"
        " name the images with their labels in a CSV file: --labels FILE",
    )


def _refuse_loose_image(entry: Entry, source: Path) -> None:
    """A list or a readme beside the class folders does no harm; an image there would be lost."""
    if entry.parts[-1].lower().endswith(SUFFIXES):
        raise LsnError(f"the image {entry.name!r} is in no class folder", where=str(source), valid=SHAPE)


def _check_file(entry: Entry, rest: list[str], source: Path) -> None:
    if entry.is_dir or len(rest) > 1:
        raise LsnError(
            f"{entry.name!r} lies deeper than a class folder's own files", where=str(source), valid=SHAPE
        )
    if not rest[0].lower().endswith(SUFFIXES):
        raise LsnError(
            f"{entry.name!r} is not an image that lsn reads",
            where=str(source),
            valid=SHAPE,
            next="convert it to png, or take it out of the class folder",
        )


def _class_names(files: Files, where: str, valid: str) -> tuple[str, ...]:
    """The classes, which train/ and test/ must share; numbers in their own order."""
    train, test = set(files["train"]), set(files["test"])
    if train != test:
        raise _different_classes(files, where, valid)
    for split in SPLITS:
        empty = [name for name, found in files[split].items() if not found]
        if empty:
            raise LsnError(f"no image in class {some(empty)} of {split}/", where=where, valid=valid)
    if len(train) < 2:
        raise LsnError(f"there is only one class, {some(train)}", where=where, valid="two or more classes")
    numbers = all(name.isascii() and name.isdigit() for name in train)
    unprintable = [name for name in train if not name.isprintable()]
    if unprintable:
        raise LsnError(f"class name {some(unprintable)} is not printable text", where=where)
    return tuple(sorted(train, key=lambda name: (int(name), name) if numbers else (0, name)))


def _different_classes(files: Files, where: str, valid: str) -> LsnError:
    sides, empty = [], True
    for split, other in (SPLITS, SPLITS[::-1]):
        only = files[split].keys() - files[other].keys()
        if without := {name for name in only if not files[split][name]}:
            sides.append(f"only in {split}/, without an image: {some(without)}")
        if images := only - without:
            sides.append(f"only in {split}/: {some(images)}")
            empty = False
    add = "give every class images in both train/ and test/"
    return LsnError(
        f"train/ and test/ have different classes; {'; '.join(sides)}",
        where=where,
        valid=valid,
        next=f"remove what is empty, or {add}" if empty else f"{add}, or take out the folders that are no class",
    )


def some(names: Iterable[str]) -> str:
    """Up to five of ``names``, and how many there are beyond."""
    names = sorted(names)
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return ", ".join(map(repr, names[:5])) + more
