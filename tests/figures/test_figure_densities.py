"""Figures 3 and 7: densities of stored histograms, averaged over runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from figure_samples import finish, resolved

from lsncli.errors import LsnError
from lsncli.report.figures.build import build_figure
from lsncli.report.figures.model import DensityPanel, WordsPanel
from lsncli.store import Store

NOISY, TRUE, GIVEN = 2, 0, 1
NAME = "probability_margin_histograms"


def histogram(bins: int = 100, **counts: int) -> np.ndarray[Any, Any]:
    """Zeros, but for the mislabelled part's true label: ``b0=30`` puts 30 examples into bin 0."""
    array = np.zeros((3, 3, bins), np.int64)
    for name, count in counts.items():
        array[NOISY, TRUE, int(name[1:])] = count
    return array


def store_runs(store: Store, arrays: dict[str, list[np.ndarray[Any, Any] | None]], name: str = NAME) -> None:
    """A finished run for every array, by method; None for one without the array."""
    for variant in resolved("densities.toml").variants:
        for spec, array in zip(variant.specs, arrays.get(variant.coordinates["label"], []), strict=False):
            finish(store, spec)
            if array is not None:
                store.record_array(spec.key, 100, name, array)


def test_mean_and_deviation_of_densities(folder: Path) -> None:
    with Store.open("results.db") as store:
        store_runs(store, {"Baseline": [histogram(b0=30, b99=10), histogram(b0=10, b99=30)]})
        figure = build_figure(3, store, recipe="densities.toml")
    left, right = figure.panels()
    assert isinstance(left, DensityPanel)
    assert left.x_label == "p(true label) − 1/L"
    baseline, smoothed = left.series
    # Bins are 0.01 wide: shares 3/4 and 1/4 are densities 75 and 25; the other run has them the other way round.
    assert baseline.mean is not None
    assert baseline.std is not None
    assert baseline.mean[[0, 50, 99]] == pytest.approx([50.0, 0.0, 50.0])
    assert baseline.std[[0, 50, 99]] == pytest.approx([25 * 2**0.5, 0.0, 25 * 2**0.5])
    assert baseline.mean.sum() * 0.01 == pytest.approx(1.0)
    # Digits have ten classes, so the bins begin at −1/10.
    assert baseline.x[[0, 99]] == pytest.approx([-0.095, 0.895])
    assert (baseline.cell.n, baseline.cell.status) == (2, "complete")
    assert (smoothed.mean, smoothed.cell.n, smoothed.cell.status) == (None, 0, "missing")
    # No example was counted for the given label: no density, and no division by zero.
    assert isinstance(right, DensityPanel)
    assert (right.series[0].mean, right.series[0].cell.status) == (None, "missing")
    assert figure.notes == ("Missing: 2 of 4 runs. To train them: lsn run densities.toml",)


def test_one_run_has_no_deviation(folder: Path) -> None:
    with Store.open("results.db") as store:
        store_runs(store, {"Baseline": [histogram(b7=4), None]})
        figure = build_figure(3, store, recipe="densities.toml")
    panel = next(iter(figure.panels()))
    assert isinstance(panel, DensityPanel)
    assert panel.series[0].std is None
    assert (panel.series[0].cell.n, panel.series[0].cell.status) == (1, "partial")
    assert any(note.startswith("1 finished run without probability_margin_histograms") for note in figure.notes)


def test_the_number_of_classes_is_that_of_the_runs(folder: Path) -> None:
    with Store.open("results.db") as store:
        store_runs(store, {"Baseline": [histogram(b0=1)]})
        key = resolved("densities.toml").variants[0].specs[0].key
        store.record_array(key, 0, "noise_transition_counts", np.zeros((4, 4), np.int64))
        figure = build_figure(3, store, recipe="densities.toml")
    panel = next(iter(figure.panels()))
    assert isinstance(panel, DensityPanel)
    assert panel.series[0].x[0] == pytest.approx(-0.25 + 0.005)


def test_where_nobody_knows_the_number_of_classes(folder: Path) -> None:
    text = (folder / "densities.toml").read_text().replace('"digits"', '"mine"')
    (folder / "densities.toml").write_text(text)
    with Store.open("results.db") as store:
        store_runs(store, {"Baseline": [histogram(b0=1)]})
        figure = build_figure(3, store, recipe="densities.toml")
    panel = next(iter(figure.panels()))
    assert isinstance(panel, DensityPanel)
    # The same bins, as probabilities.
    assert (panel.x_label, panel.series[0].x[0]) == ("p(true label)", pytest.approx(0.005))


def test_logits(folder: Path) -> None:
    with Store.open("results.db") as store:
        store_runs(store, {"LS": [histogram(120, b40=1), histogram(120, b40=1)]}, "logit_margin_histograms")
        figure = build_figure(7, store, recipe="densities.toml", quantity="logits")
    panel = next(p for p in figure.panels() if isinstance(p, DensityPanel) and "mislabelled" in p.title)
    line = panel.series[1]
    # 120 bins over [−20, 40] are 0.5 wide; bin 40 begins at 0.
    assert line.mean is not None
    assert (line.x[40], line.mean[40]) == (pytest.approx(0.25), pytest.approx(2.0))
    assert panel.x_label == "logit(true label) − mean logit"


def test_the_panels_of_figure_7(folder: Path) -> None:
    figure = build_figure(7, None, recipe="densities.toml")
    assert [len(row) for row in figure.grid] == [3, 3, 3]
    titles = [panel.title for panel in figure.panels() if isinstance(panel, DensityPanel)]
    parts = ("full train", "clean part", "mislabelled part")
    assert titles[:3] == [f"({letter}) true label, {part}" for letter, part in zip("abc", parts, strict=True)]
    assert len(titles) == 8
    assert isinstance(figure.grid[1][1], WordsPanel)


def test_arrays_of_another_shape_are_left_out(folder: Path) -> None:
    with Store.open("results.db") as store:
        store_runs(store, {"Baseline": [np.zeros((3, 3, 50), np.int64), histogram(b0=1)]})
        figure = build_figure(3, store, recipe="densities.toml")
    panel = next(iter(figure.panels()))
    assert isinstance(panel, DensityPanel)
    assert panel.series[0].cell.n == 1


@pytest.mark.parametrize(("number", "quantity"), [(2, "logits"), (1, "probabilities"), (3, "logit")])
def test_wrong_quantities(number: int, quantity: str) -> None:
    with pytest.raises(LsnError, match="quantity") as error:
        build_figure(number, None, quantity=quantity)
    assert error.value.valid
