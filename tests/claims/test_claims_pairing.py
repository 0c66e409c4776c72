"""Arms and pairs are formed from specs alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from lsncli.plan import (
    ComponentSpec,
    DataSpec,
    DistillationSpec,
    NoiseSpec,
    RunSpec,
    TrainSpec,
    TransitionSpec,
)
from lsncli.registry import registry
from lsncli.report.claims.dotted import apart, dotted
from lsncli.report.claims.pairing import arms, changed, match, seeds_of, setting_of, settings, without_seeds

STANDARD = ComponentSpec(name="standard")
SMOOTHED = ComponentSpec(name="label-smoothing", params={"alpha": 0.2})


def run(seed: int = 0, **fields: Any) -> RunSpec:
    made: dict[str, Any] = {
        "data": DataSpec(name="digits"),
        "noise": NoiseSpec(name="symmetric", params={"rate": 0.2}, seed=seed),
        "model": ComponentSpec(name="mlp"),
        "loss": STANDARD,
        "train": TrainSpec(steps=10, optimizer=ComponentSpec(name="sgd")),
        "seed": seed,
    }
    return RunSpec(**(made | fields))


def student(seed: int = 0, taught_by: ComponentSpec = STANDARD, **fields: Any) -> RunSpec:
    return run(seed, teacher=run(seed, loss=taught_by), distillation=DistillationSpec(), **fields)


def test_changing_a_spec_changes_its_key() -> None:
    spec = run(3)
    assert spec.key  # worked out, and remembered by the spec
    assert (
        changed(spec, seed=4).key
        == RunSpec(**{n: getattr(spec, n) for n in RunSpec.model_fields} | {"seed": 4}).key
    )
    assert changed(spec, seed=4).key != spec.key


def test_seeds_of_every_kind() -> None:
    assert seeds_of(run(3)) == (3, 3)
    assert seeds_of(student(3)) == (3, 3, 3, 3)
    estimating = run(3, transition=TransitionSpec(estimator=ComponentSpec(name="anchor"), run=run(3)))
    assert without_seeds(estimating) == without_seeds(
        changed(estimating, transition=TransitionSpec(estimator=ComponentSpec(name="anchor"), run=run(5)), seed=5)
    )
    by_itself = run(transition=TransitionSpec(estimator=ComponentSpec(name="true")))
    assert without_seeds(by_itself).transition == by_itself.transition


def test_arms_differ_by_more_than_seeds() -> None:
    specs = [
        run(0),
        run(1),
        run(0, loss=SMOOTHED),
        run(2, data=DataSpec(name="digits", subset_seed=1, train_size=9)),
    ]
    found = arms([*specs, run(1)])
    assert [list(arm.runs) for arm in found] == [[(0, 0), (1, 1)], [(0, 0)], [(2, 2)]]
    assert list(found[0].runs.values()) == [specs[0].key, specs[1].key]


@pytest.mark.parametrize(
    "other",
    [
        run(train=TrainSpec(steps=11, optimizer=ComponentSpec(name="sgd"))),
        run(model=ComponentSpec(name="linear")),
        run(noise=NoiseSpec(name="symmetric", params={"rate": 0.3})),
        student(),
    ],
)
def test_one_setting_is_all_but_the_loss(other: RunSpec) -> None:
    assert setting_of(run(), "loss") == setting_of(run(loss=SMOOTHED), "loss")
    estimating = run(
        loss=ComponentSpec(name="forward-correction", params={"transition": "estimated"}),
        transition=TransitionSpec(estimator=ComponentSpec(name="anchor"), run=run()),
    )
    # The estimate is part of the corrected run's method.
    assert setting_of(estimating, "loss") == setting_of(run(), "loss")
    assert setting_of(other, "loss") != setting_of(run(), "loss")


def test_students_by_their_teachers_loss() -> None:
    assert setting_of(student(), "teacher") == setting_of(student(taught_by=SMOOTHED), "teacher")
    assert setting_of(student(), "teacher") != setting_of(student(loss=SMOOTHED), "teacher")
    assert setting_of(student(), "loss") != setting_of(student(taught_by=SMOOTHED), "loss")
    grouped = settings(arms([run(), student(), student(taught_by=SMOOTHED)]), "teacher")
    assert [len(group) for group in grouped.values()] == [2]
    with pytest.raises(ValueError, match="without a teacher"):
        setting_of(run(), "teacher")


def test_pairs_have_all_seeds_in_common() -> None:
    fixed_noise = NoiseSpec(name="symmetric", params={"rate": 0.2}, seed=9)
    one, two = arms([run(0), run(1), run(0, loss=SMOOTHED), run(1, loss=SMOOTHED, noise=fixed_noise)])
    assert match(one, two) == [
        ((0, 0), run(0).key, run(0, loss=SMOOTHED).key),
        ((1, 1), run(1).key, None),
        ((1, 9), None, run(1, loss=SMOOTHED, noise=fixed_noise).key),
    ]


def test_dotted_keys_are_the_recipes() -> None:
    found = dotted(student(2, loss=SMOOTHED), registry())
    assert found["loss.name"] == "label-smoothing"
    assert found["loss.alpha"] == found["teacher.noise.rate"] == 0.2
    # Left out of the spec, since they are the defaults of the component.
    assert found["loss.floor"] == 0.0
    assert found["train.optimizer.momentum"] == registry().get("optimizer", "sgd").params(lr=1.0).momentum
    assert (found["distillation.temperature"], found["teacher.seed"]) == (2.0, 2)
    unknown = dotted(run(loss=ComponentSpec(name="nobody-has-it", params={"x": 1})), registry())
    assert (unknown["loss.name"], unknown["loss.x"]) == ("nobody-has-it", 1)


def test_only_what_differs() -> None:
    def differing(*specs: RunSpec) -> list[str]:
        return apart([dotted(spec, registry()) for spec in specs])

    assert differing(run(), run()) == []
    assert set(differing(run(0), run(1))) == {"noise.seed", "seed"}
    assert differing(run(), run(loss=SMOOTHED)) == ["loss.name", "loss.alpha"]
    assert apart([{"a": 1, "b": True}, {"a": 1.0, "b": 1}]) == ["b"]
    # The default alpha is left out of a spec, and is the same as saying it.
    said = ComponentSpec(name="label-smoothing", params={"alpha": 0.1})
    assert differing(run(loss=ComponentSpec(name="label-smoothing")), run(loss=said)) == []


def test_equal_specs_from_two_recipes_are_one_run(load_text: Callable[..., Any]) -> None:
    from lsncli.recipe.resolve import resolve

    specs = resolve(load_text()).specs()
    assert len(arms([*specs, *specs])) == 5
