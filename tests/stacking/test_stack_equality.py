"""A run's numbers in a stack are those that it has alone. The reference is the loop that trains a single run."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from stack_samples import LOSSES, MODELS, ending, metrics, mixed, provenance, spec, weights

from lsncli.engine import images, stack_steps, stacking
from lsncli.engine.settings import EngineSettings
from lsncli.engine.stacking import train_stack
from lsncli.engine.training import train
from lsncli.plan import ComponentSpec, RunSpec


def alone(specs: list[RunSpec], settings: EngineSettings) -> dict[tuple[str, int, str], float]:
    return metrics(event for one in specs for event in train(one, settings))


def assert_close(
    specs: list[RunSpec], settings: EngineSettings, elsewhere: EngineSettings, *, rtol: float, atol: float
) -> None:
    for one in specs:
        ours, theirs = weights(settings, one), weights(elsewhere, one)
        assert ours.keys() == theirs.keys()
        for name in theirs:
            torch.testing.assert_close(ours[name], theirs[name], rtol=rtol, atol=atol)


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_one_step_in_double_precision(
    model: ComponentSpec, settings: EngineSettings, elsewhere: EngineSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Equal but for the order of sums: 1e-12 is thousands of rounding errors of float64 and far below float32's."""
    call = images.Normalisation.__call__
    monkeypatch.setattr(images.Normalisation, "__call__", lambda self, batch: call(self, batch).double())
    specs = mixed(model=model, steps=1, evaluations=1)
    torch.set_default_dtype(torch.float64)
    try:
        events = list(train_stack(specs, settings))
        alone(specs, elsewhere)
    finally:
        torch.set_default_dtype(torch.float32)
    assert all(ending(events, one).status == "done" for one in specs)
    assert {tensor.dtype for tensor in weights(settings, specs[0]).values()} == {torch.float64}
    assert_close(specs, settings, elsewhere, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_many_steps_in_single_precision(
    model: ComponentSpec, settings: EngineSettings, elsewhere: EngineSettings
) -> None:
    """Float32 rounds at 6e-8; twenty steps of a smooth training cannot make more than 1e-4 of it."""
    specs = mixed(model=model)
    ours, theirs = metrics(train_stack(specs, settings)), alone(specs, elsewhere)
    assert ours.keys() == theirs.keys()
    for key, value in theirs.items():
        if "accuracy" not in key[2] and "ece" not in key[2]:
            assert ours[key] == pytest.approx(value, rel=1e-4, abs=1e-6), key
    assert_close(specs, settings, elsewhere, rtol=1e-3, atol=1e-5)


def test_the_comparison_would_notice(settings: EngineSettings) -> None:
    """Seeds and losses change the weights by far more than the tolerances above."""
    specs = [spec(seed=1), spec(seed=2), spec(LOSSES[3], seed=1)]
    list(train_stack(specs, settings))
    first, *others = (weights(settings, one)["model.classifier.weight"] for one in specs)
    assert all(float((first - other).abs().max()) > 1e-2 for other in others)


def test_half_precision(settings: EngineSettings, elsewhere: EngineSettings) -> None:
    """bf16 products round at 4e-3; the stack casts what autocast would cast."""
    settings, elsewhere = replace(settings, precision="bf16"), replace(elsewhere, precision="bf16")
    specs = [spec(seed=seed) for seed in range(3)]
    events = list(train_stack(specs, settings))
    alone(specs, elsewhere)
    assert provenance(events, specs[0])["precision"] == "bf16"
    assert weights(settings, specs[0])["model.classifier.weight"].dtype is torch.float32
    assert_close(specs, settings, elsewhere, rtol=0.05, atol=0.01)


@pytest.mark.usefixtures("plugin")
def test_batches_labels_and_transition_are_exactly_the_same(settings: EngineSettings) -> None:
    """A loss sees the very examples and labels, in the very order, that it sees when the run is alone."""
    specs = [spec("seeing", seed=seed, rate=0.1 + 0.1 * seed) for seed in (1, 2)]
    list(train_stack([spec(seed=3), *specs], settings))
    import foreign  # the plugin

    together, foreign.SEEN[:] = list(foreign.SEEN), []
    for one in specs:
        list(train(one, replace(settings, checkpoint_dir=None)))
    apart = list(foreign.SEEN)
    assert len(apart) == 40
    assert sorted(together) == sorted(apart)
    # In a stack the runs take their steps in turn.
    assert [step for step, *_ in together] == sorted(step for step, *_ in apart)


def test_initialisation_and_noise_are_exactly_the_same(settings: EngineSettings) -> None:
    from lsncli.backends.selection import select_backend
    from lsncli.engine.run import Run

    backend, name = select_backend("cpu")
    device = backend.prepare(name, threads=1)
    specs = [spec(seed=seed, model=MODELS["mlp, two hidden layers"]) for seed in range(3)]
    runs, again = ([Run(one, settings, backend, name, device) for one in specs] for _ in "ab")
    steps = stack_steps.StackSteps(runs, [torch.get_rng_state()] * 3)
    backend.release()
    for row, run in enumerate(again):
        assert torch.equal(steps.given[row], run.work.given)
        for view, parameter in zip(steps.network.parameters, run.work.module.parameters(), strict=True):
            assert torch.equal(view[row], parameter)
        # The run's own module reads the same memory.
        first = next(runs[row].work.module.parameters())
        assert first.data_ptr() == steps.network.parameters[0][row].data_ptr()


@pytest.mark.usefixtures("slices_alike")
def test_neighbours_and_the_size_of_the_stack_change_nothing(
    settings: EngineSettings, elsewhere: EngineSettings
) -> None:
    """Bit for bit, on processors whose products allow it."""
    specs = mixed()
    ours = metrics(train_stack(specs, settings))
    few = [specs[i] for i in (1, 6, 9)]
    assert {key: ours[key] for key in metrics(train_stack(few, elsewhere))} == metrics(
        train_stack(few, replace(elsewhere, checkpoint_dir=None))
    )
    assert_close(few, settings, elsewhere, rtol=0, atol=0)


@pytest.mark.usefixtures("slices_alike")
@pytest.mark.parametrize(("module", "limit"), [(stacking, "STACK_BYTES"), (stack_steps, "KEPT_IMAGES")])
def test_limits_of_memory_change_no_result(
    module: object, limit: str, settings: EngineSettings, elsewhere: EngineSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stacks that would be too large are several; images that would be too many are normalised batch by batch."""
    specs = [spec(seed=seed) for seed in range(3)]
    whole = list(train_stack(specs, settings))
    monkeypatch.setattr(module, limit, 1)
    parts = list(train_stack(specs, elsewhere))
    assert metrics(parts) == metrics(whole)
    assert_close(specs, settings, elsewhere, rtol=0, atol=0)
    assert provenance(whole, specs[0])["stack"] == 3
    assert provenance(parts, specs[0])["stack"] == (1 if limit == "STACK_BYTES" else 3)
