"""Figures 4, 8 and 9: pre-logits of three classes, projected on the plane through the classes' templates.

The procedure is that of Müller, Kornblith and Hinton, "When does label smoothing help?" (2019), section 2: the
engine stores the projection of the training examples whose given label is one of three classes.
"""

from __future__ import annotations

import textwrap
from contextlib import suppress
from typing import Any

import numpy as np

from lsncli.data.catalogue import describe
from lsncli.errors import LsnError
from lsncli.plan import RunSpec
from lsncli.recipe.resolve import ResolvedVariant
from lsncli.registry import Registry
from lsncli.replaced_data import digest_here
from lsncli.report.figures.model import Figure, ProjectionPanel, WordsPanel
from lsncli.report.figures.runs import FigureRuns
from lsncli.report.figures.wording import is_series_key, lettered, panel_words, sentence, series_words
from lsncli.report.table import Cell
from lsncli.report.wording import one_line

#: The losses of Figure 9; Figures 4 and 8 show all others.
_CORRECTIONS = frozenset({"forward-correction", "backward-correction"})
#: Panels in a row of the figure.
_COLUMNS = 4
#: Characters of a panel's title that are no wider than the panel, where three of them are side by side.
_TITLE_WIDTH = 38

_POINTS, _GIVEN, _TRUE = "projection_points", "projection_given", "projection_true"
_TEMPLATES, _CLASSES = "projection_templates", "projection_classes"

Problem = tuple[str, str]


def projection_figure(number: int, runs: FigureRuns, components: Registry) -> Figure:
    """One panel per method, of the first seed that is there; a row of panels for each problem.

    Raises :class:`LsnError` for a recipe without the losses that the figure shows.
    """
    loaded = runs.found.resolved.loaded
    rows = _choose(number, runs)
    count = sum(map(len, rows))
    panels: list[ProjectionPanel | WordsPanel]
    grid: list[tuple[ProjectionPanel | WordsPanel, ...]] = []
    index = 0
    for variants in rows:
        problem = len(rows) > 1
        panels = []
        for variant in variants:
            panels.append(_panel(variant, runs, components, lettered(_title(variant, problem), index, count)))
            index += 1
        width = max(min(len(row), _COLUMNS) for row in rows)
        for start in range(0, len(panels), width):
            part = panels[start : start + width]
            grid.append((*part, *(WordsPanel("") for _ in range(width - len(part)))))
    panels = [panel for row in grid for panel in row]
    seeds = {_seed(panel, runs) for panel in panels if isinstance(panel, ProjectionPanel) and panel.cell.n}
    return Figure(
        number=number,
        title=loaded.recipe.title,
        profile=loaded.profile,
        grid=tuple(grid),
        caption=sentence(
            f"Profile {loaded.profile}.",
            runs.setting(),
            "Pre-logits of the training examples with one of three given labels, in the plane through the classes'"
            " templates (stars).",
            "Shape: given label; black: the given label is wrong.",
            "Where the true labels are not known, nothing is black."
            if any(isinstance(p, ProjectionPanel) and p.cell.n and p.true is None for p in panels)
            else "",
            f"n = 1 run per panel, seed {', '.join(map(str, sorted(seeds)))}." if seeds else "n = 0 runs.",
        ),
        notes=tuple(runs.notes()),
        fill=runs.fill(),
    )


def _choose(number: int, runs: FigureRuns) -> list[list[ResolvedVariant]]:
    """The variants of the figure, by problem; the paper's own problem first."""
    corrections = number == 9
    problems: dict[Problem, list[ResolvedVariant]] = {}
    for variant in runs.variants:
        if (variant.specs[0].loss.name in _CORRECTIONS) == corrections:
            problems.setdefault(_problem(variant), []).append(variant)
    if not problems:
        raise LsnError(
            f"the recipe has no run that figure {number} shows",
            where=runs.found.resolved.loaded.source.name,
            valid=f"losses {', '.join(sorted(_CORRECTIONS))}" if corrections else "losses that are no correction",
        )
    main = ("cifar100", "resnet32")
    first = main if main in problems else next(iter(problems))
    if number != 8:
        return [_by_strength(problems[first])]
    # Figure 8 has another model on the first data, and another data set with the first model.
    others = [p for p in problems if p != first]
    nearest = [p for p in others if (p[0] == first[0]) != (p[1] == first[1])]
    return [_by_strength(problems[p]) for p in nearest or others or [first]]


