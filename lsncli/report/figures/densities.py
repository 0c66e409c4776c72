"""Figures 3 and 7: densities of the difference between a label's score and the average score.

The paper speaks of logits, but its differences end near 1: they are probabilities, whose average is 1/L. These are
drawn; ``quantity="logits"`` draws the difference of the logits themselves.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from lsncli.plan import RunSpec
from lsncli.recipe.resolve import ResolvedVariant
from lsncli.registry import Registry
from lsncli.report.figures.model import DensityPanel, DensitySeries, Figure, Floats, WordsPanel
from lsncli.report.figures.runs import FigureRuns
from lsncli.report.figures.wording import is_series_key, lettered, panel_words, runs_words, sentence, series_words
from lsncli.report.table import Cell, identity
from lsncli.store.description import NOISE_COUNTS

Quantity = Literal["probabilities", "logits"]
Part = Literal["full", "clean", "noisy"]
Label = Literal["true", "given", "max"]

#: The axes of the stored histograms.
PARTS: tuple[Part, ...] = ("full", "clean", "noisy")
LABELS: tuple[Label, ...] = ("true", "given", "max")

_ARRAYS = {"probabilities": "probability_margin_histograms", "logits": "logit_margin_histograms"}
_BINS = {"probabilities": 100, "logits": 120}
#: Outside of it, logits are counted in the end bins.
LOGIT_RANGE = (-20.0, 40.0)

_PANELS: dict[int, tuple[tuple[tuple[Part, Label], ...], ...]] = {
    3: ((("noisy", "true"), ("noisy", "given")),),
    7: tuple(tuple((part, label) for part in PARTS) for label in LABELS),
}
_LABEL_WORDS = {"true": "true label", "given": "given label", "max": "largest score"}
_PART_WORDS = {"full": "full train", "clean": "clean part", "noisy": "mislabelled part"}


def density_figure(
    number: int, runs: FigureRuns, components: Registry, quantity: Quantity = "probabilities"
) -> Figure:
    """The densities, averaged over the runs of each method; a row of panels for each problem of the recipe."""
    loaded = runs.found.resolved.loaded
    groups: dict[str, list[ResolvedVariant]] = {}
    for variant in runs.variants:
        groups.setdefault(identity(_row(variant)), []).append(variant)
    grid: list[tuple[DensityPanel | WordsPanel, ...]] = []
    wanted = _PANELS[number]
    index = 0
    count = len(groups) * sum(len(row) for row in wanted)
    for variants in groups.values():
        read = {id(v): _histograms(v, runs, quantity) for v in variants}
        num_classes = _num_classes(variants[0], runs, components)
        centres = _centres(num_classes, quantity)
        problem = panel_words(variants[0], _row(variants[0])) if len(groups) > 1 else ""
        for row in wanted:
            panels: list[DensityPanel | WordsPanel] = []
            for part, label in row:
                title = ", ".join(filter(None, (problem, _LABEL_WORDS[label], _PART_WORDS[part])))
                if (part, label) == ("clean", "given"):
                    panels.append(WordsPanel("On the clean part, the given label\nis the true label."))
                    continue
                index += 1
                panels.append(
                    DensityPanel(
                        title=lettered(title, index - 1, count),
                        x_label=_x_label(label, quantity, num_classes),
                        y_label="density",
                        series=_series(variants, read, part, label, centres, quantity),
                    )
                )
            grid.append(tuple(panels))
    cells = [s.cell for row in grid for panel in row if isinstance(panel, DensityPanel) for s in panel.series]
    return Figure(
        number=number,
        title=loaded.recipe.title,
        profile=loaded.profile,
        grid=tuple(grid),
        caption=sentence(
            f"Profile {loaded.profile}.",
            runs.setting(),
            f"Density on the training set, {_BINS[quantity]} bins, on a square-root scale: mean of"
            f" {runs_words(cells)}; shaded: ± sample standard deviation (ddof 1).",
            f"Differences beyond {LOGIT_RANGE[0]:g} and {LOGIT_RANGE[1]:g} are counted in the end bins."
            if quantity == "logits"
            else "The paper speaks of logits, but shows probabilities minus 1/L, as here.",
        ),
        notes=tuple(runs.notes()),
        fill=runs.fill(),
    )


def _row(variant: ResolvedVariant) -> dict[str, Any]:
    return {key: value for key, value in variant.coordinates.items() if not is_series_key(key)}


def _column(variant: ResolvedVariant) -> dict[str, Any]:
    return {key: value for key, value in variant.coordinates.items() if is_series_key(key)}


def _x_label(label: Label, quantity: Quantity, num_classes: int | None) -> str:
    which = {"true": "true label", "given": "given label", "max": "largest"}[label]
    if quantity == "logits":
        return f"logit({which}) − mean logit"
    return f"p({which}) − 1/L" if num_classes is not None else f"p({which})"


def _histograms(variant: ResolvedVariant, runs: FigureRuns, quantity: Quantity) -> dict[str, npt.NDArray[Any]]:
    read = runs.arrays(variant, _ARRAYS[quantity])
    shape = (len(PARTS), len(LABELS), _BINS[quantity])
    return {key: array for key, array in read.items() if array.shape == shape}


def _centres(num_classes: int | None, quantity: Quantity) -> Floats:
    low, high = LOGIT_RANGE
    if quantity == "probabilities":
        # Where nobody knows L, the same bins are those of the probability itself.
        average = 1.0 / num_classes if num_classes else 0.0
        low, high = -average, 1.0 - average
    edges = np.linspace(low, high, _BINS[quantity] + 1)
    centres: Floats = (edges[:-1] + edges[1:]) / 2
    return centres


def _num_classes(variant: ResolvedVariant, runs: FigureRuns, components: Registry) -> int | None:
    """L, from what the noise did in a run (rows: true classes), or else from the data set's record."""
    counts = runs.arrays(variant, NOISE_COUNTS, optional=True)
    for array in counts.values():
        return int(array.shape[0])
    spec: RunSpec = variant.specs[0]
    for name in (spec.data.name, variant.replaced_data):
        if name is not None and name in components.names("data set"):
            known = components.get("data set", name).num_classes
            if known is not None:
                return int(known)
    return None


def _series(
    variants: list[ResolvedVariant],
    read: Mapping[int, Mapping[str, npt.NDArray[Any]]],
    part: Part,
    label: Label,
    centres: Floats,
    quantity: Quantity,
) -> tuple[DensitySeries, ...]:
    width = float(centres[1] - centres[0])
    made = []
    for variant in variants:
        counts = {k: a[PARTS.index(part), LABELS.index(label)] for k, a in read[id(variant)].items()}
        # A part without examples (no noise, or no known true labels) has no density.
        densities = [c / (c.sum() * width) for c in counts.values() if c.sum() > 0]
        keys = tuple(spec.key for spec in variant.specs)
        n = len(densities)
        cell = Cell(
            row={**_row(variant), "part": part, "score": label},
            column=_column(variant),
            metric=_ARRAYS[quantity],
            unit="",
            values=(),
            keys=keys,
            mean=None,
            std=None,
            n=n,
            paper=None,
            status="complete" if n == len(keys) else "partial" if n else "missing",
            stand_in=variant.replaced_data,
        )
        stacked = np.stack(densities) if densities else None
        made.append(
            DensitySeries(
                label=series_words(_column(variant)),
                cell=cell,
                x=centres,
                mean=None if stacked is None else stacked.mean(axis=0),
                std=None if stacked is None or n < 2 else stacked.std(axis=0, ddof=1),
            )
        )
    return tuple(made)
