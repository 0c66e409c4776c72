"""Labels from a CSV file as a parameter: read while the plan is made, and stored by content.

The labels take the place of the file's path, so that the key of a run depends on what they are and not on where the
file lay, and a run can be trained where the file is not. They are packed: 50,000 labels of 10 classes are 33 kB.
"""

from __future__ import annotations

import base64
import binascii
import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Self

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationInfo, model_validator

Codes = npt.NDArray[np.int64]

#: Of these the first ones are a header even where there is no other column.
ALONE = ("label", "noisy_label")
LABEL_COLUMNS = (*ALONE, "noisy")
CLEAN_COLUMNS = ("clean_label", "true_label", "clean", "true")
POSITION_COLUMNS = ("index", "position")


class Column(BaseModel):
    """Labels as they stand in the file (numbers or names of classes), packed.

    names: the different ones, sorted. count: N. codes: base64 of each label's place in ``names``, in as few bits as
    the number of names takes, the highest bit first.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    names: tuple[str, ...]
    count: int
    codes: str

    @classmethod
    def of(cls, labels: Sequence[str]) -> Column:
        """Pack ``labels``."""
        names = sorted(set(labels))
        place = {name: i for i, name in enumerate(names)}
        codes = np.array([place[label] for label in labels], dtype=np.int64)
        bits = (codes[:, None] >> np.arange(_bits(len(names)))[::-1]) & 1
        packed = np.packbits(bits.astype(np.uint8).reshape(-1)).tobytes()
        return cls(names=tuple(names), count=len(labels), codes=base64.b64encode(packed).decode("ascii"))

    def unpacked(self) -> Codes:
        """Each label's place in ``names``, ``[N]``; raises ValueError where the codes are damaged."""
        bits = _bits(len(self.names))
        try:
            raw = np.frombuffer(base64.b64decode(self.codes, validate=True), dtype=np.uint8)
        except binascii.Error as error:
            raise ValueError(f"the packed labels are damaged ({error})") from None
        if self.count < 1 or len(raw) != -(-self.count * bits // 8):
            raise ValueError(f"there are not {self.count} packed labels")
        digits = np.unpackbits(raw)[: self.count * bits].reshape(self.count, bits).astype(np.int64)
        codes: Codes = digits @ (1 << np.arange(bits)[::-1])
        if codes.max() >= len(self.names):
            raise ValueError("the packed labels are damaged")
        return codes

    @model_validator(mode="after")
    def _whole(self) -> Self:
        self.unpacked()
        return self

    def numbers(self, reading: Mapping[str, int]) -> Codes:
        """The labels as class numbers ``[N]``, by what each of ``names`` means (:func:`reading_of`)."""
        return np.array([reading[name] for name in self.names], dtype=np.int64)[self.unpacked()]


class LabelTable(BaseModel):
    """The labels of a CSV file, and the true ones that stood beside them, if any did."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    labels: Column
    clean: Column | None = None

    @model_validator(mode="after")
    def _as_many(self) -> Self:
        if self.clean is not None and self.clean.count != self.labels.count:
            raise ValueError(f"{self.clean.count} true labels for {self.labels.count} labels")
        return self

    def numbers(self, class_names: Sequence[str], num_classes: int | None) -> tuple[Codes, Codes | None]:
        """The labels and the true ones as class numbers ``[N]``; both columns are read in the same way.

        Raises ValueError where they are neither all numbers nor all names of classes.
        """
        names = {*self.labels.names, *(() if self.clean is None else self.clean.names)}
        reading = reading_of(sorted(names), class_names, num_classes)
        return self.labels.numbers(reading), None if self.clean is None else self.clean.numbers(reading)


def reading_of(names: Sequence[str], class_names: Sequence[str], num_classes: int | None) -> dict[str, int]:
    """The class number that each of ``names``, all the different labels of a file, means.

    Decided for the whole file: where every label is the name of a class they are names, else they are numbers.
    Label by label, those of a data set whose classes are called "1", "2" and "3" would be neither. Raises
    ValueError for a label that is neither a number nor a name, and for a mixture of both.
    """
    named = {name: number for number, name in enumerate(class_names)}
    if all(name in named for name in names):
        return {name: named[name] for name in names}
    numbered = {name: int(name) for name in names if _is_number(name, num_classes)}
    if len(numbered) == len(names):
        return numbered
    numbers = f"0 to {num_classes - 1}" if num_classes else "the numbers from 0 on"
    classes = f"numbers: {numbers}; names: {', '.join(class_names[:5])}{', …' if len(class_names) > 5 else ''}"
    neither = next((name for name in names if name not in named and name not in numbered), None)
    if neither is not None:
        raise ValueError(f"{neither!r} is neither the number nor the name of a class ({classes})")
    no_name = next(name for name in names if name not in named)
    no_number = next(name for name in names if name not in numbered)
    raise ValueError(
        f"the labels are neither all numbers nor all names of classes: {no_name!r} is no name, {no_number!r} no"
        f" number ({classes}); write all of them as numbers, or all as names"
    )


def _is_number(label: str, num_classes: int | None) -> bool:
    return label.isascii() and label.isdigit() and (num_classes is None or int(label) < num_classes)


def _bits(names: int) -> int:
    return max(1, (names - 1).bit_length())


def read_table(value: object, info: ValidationInfo) -> object:
    """The table in the file whose path ``value`` is; anything else passes through, for the model to judge.

    A relative path starts from ``info.context["base_dir"]`` where there is one. Raises ValueError, which pydantic
    turns into a message with the parameter's name.
    """
    if not isinstance(value, str | Path):
        return value
    path = Path(value).expanduser()
    base = info.context.get("base_dir") if isinstance(info.context, Mapping) else None
    path = Path(base) / path if base is not None else path
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = [row for row in csv.reader(file) if row and not row[0].lstrip().startswith("#")]
        return _table(rows)
    except OSError as error:
        raise ValueError(f"cannot read the label file {path}: {error.strerror or error}") from None
    except (ValueError, csv.Error) as error:
        raise ValueError(f"label file {path}: {error}") from None


#: A CSV file of labels.
LabelFile = Annotated[LabelTable, BeforeValidator(read_table, json_schema_input_type=str)]


def _table(rows: list[list[str]]) -> LabelTable:
    """With a header, columns by name; without one, labels alone, or positions and labels."""
    if not rows:
        raise ValueError("it has no labels")
    rows = [[cell.strip() for cell in row] for row in rows]
    header = [cell.lower() for cell in rows[0]]
    if _is_header(header):
        rows = rows[1:]
        label = _column(header, LABEL_COLUMNS)
        if label is None:
            raise ValueError(f"no column is called {' or '.join(LABEL_COLUMNS)}; there are {', '.join(header)}")
        position, clean = _column(header, POSITION_COLUMNS), _column(header, CLEAN_COLUMNS)
    elif len(header) == 1:
        label, position, clean = 0, None, None
    elif len(header) == 2:
        label, position, clean = 1, 0, None
    else:
        raise ValueError(
            f"it has {len(header)} columns and no header; name them, for example index,label,clean_label"
        )
    for number, row in enumerate(rows, 1):
        if len(row) != len(header):
            raise ValueError(f"example {number} has {len(row)} columns, the first row {len(header)}")
    if not rows:
        raise ValueError("it has no labels")
    if position is not None:
        rows = _in_order(rows, position)
    return LabelTable(
        labels=Column.of([row[label] for row in rows]),
        clean=None if clean is None else Column.of([row[clean] for row in rows]),
    )


def _is_header(row: list[str]) -> bool:
    """Whether the first row, in lower case, names columns.

    Classes may be called clean and noisy: a row of a label alone, or of a position and a label, is none for that.
    """
    if len(row) == 1:
        return row[0] in ALONE
    if len(row) == 2 and row[0].isascii() and row[0].isdigit():
        return False
    return bool(set(row) & {*LABEL_COLUMNS, *CLEAN_COLUMNS, *POSITION_COLUMNS})


def _column(header: list[str], names: Sequence[str]) -> int | None:
    found = [i for i, name in enumerate(header) if name in names]
    if len(found) > 1:
        raise ValueError(f"several columns are called {' or '.join(names)}")
    return found[0] if found else None


def _in_order(rows: list[list[str]], position: int) -> list[list[str]]:
    """Rows by the number in their column ``position``: all of 0 … N−1, each once."""
    ordered: dict[int, list[str]] = {}
    for row in rows:
        text = row[position]
        if not (text.isascii() and text.isdigit()):
            raise ValueError(f"{text!r} is no position of an example (0, 1, 2, …)")
        if int(text) in ordered:
            raise ValueError(f"example {text} has two labels")
        ordered[int(text)] = row
    missing = next((i for i in range(len(rows)) if i not in ordered), None)
    if missing is not None:
        raise ValueError(f"example {missing} has no label: positions are those of the training set, from 0 on")
    return [ordered[i] for i in range(len(rows))]
