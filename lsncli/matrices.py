"""Square matrices as parameters: written in the recipe or read from a file, checked, and stored by content.

A file's numbers take the place of its path while the parameters are validated, so that the key of a run
depends on what the matrix is and not on where it lay.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
from pydantic import BeforeValidator, ValidationInfo

Rows = tuple[tuple[float, ...], ...]
Array = npt.NDArray[np.float64]

#: How far a row's sum may be from 1: matrices are written by hand and rounded to six digits.
SUM_TOLERANCE = 1e-5


def as_array(rows: Rows) -> Array:
    """The matrix as float64 ``[L, L]``."""
    return np.array(rows, dtype=np.float64)


def as_transition(rows: Rows) -> Array:
    """A row-stochastic matrix as float64 ``[L, L]``, the rounding of its rows' sums removed."""
    matrix = as_array(rows)
    normalised: Array = matrix / matrix.sum(axis=1, keepdims=True)
    return normalised


def check_size(rows: Rows, num_classes: int | None, name: str = "matrix") -> None:
    """Raise ValueError if the matrix is not for ``num_classes`` classes (None: not known yet)."""
    if num_classes is not None and len(rows) != num_classes:
        raise ValueError(
            f"{name} is {len(rows)} x {len(rows)}, but the data has {num_classes} classes"
            f" (it must be {num_classes} x {num_classes})"
        )


def check_transition(matrix: Array, name: str = "matrix") -> None:
    """Raise ValueError unless every entry is a probability and every row sums to 1 (within 1e-5)."""
    # Not "below 0 or above 1", which a NaN is not.
    outside = np.argwhere(~((matrix >= 0) & (matrix <= 1)))
    if len(outside):
        i, j = outside[0]
        raise ValueError(
            f"{name} is not row-stochastic: the entry in row {i + 1}, column {j + 1} is {matrix[i, j]:g},"
            " not a probability"
        )
    sums = matrix.sum(axis=1)
    wrong = np.flatnonzero(np.abs(sums - 1) > SUM_TOLERANCE)
    if len(wrong):
        raise ValueError(f"{name} is not row-stochastic: row {wrong[0] + 1} sums to {sums[wrong[0]]:.6g}, not 1")


def read_square(value: object, info: ValidationInfo) -> Rows:
    """Rows of a square matrix of finite numbers from nested lists, an array, or a file's path.

    A relative path starts from ``info.context["base_dir"]`` where there is one. Raises ValueError, which
    pydantic turns into a message with the parameter's name.
    """
    if not isinstance(value, str | Path):
        return _square(value)
    try:
        path = Path(value).expanduser()
    except RuntimeError as error:  # ~ of somebody who has no home here
        raise ValueError(f"cannot read the matrix file {str(value)!r}: {error}") from None
    base = info.context.get("base_dir") if isinstance(info.context, Mapping) else None
    path = Path(base) / path if base is not None else path
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        raise ValueError(f"cannot read a matrix from {str(value)!r}: the file must end in {', '.join(_READERS)}")
    try:
        return _square(reader(path))
    except OSError as error:
        raise ValueError(f"cannot read the matrix file {path}: {error.strerror or error}") from None
    except (ValueError, EOFError, RecursionError, csv.Error) as error:
        raise ValueError(f"matrix file {path}: {error or 'not readable'}") from None


def read_transition(value: object, info: ValidationInfo) -> Rows:
    """As :func:`read_square`, for row-stochastic matrices T[i, j] = P(noisy j | true i)."""
    rows = read_square(value, info)
    check_transition(as_array(rows))
    return rows


#: A row-stochastic matrix of four classes, without zeros and without symmetry.
TRANSITION_EXAMPLE = [[0.7, 0.1, 0.1, 0.1], [0.2, 0.6, 0.1, 0.1], [0.05, 0.15, 0.7, 0.1], [0.1, 0.1, 0.3, 0.5]]
#: Any square matrix of finite numbers.
SquareMatrix = Annotated[Rows, BeforeValidator(read_square, json_schema_input_type=list[list[float]] | str)]
#: A row-stochastic matrix.
TransitionMatrix = Annotated[Rows, BeforeValidator(read_transition, json_schema_input_type=list[list[float]] | str)]


def _square(value: Any) -> Rows:
    if isinstance(value, np.ndarray):
        if value.dtype.kind not in "fiu":
            raise ValueError(f"a matrix has real numbers, not values of type {value.dtype}")
        value = value.tolist()
    if not _is_sequence(value) or not all(_is_sequence(row) for row in value):
        raise ValueError("a matrix is a list of rows, each a list of numbers, or the path of a file")
    rows = tuple(tuple(_number(entry, i, j) for j, entry in enumerate(row, 1)) for i, row in enumerate(value, 1))
    for i, row in enumerate(rows, 1):
        if len(row) != len(rows):
            raise ValueError(
                f"the matrix is not square: it has {len(rows)} rows, and row {i} has {len(row)} entries"
            )
    if len(rows) < 2:
        raise ValueError("a matrix needs at least two classes")
    return rows


def _is_sequence(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str | bytes)


def _number(entry: object, i: int, j: int) -> float:
    # A bool is an int to Python, but in a matrix it is a mistake.
    if isinstance(entry, bool) or not isinstance(entry, int | float):
        raise ValueError(f"the entry in row {i}, column {j} is {entry!r}, not a number")
    try:
        number = float(entry)
    except OverflowError:
        number = float("inf")
    if not np.isfinite(number):
        raise ValueError(f"the entry in row {i}, column {j} is not a finite number")
    return number


def _read_csv(path: Path) -> list[list[float | str]]:
    with path.open(newline="", encoding="utf-8-sig") as file:
        lines = [row for row in csv.reader(file) if row and not row[0].lstrip().startswith("#")]
    return [[_parsed(cell) for cell in row] for row in lines]


def _parsed(cell: str) -> float | str:
    try:
        return float(cell)
    except ValueError:
        return cell  # reported with its row and column, like a wrong entry of any other source


def _read_json(path: Path) -> object:
    return json.loads(path.read_text(encoding="utf-8-sig"))


def _read_npy(path: Path) -> object:
    # Mapped first: a damaged header that promises more than the file holds must not be allocated. Pickles
    # could run code, so they are refused.
    loaded = np.load(path, mmap_mode="r", allow_pickle=False)
    if not isinstance(loaded, np.ndarray):
        loaded.close()
        raise ValueError("it is an archive of arrays; save one array with numpy.save")
    return np.array(loaded)


_READERS: dict[str, Callable[[Path], object]] = {".csv": _read_csv, ".json": _read_json, ".npy": _read_npy}
