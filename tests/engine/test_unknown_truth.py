"""Labels that are noisy by nature: nobody knows T, whatever noise is added, and nothing is measured against it."""

from __future__ import annotations

from pathlib import Path

import pytest
from engine_samples import draw_images, ending, metrics, run, spec

from lsncli.batch import resolve_recipes
from lsncli.engine.events import Recorded
from lsncli.engine.settings import EngineSettings
from lsncli.errors import LsnError
from lsncli.plan import ComponentSpec, TransitionSpec
from lsncli.recipe.loading import Overrides

AGAINST_THE_TRUE_ONE = {
    "transition_mean_absolute_error",
    "transition_total_variation_mean",
    "transition_total_variation_max",
}

RECIPE = """
title = "Whatever they are"
[data]
name = "{data}"
[noise]
name = "{noise}"
[model]
name = "mlp"
[train]
steps = 2
[loss]
name = "forward-correction"
transition = "{transition}"
[transition]
estimator = {{ name = "{estimator}" }}
"""


@pytest.fixture(autouse=True)
def natural(data_dir: Path) -> None:
    draw_images(data_dir, name="natural", clean=False)


@pytest.mark.parametrize("rate", [0.0, 0.25])
@pytest.mark.parametrize("data", ["natural", "drawn"])
def test_an_estimate_is_compared_with_a_matrix_that_is_known(
    data: str, rate: float, settings: EngineSettings
) -> None:
    base = spec(data=data, rate=rate)
    assert ending(run(base, settings)).status == "done"
    estimating = spec(
        data=data,
        rate=rate,
        loss=ComponentSpec(name="forward-correction", params={"transition": "estimated"}),
    ).model_copy(update={"transition": TransitionSpec(estimator=ComponentSpec(name="anchor"), run=base)})
    events = run(estimating, settings)
    assert ending(events).status == "done"
    names = {name for _, name in metrics(events)}
    recorded = {event.name for event in events if isinstance(event, Recorded)}
    assert "transition_condition_number" in names
    assert "transition_estimate" in recorded
    if data == "natural":
        assert not names & AGAINST_THE_TRUE_ONE
        assert "transition_total_variation" not in recorded
    else:
        assert names >= AGAINST_THE_TRUE_ONE
        assert "transition_total_variation" in recorded


@pytest.mark.parametrize(
    ("transition", "estimator", "told"),
    [
        ("true", "anchor", "loss 'forward-correction': transition = \"true\" needs the true labels"),
        ("estimated", "true", "estimator 'true': the true labels of data set 'natural' are unknown"),
    ],
)
@pytest.mark.parametrize("noise", ["none", 'symmetric"\nrate = "0.2'])
def test_the_true_matrix_is_refused(
    transition: str, estimator: str, told: str, noise: str, tmp_path: Path, data_dir: Path
) -> None:
    """While the plan is made; on data whose truth is known the same recipe is planned."""

    def planned(data: str) -> None:
        recipe = RECIPE.format(data=data, noise=noise, transition=transition, estimator=estimator)
        path = tmp_path / "recipe.toml"
        path.write_text(recipe.replace('"0.2"', "0.2"))
        resolve_recipes([str(path)], Overrides(), data_dir)

    planned("drawn")
    with pytest.raises(LsnError) as error:
        planned("natural")
    assert error.value.what.startswith(told)
    assert "it was prepared with --noisy-labels" in error.value.what


def test_it_is_not_trained_with_the_matrix_of_the_added_noise(settings: EngineSettings) -> None:
    """Where nobody could tell while the plan was made, as of a plugin's data set."""
    true = ComponentSpec(name="forward-correction", params={"transition": "true"})
    last = ending(run(spec(data="natural", loss=true), settings))
    assert last.status == "failed"
    assert "transition" in str(last.error)
