"""How panels, series and captions of figures are worded."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from lsncli.recipe.resolve import ResolvedVariant
from lsncli.report.table import Cell
from lsncli.report.wording import key_words, one_line, value_words

LABEL = "label"

#: Swept keys of these sections tell the series of a panel apart; all others tell panels apart.
_OF_A_SERIES = ("loss", "teacher", "distillation", "transition")


def is_series_key(key: str) -> bool:
    """Whether a swept key tells methods apart, as opposed to problems."""
    return key == LABEL or key.partition(".")[0] in _OF_A_SERIES


def panel_words(variant: ResolvedVariant, coordinates: Mapping[str, Any]) -> str:
    """The problem of a panel: ``cifar100, resnet32``; a stand-in says for whom it stands."""
    parts = []
    for key, value in coordinates.items():
        text = value_words(value)
        if key == "data.name" and variant.replaced_data is not None:
            text = f"{text} (for {variant.replaced_data})"
        parts.append(text if key.endswith(".name") else f"{axis_words(key)} = {text}")
    return one_line(", ".join(parts))


def series_words(coordinates: Mapping[str, Any]) -> str:
    """The method of a series: ``LS``, or ``LS, α = 0.1``; what it lacks is left out."""
    parts = [
        value_words(value) if key == LABEL or key.endswith(".name") else f"{axis_words(key)} = {value_words(value)}"
        for key, value in coordinates.items()
        if value is not None
    ]
    return one_line(", ".join(parts))


def axis_words(key: str) -> str:
    """A swept key on an axis or in a title."""
    if key.startswith("teacher."):
        return f"{key_words(key.removeprefix('teacher.'))} of the teacher"
    return key_words(key)


def lettered(title: str, index: int, count: int) -> str:
    """``(a) title`` where there are several panels."""
    return f"({chr(ord('a') + index % 26)}) {title}".strip() if count > 1 else title


def runs_words(cells: Iterable[Cell]) -> str:
    """How many runs a mean is made of: ``n = 5 runs``, ``n = 2 to 5 runs``."""
    counts = sorted({cell.n for cell in cells if cell.n})
    if not counts:
        return "n = 0 runs"
    if len(counts) == 1:
        return f"n = {counts[0]} run{'s' if counts[0] > 1 else ''}"
    return f"n = {counts[0]} to {counts[-1]} runs"


def sentence(*parts: str) -> str:
    """Those of the sentences that say something, with spaces between them."""
    return " ".join(part for part in parts if part)
