"""Panels of points in the plane: projected pre-logits, and the synthetic problem with its separators."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lsncli.report.figures.drawing_lines import NOTHING
from lsncli.report.figures.model import PlanePanel, ProjectionPanel, Separator
from lsncli.report.figures.style import BLACK, BLUE, CLASSES, GREY, ORANGE, PURPLE, SKY, VERMILLION

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: From this many points on, a vector file holds them as an image: thousands of shapes make it heavy.
_AS_IMAGE = 500

_LINES: tuple[Any, ...] = ("--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (7, 2)))
_COLORS = (VERMILLION, BLUE, PURPLE, ORANGE, SKY)


def draw_projection(
    panel: ProjectionPanel, axes: Axes, entries: list[tuple[Any, str]], names: tuple[str, ...]
) -> None:
    """Three classes by colour and shape; examples whose given label is wrong in black; templates as stars.

    names: of the colours in the legend.
    """
    axes.set_title(panel.title)
    axes.set_xticks([], [])
    axes.set_yticks([], [])
    for side in ("top", "right"):
        axes.spines[side].set_visible(True)
    if panel.points is None or panel.given is None or panel.templates is None:
        axes.text(0.5, 0.5, NOTHING, transform=axes.transAxes, ha="center", va="center", color=GREY, fontsize=9)
        return
    wrong = np.zeros(len(panel.given), bool) if panel.true is None else panel.given != panel.true
    image = len(panel.points) >= _AS_IMAGE
    for (color, marker), number, name in zip(CLASSES, panel.classes, names, strict=False):
        for noisy, drawn in ((False, color), (True, BLACK)):
            chosen = panel.points[(panel.given == number) & (wrong == noisy)]
            axes.scatter(
                chosen[:, 0],
                chosen[:, 1],
                s=7 if noisy else 5,
                marker=marker,
                color=drawn,
                alpha=0.75 if noisy else 0.55,
                linewidths=0,
                zorder=3 if noisy else 2,
                rasterized=image,
            )
        entries.append((_dot(axes, color, marker), name))
    shown = panel.templates[: len(CLASSES)]
    axes.scatter(
        shown[:, 0],
        shown[:, 1],
        s=70,
        marker="*",
        color=[color for color, _ in CLASSES[: len(shown)]],
        edgecolors="white",
        linewidths=0.6,
        zorder=4,
    )
    entries.append((_dot(axes, BLACK, "o"), "given label is wrong"))
    entries.append((_dot(axes, GREY, "*", size=8), "template"))
    # One unit is as long in both directions: the basis is orthonormal.
    _square(axes, np.vstack([panel.points, panel.templates]))


def draw_plane(panel: PlanePanel, axes: Axes, entries: list[tuple[Any, str]], names: tuple[str, ...]) -> None:
    """The two classes and the separators; flipped examples in black. names: of the lines in the legend."""
    axes.set_title(panel.title)
    axes.set_xlabel("first coordinate")
    axes.set_ylabel("second coordinate")
    flipped = panel.given != panel.true
    image = len(panel.points) >= _AS_IMAGE
    groups = (
        ("positive", (panel.given == 1) & ~flipped, SKY, "^", 8),
        ("negative", (panel.given == 0) & ~flipped, ORANGE, "o", 8),
        ("negative, labelled positive", flipped, BLACK, "x", 14),
    )
    for label, chosen, color, marker, size in groups:
        width = 0.8 if marker == "x" else 0
        axes.scatter(
            panel.points[chosen, 0],
            panel.points[chosen, 1],
            s=size,
            marker=marker,
            color=color,
            linewidths=width,
            alpha=0.9,
            rasterized=image,
        )
        entries.append((_dot(axes, color, marker), label))
    axes.set_xlim(-1.7, 1.7)
    axes.set_ylim(-1.7, 1.7)
    axes.set_aspect("equal")
    references = [s for s in panel.separators if s.value is None]
    for index, separator in enumerate(references):
        color, width = (BLACK, 2.2) if index == 0 else (GREY, 1.0)
        entries.append((_line(separator, axes, color=color, linestyle="-", linewidth=width), separator.label))
    valued = [separator for separator in panel.separators if separator.value is not None]
    for index, (separator, name) in enumerate(zip(valued, names, strict=False)):
        how = {"color": _COLORS[index % len(_COLORS)], "linestyle": _LINES[index % len(_LINES)]}
        entries.append((_line(separator, axes, **how), name))


def _line(separator: Separator, axes: Axes, **style: Any) -> Any:
    """The part of w₁x₁ + w₂x₂ + w₃ = 0 inside a circle around the panel."""
    normal = np.array(separator.weights[:2])
    foot = -separator.weights[2] * normal / (normal @ normal)
    along = np.array([-normal[1], normal[0]]) / np.linalg.norm(normal)
    ends = np.stack([foot - 5 * along, foot + 5 * along])
    return axes.plot(*ends.T, **style)[0]


def _square(axes: Axes, points: Any) -> None:
    low, high = points.min(axis=0), points.max(axis=0)
    half = max(float((high - low).max()) / 2, 1e-9) * 1.06
    centre = (low + high) / 2
    axes.set_xlim(centre[0] - half, centre[0] + half)
    axes.set_ylim(centre[1] - half, centre[1] + half)
    axes.set_aspect("equal")


def _dot(axes: Axes, color: str, marker: str, size: float = 5) -> Any:
    return axes.plot([], [], color=color, marker=marker, linestyle="none", markersize=size)[0]
