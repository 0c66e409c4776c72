"""Figures 4, 8 and 9: which runs each shows, and what of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from figure_samples import finish, projection, resolved

from lsncli.errors import LsnError
from lsncli.report.figures.build import build_figure
from lsncli.report.figures.model import ProjectionPanel, WordsPanel
from lsncli.store import Store

RECIPE = """\
title = "Three classes"
figure = 4
seeds = [3, 5]
[data]
name = "digits"
[model]
name = "mlp"
[train]
steps = 100
[[sweep.case]]
label = "LS"
loss = { name = "label-smoothing" }
sweep = { "loss.alpha" = [0.6, 0.1] }
[[sweep.case]]
label = "Baseline"
loss = { name = "standard" }
"""


def titles(number: int) -> list[list[str]]:
    figure = build_figure(number, None)
    return [[panel.title for panel in row if isinstance(panel, ProjectionPanel)] for row in figure.grid]


def test_the_papers_arrangement() -> None:
    # Captions of the paper: 4 is ResNet-32 on CIFAR-100; 8 ResNet-56 on CIFAR-100 above ResNet-32 on CIFAR-10; 9
    # the corrections of Figure 4's problem.
    assert titles(4) == [["(a) LS, α = 0", "(b) LS, α = 0.1", "(c) LS, α = 0.2"]]
    eight = titles(8)
    assert [row[0].split("\n")[0] for row in eight] == ["(a) cifar100, resnet56", "(d) cifar10, resnet32"]
    assert [title.split("\n")[1] for title in eight[1]] == ["LS, α = 0", "LS, α = 0.1", "LS, α = 0.2"]
    assert titles(9) == [["(a) FC, α = 0.2", "(b) BC, α = 0.2"]]


def test_the_first_seed_that_is_there_is_shown(folder: Path) -> None:
    (folder / "three.toml").write_text(RECIPE)
    recipe = resolved("three.toml")
    with Store.open("results.db") as store:
        specs = next(v for v in recipe.variants if v.coordinates["label"] == "Baseline").specs
        finish(store, specs[1])
        for name, array in projection(specs[1]).items():
            store.record_array(specs[1].key, 100, name, array)
        figure = build_figure(4, store, recipe="three.toml")
    panels = [panel for panel in figure.panels() if isinstance(panel, ProjectionPanel)]
    # Plain training first, then by α.
    assert [panel.title for panel in panels] == ["(a) Baseline", "(b) LS, α = 0.1", "(c) LS, α = 0.6"]
    first = panels[0]
    assert first.points is not None
    np.testing.assert_array_equal(first.points, projection(specs[1])["projection_points"])
    assert (first.cell.keys, first.cell.status) == ((specs[1].key,), "complete")
    # scikit-learn calls its digits by their figures.
    assert first.names == ("0", "1", "2")
    assert "seed 5" in figure.caption
    assert [panel.cell.status for panel in panels[1:]] == ["missing", "missing"]
    assert figure.notes[0].startswith("Missing: 5 of 6 runs.")


def test_without_true_labels_nothing_is_black(folder: Path) -> None:
    (folder / "three.toml").write_text(RECIPE)
    spec = resolved("three.toml").variants[0].specs[0]
    with Store.open("results.db") as store:
        finish(store, spec)
        for name, array in projection(spec).items():
            if name != "projection_true":
                store.record_array(spec.key, 100, name, array)
        figure = build_figure(4, store, recipe="three.toml")
    shown = [p for p in figure.panels() if isinstance(p, ProjectionPanel) and p.points is not None]
    assert [(p.true, p.cell.status) for p in shown] == [(None, "complete")]
    assert "nothing is black" in figure.caption


def test_more_panels_than_fit_in_a_row(folder: Path) -> None:
    (folder / "three.toml").write_text(RECIPE.replace("[0.6, 0.1]", "[0.1, 0.2, 0.3, 0.4, 0.5]"))
    figure = build_figure(4, None, recipe="three.toml")
    assert [len(row) for row in figure.grid] == [4, 4]
    assert [isinstance(panel, WordsPanel) for panel in figure.grid[1]] == [False, False, True, True]


@pytest.mark.parametrize("number", [8, 4])
def test_one_problem_alone(folder: Path, number: int) -> None:
    (folder / "three.toml").write_text(RECIPE)
    assert len(build_figure(number, None, recipe="three.toml").cells()) == 3


def test_a_recipe_without_corrections(folder: Path) -> None:
    (folder / "three.toml").write_text(RECIPE)
    with pytest.raises(LsnError, match="no run that figure 9 shows") as error:
        build_figure(9, None, recipe="three.toml")
    assert "forward-correction" in str(error.value.valid)
