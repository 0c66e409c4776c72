"""How keys, values, metrics and numbers are worded in every format."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Mapping
from typing import Any, Literal

from lsncli.report.layout import LABEL, METRIC
from lsncli.report.table import Cell, Heading, Table

MISSING = "missing"
ABSENT = "–"

#: Names of metrics as a reader would say them; others are shown with spaces for underscores.
METRICS = {
    "test_accuracy": "test accuracy",
    "test_loss": "test loss",
    "test_nll": "test NLL",
    "test_ece_100": "test ECE (100 bins)",
    "test_ece_15": "test ECE (15 bins)",
    "validation_accuracy": "validation accuracy, noisy labels",
    "train_accuracy_full_true": "full train, true labels",
    "train_accuracy_full_given": "full train, given labels",
    "train_accuracy_clean_true": "clean part of train, true labels",
    "train_accuracy_clean_given": "clean part of train, given labels",
    "train_accuracy_noisy_true": "noisy part of train, true labels",
    "train_accuracy_noisy_given": "noisy part of train, noisy labels",
    "train_loss": "train loss",
    "images_per_second": "images per second",
    "noise_flip_rate": "flipped labels",
}

_KEYS = {
    "data.name": "data",
    "model.name": "model",
    "loss.name": "loss",
    "noise.name": "noise",
    "loss.alpha": "α",
    "noise.rate": "noise rate",
    LABEL: "method",
    METRIC: "metric",
}


def unit_of(metric: str) -> Literal["%", ""]:
    """``%`` for accuracies and rates of labels, which are stored as fractions."""
    words = metric.split("_")
    return "%" if "accuracy" in words or words[-2:] in (["flip", "rate"], ["error", "rate"]) else ""


def in_unit(value: float, unit: str) -> float:
    """A stored value in the report's unit; the product's last binary digits, which mean nothing, are dropped."""
    return round(value * 100, 10) if unit == "%" and math.isfinite(value) else value


def metric_words(metric: str) -> str:
    """A metric's name with its unit."""
    words = METRICS.get(metric, metric.replace("_", " "))
    return f"{words}, %" if unit_of(metric) else words


def key_words(key: str) -> str:
    """A coordinate's key, short."""
    return _KEYS.get(key) or key.removeprefix("train.").replace("_", " ").replace(".", " ")


def value_words(value: Any) -> str:
    """A coordinate's value; a dash where the combination has none."""
    if value is None:
        return ABSENT
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, Mapping):
        rest = ", ".join(f"{key_words(k)} {value_words(v)}" for k, v in value.items() if k != "name")
        return " ".join(part for part in (str(value.get("name", "")), rest) if part)
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(value_words, value)) + "]"
    return str(value)


def column_lines(table: Table, heading: Heading) -> list[str]:
    """The lines above a column: names alone, other values with their key; what a column lacks is left out."""
    if not table.column_keys:
        return [metric_words(table.metrics[0])]
    lines = []
    for key in table.column_keys:
        if key == METRIC:
            lines.append(metric_words(heading.metric or ""))
        elif heading.coordinates[key] is not None:
            value = value_words(heading.coordinates[key])
            lines.append(value if key == LABEL or key.endswith(".name") else f"{key_words(key)} = {value}")
    return lines


def row_cells(heading: Heading, keys: tuple[str, ...]) -> list[str]:
    """The cells at the head of a row, one per key."""
    return [
        metric_words(heading.metric or "") if key == METRIC else value_words(heading.coordinates[key])
        for key in keys
    ]


#: Characters that turn the direction of writing around, for all that follows.
_TURNING = dict.fromkeys((*range(0x202A, 0x202F), *range(0x2066, 0x206A)))


def one_line(text: str) -> str:
    """``text`` without line breaks and control characters, which a name must not smuggle into a layout.

    Half characters, which no file can hold, become question marks.
    """
    return " ".join(command_line(text).split())


def command_line(text: str) -> str:
    """The same for a command: blanks stay as they are, for a path with two of them is another with one."""
    plain = text.translate(_TURNING).encode("utf-8", "replace").decode("utf-8")
    return "".join(" " if unicodedata.category(c) in ("Cc", "Zl", "Zp") else c for c in plain)


def number(value: float | None, metric: str) -> str:
    """A number in as many digits as its metric is worth: 60.70 %, an ECE of 0.108, a loss of 2.303."""
    if value is None:
        return ""
    if not math.isfinite(value):
        return "nan" if math.isnan(value) else ("inf" if value > 0 else "-inf")
    if unit_of(metric):
        return f"{value:.2f}"
    if "ece" in metric.split("_"):
        return f"{value:.3f}"
    return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.4g}"


#: Most digits that a mean gets from a small deviation: a float32 of the engine has no more to say.
_MOST_DIGITS = 8


def mean_and_std(mean: float | None, std: float | None, metric: str = "") -> tuple[str, ...]:
    """A mean and its sample deviation as text, both to the same decimal place; the mean alone without one.

    Some metrics have digits of their own: 60.70 ± 0.41 %, an ECE of 0.108 ± 0.011. For others the deviation says
    how many there are, as two of its own are significant: 2.303 ± 0.021. One that is zero, not finite, or far below
    what the mean can show stands for itself: 0.4599 ± 1e-12.
    """
    if mean is None or std is None:
        return (number(mean, metric),)
    fixed = unit_of(metric) or "ece" in metric.split("_")
    if fixed or not (math.isfinite(mean) and math.isfinite(std)) or std == 0:
        return number(mean, metric), number(std, metric)
    # Of the rounded deviation: 0.0996 is 0.10, not 0.100.
    decimals = max(0, 1 - int(f"{std:.1e}".partition("e")[2]))
    told = f"{mean:z.{decimals}f}"
    if decimals > _MOST_DIGITS or len(told.lstrip("-0.").replace(".", "")) > _MOST_DIGITS:
        return number(mean, metric), f"{std:.2g}"
    return told, f"{std:.{decimals}f}"


def count(cell: Cell) -> str:
    """``5``, or ``3/5`` where runs are missing."""
    return str(cell.n) if cell.n == cell.expected else f"{cell.n}/{cell.expected}"


def caption(table: Table) -> str:
    """What a number of the table is, in one or two sentences."""
    parts = [f"Profile {table.profile}."]
    if METRIC not in (*table.row_keys, *table.column_keys):
        words = METRICS.get(table.metrics[0], table.metrics[0].replace("_", " "))
        parts.append(f"{words[:1].upper()}{words[1:]}{' in %' if unit_of(table.metrics[0]) else ''}.")
    parts.append("Mean ± sample standard deviation (ddof 1) of (n) runs.")
    if table.which == "best":
        parts.append("Each run at its evaluation of best test accuracy, which is optimistic.")
    return " ".join(parts)


def source_line(table: Table) -> str | None:
    """Where the published values come from."""
    return f"Published values: {table.source}." if table.source else None


def heading_text(table: Table) -> str:
    """The title, with the paper's number of the table where it has one and does not say so itself."""
    number_said = f"Table {table.number}"
    if table.number is None or table.title.lower().startswith(number_said.lower()):
        return table.title
    return f"{number_said}: {table.title}"
