"""Figures 2 and 6: the numbers behind the lines, from databases whose statistics are known by hand."""

from __future__ import annotations

from pathlib import Path

import pytest
from figure_samples import fill, finish, resolved

from lsncli.errors import LsnError
from lsncli.recipe.loading import Overrides, shipped_recipes
from lsncli.recipe.resolve import ResolvedVariant
from lsncli.report.figures.build import build_figure
from lsncli.report.figures.model import Figure, LinePanel, LineSeries
from lsncli.store import Store


def series(figure: Figure, panel: int, label: str) -> LineSeries:
    found = list(figure.panels())[panel]
    assert isinstance(found, LinePanel)
    return next(s for s in found.series if s.label == label)


def variant_at(recipe: object, **coordinates: object) -> ResolvedVariant:
    wanted = {key.replace("__", "."): value for key, value in coordinates.items()}
    return next(
        v
        for v in recipe.variants  # type: ignore[attr-defined]
        if all(v.coordinates.get(key) == value for key, value in wanted.items())
    )


def test_means_and_deviations(folder: Path) -> None:
    recipe = resolved("means.toml")
    with Store.open("results.db") as store:
        smoothed = variant_at(recipe, noise__rate=0.2, label="LS", loss__alpha=0.1)
        for spec, value in zip(smoothed.specs, (0.60, 0.61, 0.65), strict=True):
            finish(store, spec, test_accuracy=value)
        plain = variant_at(recipe, noise__rate=0.4, label="Baseline")
        finish(store, plain.specs[0], test_accuracy=0.5)
        finish(store, plain.specs[1], "diverged", test_accuracy=0.1)
        figure = build_figure(2, store, recipe="means.toml")
    assert [panel.title for panel in figure.panels()] == ["(a) noise rate = 0.2", "(b) noise rate = 0.4"]
    line = series(figure, 0, "LS")
    # In the order of α, though the recipe says 0.4 first.
    assert [point.x for point in line.points] == [0.1, 0.4]
    cell = line.points[0].cell
    # By hand: (60 + 61 + 65)/3 = 62, and the deviation √((4 + 1 + 9)/2) = √7.
    assert (cell.mean, cell.n, cell.status) == (pytest.approx(62.0), 3, "complete")
    assert cell.std == pytest.approx(7**0.5)
    assert cell.keys == tuple(spec.key for spec in smoothed.specs)
    assert (line.points[1].cell.mean, line.points[1].cell.status) == (None, "missing")
    # The baseline has no α: it is a level.
    level = series(figure, 1, "Baseline")
    assert level.constant
    cell = level.points[0].cell
    assert (cell.mean, cell.std, cell.n, cell.status, cell.failed) == (50.0, None, 1, "partial", 1)
    # 18 runs: 3 methods, 2 noise rates, 3 seeds; 4 are done.
    assert figure.notes[0] == "Missing: 14 of 18 runs (1 diverged). To train them: lsn run means.toml"
    assert figure.fill == "lsn run means.toml"


def test_profile_and_options(folder: Path) -> None:
    fill(folder / "results.db", resolved("means.toml", profile="quick"))
    with Store.open("results.db", read_only=True) as store:
        figure = build_figure(2, store, recipe="means.toml")
        narrow = build_figure(
            2,
            store,
            Overrides(only=(("noise.rate", 0.2),), seeds=2),
            recipe="means.toml",
            run_options=["--db", "x"],
        )
        other = build_figure(2, store, Overrides(profile="paper"), recipe="means.toml", run_options=["--db", "x"])
    # Without --profile, the first one with results.
    assert (figure.profile, figure.notes, figure.fill) == ("quick", (), None)
    assert "Profile quick." in figure.caption
    assert "n = 3 runs" in figure.caption
    assert [cell.n for cell in narrow.cells()] == [2, 2, 2]
    assert other.fill == "lsn run means.toml --db x"
    assert {cell.status for cell in other.cells()} == {"missing"}