def _problem(variant: ResolvedVariant) -> Problem:
    spec = variant.specs[0]
    return variant.replaced_data or spec.data.name, spec.model.name


def _by_strength(variants: list[ResolvedVariant]) -> list[ResolvedVariant]:
    """In the order of α within each label; plain training has none and comes first."""
    labels = {label: i for i, label in enumerate(dict.fromkeys(_label(v) for v in variants))}

    def place(variant: ResolvedVariant) -> tuple[bool, int, float]:
        alpha = variant.coordinates.get("loss.alpha")
        plain = variant.specs[0].loss.name == "standard"
        return (not plain, labels[_label(variant)], float(alpha) if isinstance(alpha, int | float) else 0.0)

    return sorted(variants, key=place)


def _label(variant: ResolvedVariant) -> str:
    return str(variant.coordinates.get("label"))


def _title(variant: ResolvedVariant, with_problem: bool) -> str:
    series = series_words({k: v for k, v in variant.coordinates.items() if is_series_key(k)})
    if not with_problem:
        return series
    problem = panel_words(variant, {k: v for k, v in variant.coordinates.items() if not is_series_key(k)})
    lines = textwrap.wrap(problem, _TITLE_WIDTH, break_long_words=False, break_on_hyphens=False)
    return "\n".join(filter(None, (*lines, series)))


def _panel(variant: ResolvedVariant, runs: FigureRuns, components: Registry, title: str) -> ProjectionPanel:
    points = runs.arrays(variant, _POINTS)
    chosen = next((spec for spec in variant.specs if spec.key in points), variant.specs[0])
    others = {
        name: runs.arrays(variant, name, optional=True).get(chosen.key)
        for name in (_GIVEN, _TRUE, _TEMPLATES, _CLASSES)
    }
    there = chosen.key in points and all(others[name] is not None for name in (_GIVEN, _TEMPLATES, _CLASSES))
    cell = Cell(
        row={k: v for k, v in variant.coordinates.items() if not is_series_key(k)},
        column={k: v for k, v in variant.coordinates.items() if is_series_key(k)},
        metric=_POINTS,
        unit="",
        values=(),
        keys=(chosen.key,),
        mean=None,
        std=None,
        n=int(there),
        paper=None,
        status="complete" if there else "missing",
        stand_in=variant.replaced_data,
    )
    if not there:
        return ProjectionPanel(title, cell)
    classes = tuple(int(c) for c in np.asarray(others[_CLASSES]))
    return ProjectionPanel(
        title=title,
        cell=cell,
        classes=classes,
        names=_names(chosen, classes, runs, components),
        points=np.asarray(points[chosen.key], dtype=np.float64),
        given=np.asarray(others[_GIVEN], dtype=np.int64),
        true=None if others[_TRUE] is None else np.asarray(others[_TRUE], dtype=np.int64),
        templates=np.asarray(others[_TEMPLATES], dtype=np.float64),
    )


def _names(spec: RunSpec, classes: tuple[int, ...], runs: FigureRuns, components: Registry) -> tuple[str, ...]:
    """What the classes are called: a prepared set says it where it is at hand, with the run's own contents."""
    known: tuple[Any, ...] = ()
    if spec.data.name in components.names("data set"):
        known = components.get("data set", spec.data.name).class_names
    elif runs.results is not None and runs.data_dir is not None:
        with suppress(LsnError):
            about = describe(spec.data.name, runs.data_dir)
            trained_on = runs.results.data_digests([spec.key]).get(spec.key)
            if trained_on is not None and trained_on == digest_here(spec.data, runs.data_dir):
                known = about.class_names
    return tuple(one_line(str(known[c])) if 0 <= c < len(known) else f"class {c}" for c in classes)


def _seed(panel: ProjectionPanel, runs: FigureRuns) -> int:
    specs = {spec.key: spec for variant in runs.variants for spec in variant.specs}
    return specs[panel.cell.keys[0]].seed
