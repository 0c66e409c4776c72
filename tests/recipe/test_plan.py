"""Run keys and plans."""

from __future__ import annotations

import hashlib
import json

import pytest
from pydantic import ValidationError

from lsncli.plan import (
    ComponentSpec,
    DataSpec,
    DistillationSpec,
    NoiseSpec,
    Plan,
    RunSpec,
    TrainSpec,
    TransitionSpec,
)


def spec(**changes: object) -> RunSpec:
    base = {
        "data": DataSpec(name="digits"),
        "noise": NoiseSpec(name="symmetric", params={"rate": 0.2}),
        "model": ComponentSpec(name="mlp"),
        "loss": ComponentSpec(name="standard"),
        "train": TrainSpec(steps=100, optimizer=ComponentSpec(name="sgd")),
        "seed": 0,
    }
    return RunSpec(**(base | changes))  # type: ignore[arg-type]


def test_key_is_the_digest_of_the_canonical_json() -> None:
    # Written out by hand: names sorted, no spaces, nothing that equals its default.
    text = (
        '{"data":{"name":"digits"},"loss":{"name":"standard"},"model":{"name":"mlp"},'
        '"noise":{"name":"symmetric","params":{"rate":0.2}},"seed":0,'
        '"train":{"optimizer":{"name":"sgd"},"steps":100}}'
    )
    assert json.loads(text) == spec().plain()
    assert spec().key == hashlib.sha256(text.encode()).hexdigest()[:20]


def test_a_changed_copy_has_a_key_of_its_own() -> None:
    original = spec()
    known = original.key
    copied = original.model_copy(update={"seed": 1})
    assert copied.key == spec(seed=1).key != known
    assert original.model_copy().key == known


def test_default_values_leave_the_key_alone() -> None:
    explicit = spec(
        data=DataSpec(name="digits", train_size=None, revision=1, subset_seed=0),
        train=TrainSpec(steps=100, batch_size=128, evaluations=10, optimizer=ComponentSpec(name="sgd")),
    )
    assert explicit.key == spec().key


def test_integral_floats_and_integers_are_one_value() -> None:
    one = spec(loss=ComponentSpec(name="l", params={"alpha": 1}))
    same = spec(loss=ComponentSpec(name="l", params={"alpha": 1.0}))
    assert one.key == same.key


@pytest.mark.parametrize(
    "changes",
    [
        {"seed": 1},
        {"data": DataSpec(name="digits", train_size=500)},
        {"data": DataSpec(name="digits", revision=2)},
        {"noise": NoiseSpec(name="symmetric", params={"rate": 0.2}, seed=3)},
        {"loss": ComponentSpec(name="standard", revision=2)},
        {"model": ComponentSpec(name="mlp", params={"hidden": [32]})},
        {"train": TrainSpec(steps=101, optimizer=ComponentSpec(name="sgd"))},
        {"train": TrainSpec(steps=100, optimizer=ComponentSpec(name="sgd", params={"lr": 0.2}))},
    ],
)
def test_what_changes_results_changes_the_key(changes: dict[str, object]) -> None:
    assert spec(**changes).key != spec().key


def test_spec_survives_plain_data() -> None:
    student = spec(teacher=spec(seed=3), distillation=DistillationSpec(temperature=1.0))
    again = RunSpec.model_validate(json.loads(json.dumps(student.plain())))
    assert again == student
    assert again.key == student.key


def test_specs_are_frozen_and_closed() -> None:
    with pytest.raises(ValidationError):
        spec().seed = 2  # type: ignore[misc]
    with pytest.raises(ValidationError):
        RunSpec.model_validate({**spec().plain(), "device": "cuda"})


def test_evaluations_are_evenly_spaced_and_include_the_last_step() -> None:
    train = TrainSpec(steps=1000, optimizer=ComponentSpec(name="sgd"), evaluations=4)
    assert spec(train=train).evaluation_steps() == [250, 500, 750, 1000]
    short = TrainSpec(steps=3, optimizer=ComponentSpec(name="sgd"), evaluations=10)
    assert spec(train=short).evaluation_steps() == [1, 2, 3]


def test_plan_puts_dependencies_first_and_counts_equal_runs_once() -> None:
    teacher = spec(seed=9)
    students = [spec(teacher=teacher, seed=s) for s in (0, 1)]
    estimated = spec(transition=TransitionSpec(estimator=ComponentSpec(name="anchor"), run=teacher))
    plan = Plan.of([*students, estimated, teacher], "title")
    assert len(plan) == 4
    assert plan.keys()[0] == teacher.key
    assert plan[students[0].key].dependencies == (teacher.key,)
    assert plan[estimated.key].dependencies == (teacher.key,)


def test_a_run_of_two_recipes_is_trained_once_and_knows_both() -> None:
    plan = Plan()
    plan.add(spec(), "first")
    plan.add(spec(), "second")
    assert len(plan) == 1
    assert plan[spec().key].titles == ["first", "second"]


def test_without_leaves_what_is_to_be_done() -> None:
    plan = Plan.of([spec(seed=s) for s in range(4)])
    rest = plan.without([spec(seed=1).key, "unknown"])
    assert rest.keys() == [spec(seed=s).key for s in (0, 2, 3)]