def test_published_values_beside_ours(folder: Path) -> None:
    figure = build_figure(2, None)
    cells = {(c.row["data.name"], c.column["label"], c.column["loss.alpha"]): c.paper for c in figure.cells()}
    # Table 7 of the paper, ResNet-32 rows; α = 0 is its baseline, whatever the line.
    printed = {
        ("cifar100", "LS", 0.1): (60.70, 0.28),
        ("cifar100", "FC", 0.1): (61.29, 0.38),
        ("cifar100", "BC", 0.1): (53.91, 0.40),
        ("cifar10", "LS", 0.1): (83.95, 0.18),
        ("cifar10", "FC", 0.1): (80.78, 0.42),
        ("cifar10", "BC", 0.1): (77.23, 0.72),
        **{("cifar100", label, 0.0): (57.06, 0.38) for label in ("LS", "FC", "BC")},
        **{("cifar10", label, 0.0): (80.44, 0.63) for label in ("LS", "FC", "BC")},
    }
    assert {place: (p.mean, p.std) for place, p in cells.items() if p is not None} == printed
    assert figure.source is not None
    assert "Table 7" in figure.source


@pytest.mark.parametrize(
    "overrides",
    [
        Overrides(profile="quick"),
        Overrides(settings=(("train.steps", 7),)),
        Overrides(settings=(("report.which", "best"),)),
    ],
    ids=["profile", "set", "best"],
)
def test_another_setting_is_not_held_against_the_paper(folder: Path, overrides: Overrides) -> None:
    figure = build_figure(2, None, overrides)
    assert not any(cell.paper for cell in figure.cells())
    assert figure.source is None
    assert "Hollow" not in figure.caption


def test_a_changed_copy_is_not_held_against_the_paper(folder: Path) -> None:
    text = shipped_recipes()["figure2"].read_text(encoding="utf-8")
    for name, changed in (("same", text), ("short", text.replace("steps = 64000", "steps = 200"))):
        (folder / f"{name}.toml").write_text(changed, encoding="utf-8")
        figure = build_figure(2, None, recipe=f"{name}.toml")
        assert any(cell.paper for cell in figure.cells()) == (name == "same")


def test_figure_6_is_drawn_against_the_teachers_alpha(folder: Path) -> None:
    fill(folder / "results.db", resolved("figure6"))
    with Store.open("results.db", read_only=True) as store:
        figure = build_figure(6, store)
    (panel,) = figure.panels()
    assert isinstance(panel, LinePanel)
    assert panel.x_label == "α of the teacher"
    (line,) = panel.series
    assert [point.x for point in line.points] == [0.0, 0.1, 0.2, 0.4, 0.6, 0.8]
    assert {point.cell.n for point in line.points} == {5}


def test_a_stand_in_is_named(folder: Path) -> None:
    recipe = resolved("figure2", data={"cifar10": "copy"}, profile="smoke")
    with Store.open("results.db") as store:
        for variant in recipe.variants:
            for spec in variant.specs if variant.replaced_data else ():
                finish(store, spec, test_accuracy=0.5)
        store.set_stand_in("copy", "cifar10")
        figure = build_figure(2, store)
    assert list(figure.panels())[1].title == "(b) copy (for cifar10)"  # type: ignore[union-attr]
    assert "copy stands in for cifar10 (no results of its own)." in figure.notes
    assert {c.stand_in for c in figure.cells()} == {None, "cifar10"}


NO_NUMBER = """\
title = "Two models"
[data]
name = "digits"
[model]
name = "mlp"
[train]
steps = 10
[sweep]
"model.name" = ["mlp", "linear"]
"""


FAR = """
[[sweep.case]]
at = { "loss.alpha" = 0.1 }
loss = { name = "label-smoothing", alpha = 0.1 }
[[sweep.case]]
at = { "loss.alpha" = inf }
loss = { name = "standard" }
"""


def test_a_recipe_without_a_number_to_draw_against(folder: Path) -> None:
    (folder / "models.toml").write_text(NO_NUMBER)
    with pytest.raises(LsnError, match="no number") as error:
        build_figure(2, None, recipe="models.toml")
    assert "models.toml" in str(error.value.where)


def test_infinity_is_no_place_on_an_axis(folder: Path) -> None:
    text = NO_NUMBER.replace('[sweep]\n"model.name" = ["mlp", "linear"]\n', "") + FAR
    (folder / "far.toml").write_text(text)
    with pytest.raises(LsnError, match="no number"):
        build_figure(2, None, recipe="far.toml")


def test_two_methods_of_one_name(folder: Path) -> None:
    text = (
        (folder / "means.toml").read_text().replace('name = "standard"', 'name = "forward-correction", alpha = 0.4')
    )
    (folder / "mixed.toml").write_text(text.replace('label = "Baseline"', 'label = "LS"'))
    with pytest.raises(LsnError, match="different runs as one point") as error:
        build_figure(2, None, recipe="mixed.toml")
    assert "label" in str(error.value.next)
