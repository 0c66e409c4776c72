"""Colours, lines and sizes: told apart without colour vision, and without colour."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

#: Okabe and Ito, "Color Universal Design" (2008); their yellow is too light for lines on white.
BLACK, ORANGE, SKY, GREEN = "#000000", "#E69F00", "#56B4E9", "#009E73"
BLUE, VERMILLION, PURPLE = "#0072B2", "#D55E00", "#CC79A7"
GREY = "#666666"

#: Three classes of a projection: colours and, for those who do not see them, shapes.
CLASSES = ((VERMILLION, "o"), (BLUE, "^"), (GREEN, "s"))

_SETTINGS: Any = {
    "font.size": 9,
    "axes.titlesize": 9,
    "axes.labelsize": 9,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "legend.fontsize": 8.5,
    "figure.titlesize": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.7,
    "lines.linewidth": 1.5,
    "lines.markersize": 4.5,
    "legend.frameon": False,
    "savefig.dpi": 200,
    "figure.dpi": 200,
    # What a recipe says is text, not mathematics: a dollar is a dollar.
    "text.parse_math": False,
    "axes.formatter.use_mathtext": False,
    "axes.unicode_minus": True,
    # The same numbers give the same file.
    "svg.hashsalt": "lsn",
    "pdf.fonttype": 42,
}


@dataclass(frozen=True, slots=True)
class Look:
    """How one series is drawn."""

    color: str
    line: Any
    marker: str


#: The paper's methods look the same in every figure; whatever else there is takes what is left, in order.
_KNOWN = {
    "Baseline": Look(BLACK, "-", "D"),
    "LS": Look(BLUE, "-", "o"),
    "FC": Look(VERMILLION, "--", "s"),
    "BC": Look(GREEN, "-.", "^"),
}
_OTHERS = (
    Look(PURPLE, (0, (5, 1, 1, 1, 1, 1)), "v"),
    Look(ORANGE, ":", "P"),
    Look(SKY, (0, (7, 2)), "X"),
    Look(GREY, (0, (2, 1)), "<"),
)


def looks(labels: Sequence[str]) -> dict[str, Look]:
    """A look for each label; two labels share one only where there are more of them than looks."""
    first = {label.split(",")[0].split(" ")[0]: label for label in reversed(labels)}
    chosen = {first[name]: look for name, look in _KNOWN.items() if name in first}
    taken = set(chosen.values())
    free = [*_OTHERS, *_KNOWN.values(), *_mixed()]
    free = [look for look in free if look not in taken]
    for index, label in enumerate(label for label in labels if label not in chosen):
        chosen[label] = free[index % len(free)]
    return chosen


def _mixed() -> Iterator[Look]:
    """The colours with the lines and markers of other ones."""
    every = [*_KNOWN.values(), *_OTHERS]
    for shift in range(1, len(every)):
        for index, look in enumerate(every):
            other = every[(index + shift) % len(every)]
            if look.line != other.line:
                yield Look(look.color, other.line, other.marker)


@contextmanager
def styled() -> Iterator[None]:
    """Our settings and nothing of the user's matplotlibrc, for as long as a figure is drawn."""
    import warnings

    import matplotlib

    with matplotlib.rc_context(), warnings.catch_warnings():
        # A name in letters that the font lacks is drawn as boxes; it is no reason to warn on every figure.
        warnings.filterwarnings("ignore", message="Glyph .* missing", category=UserWarning)
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_SETTINGS)
        yield
