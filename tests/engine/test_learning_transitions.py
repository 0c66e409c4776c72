"""A loss with parameters of its own is trained with the network; an estimator may read pre-logits."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from engine_samples import draw_images, ending, install, metrics, run, spec, stop_after

from lsncli.backends.selection import select_backend
from lsncli.engine.events import Recorded
from lsncli.engine.run import Run
from lsncli.engine.settings import EngineSettings
from lsncli.engine.stacking import train_stack
from lsncli.plan import ComponentSpec, TransitionSpec
from lsncli.registry import registry

#: Forward correction by T = (1 - a) I + a/L J with a = sigmoid(w): the loss learns the one number w. And an
#: estimator that keeps what it is told.
LEARNING = """
from lsncli import EstimatorInfo, LossInfo, hookimpl

TOLD = []

def learning(params, context):
    import torch

    class Learning(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.w = torch.nn.Parameter(torch.tensor(-1.0))
            self.optimizer_options = {"lr": 0.5}

        def learnt_transition(self):
            a, n = torch.sigmoid(self.w), context.num_classes
            return (1 - a) * torch.eye(n) + a / n * torch.ones(n, n)

        def forward(self, logits, targets, inputs=None):
            noisy = torch.softmax(logits.float(), 1) @ self.learnt_transition()
            return -noisy.log().gather(1, targets[:, None])[:, 0]

    return Learning()

def reading(params, context):
    import numpy as np
    def estimate(probabilities, labels, *, prelogits):
        TOLD.append((probabilities, labels, prelogits, context.seed))
        return np.eye(context.num_classes)
    return estimate

@hookimpl
def lsn_losses(register):
    register(LossInfo(name="learning", build=learning))

@hookimpl
def lsn_estimators(register):
    register(EstimatorInfo(name="reading", build=reading, needs=frozenset({"prelogits"})))
"""


@pytest.fixture
def plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    install(tmp_path / "site", "learning", LEARNING)
    monkeypatch.syspath_prepend(tmp_path / "site")
    registry.cache_clear()
    yield
    registry.cache_clear()


@pytest.mark.usefixtures("plugin")
def test_the_optimiser_trains_the_loss(settings: EngineSettings) -> None:
    """In a group of its own: with the loss's options, and without weight decay, of which the network's has 1e-3."""
    backend, name = select_backend("cpu")
    built = Run(spec(loss="learning"), settings, backend, name, backend.prepare(name, threads=1))
    network, loss = built.state.optimizer.param_groups
    assert (network["weight_decay"], loss["weight_decay"]) == (1e-3, 0.0)
    assert built.rates == [0.05, 0.5]
    assert loss["params"] == [built.work.loss.w]  # type: ignore[attr-defined]
    plain = Run(spec(), settings, backend, name, torch.device("cpu"))
    assert len(plain.state.optimizer.param_groups) == 1


@pytest.mark.usefixtures("plugin")
def test_what_it_has_learnt_is_measured_and_kept(settings: EngineSettings) -> None:
    """At every evaluation, against the noise's own matrix.

    T's condition number is 1/(1 - a), as its eigenvalues are 1 and 1 - a; its error is |a - α|·(2/L)(1 - 1/L) in
    the mean, where α = L/(L-1)·0.25 = 1/3 makes the noise.
    """
    events = run(spec(loss="learning", steps=40), settings)
    assert ending(events).status == "done"
    found = metrics(events)
    a = {step: 1 - 1 / found[step, "transition_condition_number"] for step in (10, 20, 30, 40)}
    assert len({round(value, 6) for value in a.values()}) == 4
    for step, value in a.items():
        expected = abs(value - 1 / 3) * (2 / 4) * (1 - 1 / 4)
        assert found[step, "transition_mean_absolute_error"] == pytest.approx(expected, rel=1e-4, abs=1e-7)
    (kept,) = [e for e in events if isinstance(e, Recorded) and e.name == "transition_estimate"]
    assert kept.step == 40
    matrix = (1 - a[40]) * np.eye(4) + a[40] / 4 * np.ones((4, 4))
    assert kept.array == pytest.approx(matrix, abs=1e-6)


@pytest.mark.usefixtures("plugin")
def test_nothing_to_compare_it_with_where_the_labels_came_noisy(settings: EngineSettings) -> None:
    draw_images(settings.data_dir, name="natural", clean=False)
    names = {name for _, name in metrics(run(spec(loss="learning", data="natural"), settings))}
    assert "transition_condition_number" in names
    assert not {name for name in names if "total_variation" in name or "absolute_error" in name}


@pytest.mark.usefixtures("plugin", "told_every_step")
def test_it_resumes(settings: EngineSettings, elsewhere: EngineSettings) -> None:
    interrupted = spec(loss="learning")
    assert ending(run(interrupted, settings, stop_after(7))).status == "interrupted"
    assert metrics(run(interrupted, settings)) == metrics(run(interrupted, elsewhere))


@pytest.mark.usefixtures("plugin")
def test_in_a_stack_it_is_trained_alone(settings: EngineSettings, elsewhere: EngineSettings) -> None:
    specs = [spec(loss="learning"), spec(loss="learning", seed=4)]
    together = list(train_stack(specs, settings))
    for one in specs:
        alone = metrics(run(one, elsewhere))
        assert metrics(e for e in together if e.key == one.key) == alone


@pytest.mark.usefixtures("plugin")
def test_an_estimator_reads_prelogits(settings: EngineSettings) -> None:
    """Those of the run that it names, of all images in their order: the network's last layer makes its logits of
    them. The seed is that of the run that estimates."""
    read = spec(seed=5)
    run(read, settings)
    estimate = TransitionSpec(estimator=ComponentSpec(name="reading"), run=read)
    loss = ComponentSpec(name="forward-correction", params={"transition": "estimated"})
    reader = spec(loss=loss, seed=6).model_copy(update={"transition": estimate})
    assert ending(run(type(reader).model_validate(reader.model_dump()), settings)).status == "done"
    import learning  # type: ignore[import-not-found]

    ((probabilities, labels, prelogits, seed),) = learning.TOLD
    assert seed == 6
    assert labels.shape == (64,)
    assert (prelogits.shape, prelogits.dtype) == ((64, 64), np.float32)
    # An mlp's hidden layer ends in relu.
    assert (prelogits >= 0).all()
    backend, name = select_backend("cpu")
    other = Run(read, replace(settings, checkpoint_dir=None), backend, name, torch.device("cpu"))
    from lsncli.engine.checkpoint import load_weights

    path = settings.weights_path(read.key)
    assert path is not None
    load_weights(path, other.work.module)
    last = other.work.module.classifier  # type: ignore[union-attr]
    expected = torch.softmax(last(torch.from_numpy(prelogits)).double(), 1)  # type: ignore[operator]
    assert probabilities == pytest.approx(expected.detach().numpy(), abs=1e-6)
