"""A figure as JSON: ``cells`` in the words of the tables' JSON, and ``panels`` with everything that is drawn.

A cell of a figure of means is a point; of densities and projections, the runs behind one series or panel, whose
``mean`` is null.
"""

from __future__ import annotations

from typing import Any

from lsncli.report.figures.model import (
    CurvePanel,
    DensityPanel,
    Figure,
    LinePanel,
    Panel,
    PlanePanel,
    ProjectionPanel,
    WordsPanel,
)
from lsncli.report.json_text import json_text
from lsncli.report.table import Cell


def render_figure_json(figure: Figure) -> str:
    """The figure as text; a number that is not finite is null, as JSON has none."""
    value = {
        "title": figure.title,
        "profile": figure.profile,
        "figure": figure.number,
        "std": "sample standard deviation (ddof 1)",
        "cells": [_cell(cell) for cell in figure.cells()],
        "panels": [_panel(p) for p in figure.panels() if not isinstance(p, WordsPanel)],
        "caption": figure.caption,
        "footnotes": [{"mark": "", "text": note} for note in figure.notes],
        "source": figure.source,
        "fill": figure.fill,
    }
    return json_text(value)


def _cell(cell: Cell) -> dict[str, Any]:
    return {
        "row": cell.row,
        "column": cell.column,
        "metric": cell.metric,
        "unit": cell.unit,
        "mean": cell.mean,
        "std": cell.std,
        "n": cell.n,
        "values": cell.values,
        "keys": cell.keys,
        "paper": {"mean": cell.paper.mean, "std": cell.paper.std} if cell.paper else None,
        "status": cell.status,
        "stand_in": cell.stand_in,
        "failed": cell.failed,
    }


def _panel(panel: Panel) -> dict[str, Any]:
    if isinstance(panel, LinePanel):
        series = [
            {"label": s.label, "points": [{"x": p.x, **_cell(p.cell)} for p in s.points]} for s in panel.series
        ]
        return {"kind": "means", **_axes(panel), "series": series}
    if isinstance(panel, DensityPanel):
        densities = [
            {"label": s.label, **_runs(s.cell), "x": s.x, "mean": s.mean, "std": s.std} for s in panel.series
        ]
        return {"kind": "densities", **_axes(panel), "series": densities}
    if isinstance(panel, CurvePanel):
        curves = [{"label": c.label, "x": c.x, "y": c.y} for c in panel.curves]
        levels = [{"label": label, "y": y} for label, y in panel.levels]
        return {"kind": "curves", **_axes(panel), "series": curves, "levels": levels}
    if isinstance(panel, PlanePanel):
        lines = [{"label": s.label, "weights": s.weights, "value": s.value} for s in panel.separators]
        return {
            "kind": "separators",
            "title": panel.title,
            "series": lines,
            "points": panel.points,
            "given": panel.given,
            "true": panel.true,
        }
    assert isinstance(panel, ProjectionPanel)
    return {
        "kind": "projection",
        "title": panel.title,
        **_runs(panel.cell),
        "classes": panel.classes,
        "class_names": panel.names,
        "points": panel.points,
        "given": panel.given,
        "true": panel.true,
        "templates": panel.templates,
    }


def _axes(panel: LinePanel | DensityPanel | CurvePanel) -> dict[str, Any]:
    return {"title": panel.title, "x_label": panel.x_label, "y_label": panel.y_label}


def _runs(cell: Cell) -> dict[str, Any]:
    return {"n": cell.n, "keys": cell.keys, "status": cell.status, "stand_in": cell.stand_in}
