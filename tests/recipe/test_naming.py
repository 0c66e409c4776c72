"""Names of runs for people."""

from __future__ import annotations

from lsncli.naming import describe_run
from lsncli.plan import ComponentSpec, DataSpec, NoiseSpec, RunSpec, TrainSpec


def spec(loss: ComponentSpec, teacher: RunSpec | None = None) -> RunSpec:
    return RunSpec(
        data=DataSpec(name="digits"),
        noise=NoiseSpec(name="symmetric", params={"rate": 0.2}),
        model=ComponentSpec(name="mlp"),
        loss=loss,
        train=TrainSpec(steps=1, optimizer=ComponentSpec(name="sgd")),
        seed=4,
        teacher=teacher,
    )


def test_alpha_is_told_even_where_it_is_the_default() -> None:
    smoothed = spec(ComponentSpec(name="label-smoothing"))
    assert describe_run(smoothed) == "digits · symmetric rate=0.2 · mlp · label-smoothing alpha=0.1 · seed 4"
    other = spec(ComponentSpec(name="label-smoothing", params={"alpha": 0.5}))
    assert "label-smoothing alpha=0.5" in describe_run(other)
    student = spec(ComponentSpec(name="standard"), smoothed)
    assert describe_run(student).endswith("standard · taught by label-smoothing alpha=0.1 · seed 4")


def test_a_correction_without_alpha_has_none() -> None:
    correction = spec(ComponentSpec(name="forward-correction", params={"transition": "true"}))
    assert "alpha" not in describe_run(correction)


def test_a_loss_that_is_not_installed_keeps_its_words() -> None:
    assert "gone x=1" in describe_run(spec(ComponentSpec(name="gone", params={"x": 1})))


def test_the_key_is_untouched() -> None:
    one = spec(ComponentSpec(name="label-smoothing"))
    key = one.key
    describe_run(one)
    assert one.key == key
