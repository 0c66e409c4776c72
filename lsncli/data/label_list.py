"""A CSV file that says of images what they are: ``file``, ``label`` and, if need be, ``split``, one row each."""

from __future__ import annotations

import csv
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from lsncli.data.splits import SPLITS
from lsncli.errors import LsnError

COLUMNS = "a header with the columns file, label and, where the files are not under train/ and test/, split"
_DELIMITERS = (",", ";", "\t")


@dataclass(frozen=True, slots=True)
class LabelledFile:
    """A row. file: the path as it is written there, in parts; split: ``train``, ``test`` or None; line: from 1."""

    line: int
    file: tuple[str, ...]
    label: str
    split: str | None


def read_label_list(path: Path) -> list[LabelledFile]:
    """The rows of ``path``, in their order; fields are separated by commas, semicolons or tabs, as the header is.

    Names of columns may be in any case, and other columns are passed over. Raises :class:`LsnError` for a file that
    cannot be read, columns that are not there, and rows without a file or a label.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = _rows(file, path)
    except OSError as error:
        raise LsnError(
            f"cannot read the label file: {error.strerror or error}",
            where=f"--labels {path}",
            next="check the path",
        ) from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise LsnError(
            f"the label file is no CSV file in UTF-8 ({error})", where=str(path), valid=COLUMNS
        ) from None
    if not rows:
        raise LsnError("the label file has no row below its header", where=str(path), valid=COLUMNS)
    return rows


def _rows(file: TextIO, path: Path) -> list[LabelledFile]:
    header = file.readline()
    delimiter = max(_DELIMITERS, key=header.count)
    names = [name.strip().lower() for name in next(csv.reader([header], delimiter=delimiter), [])]
    if not {"file", "label"} <= set(names):
        raise LsnError(
            f"the label file does not say which column is what (its first line: {header.strip()[:80]!r})",
            where=f"{path}:1",
            valid=COLUMNS,
        )
    twice = [name for name in ("file", "label", "split") if names.count(name) > 1]
    if twice:
        raise LsnError(f"the label file has two columns {twice[0]!r}", where=f"{path}:1", valid=COLUMNS)
    reader = csv.reader(file, delimiter=delimiter)
    rows = []
    for fields in reader:
        if any(map(str.strip, fields)):
            row = dict(zip(names, map(str.strip, fields), strict=False))
            rows.append(_row(row, f"{path}:{reader.line_num + 1}", reader.line_num + 1))
    return rows


def _row(row: dict[str, str], where: str, line: int) -> LabelledFile:
    for name in ("file", "label"):
        if not row.get(name):
            raise LsnError(f"a row of the label file has no {name}", where=where)
    split = row.get("split", "").lower()
    if split and split not in SPLITS:
        raise LsnError(
            f"a row of the label file is of the split {row['split']!r}",
            where=where,
            valid=SPLITS,
            next="lsn holds validation images out of the training images itself: data.validation_size",
        )
    parts = unicodedata.normalize("NFC", row["file"].replace("\\", "/")).split("/")
    label = unicodedata.normalize("NFC", row["label"])
    return LabelledFile(line, tuple(p for p in parts if p not in ("", ".")), label, split or None)
