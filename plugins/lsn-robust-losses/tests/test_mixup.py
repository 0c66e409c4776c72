"""mixup: what is mixed, with which shares, and a whole run of it that is interrupted."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from lsncli import LossInputs, PreparingLoss
from lsncli.engine import clock
from lsncli.engine.events import Finished
from lsncli.engine.settings import EngineSettings
from lsncli.engine.training import train
from lsncli.plan import ComponentSpec, DataSpec, NoiseSpec, RunSpec, TrainSpec
from samples import build, call, cross_entropy, labels, logits, softmax
from scipy import stats

COUNT, CLASSES = 6, 5


def prepared(seed: int = 0, targets: Any = None, **params: Any) -> tuple[np.ndarray, np.ndarray]:
    """Images of a single pixel, whose value tells which one it is (2ⁱ), and their targets."""
    images = 2.0 ** torch.arange(COUNT).view(COUNT, 1, 1, 1).double()
    given = torch.arange(COUNT) % CLASSES if targets is None else torch.tensor(targets)
    before = images.clone(), given.clone()
    mixed, soft = build("mixup", **params).prepare(
        images, given, np.random.default_rng(seed), LossInputs(torch.arange(COUNT), torch.tensor(0))
    )
    assert torch.equal(images, before[0])
    assert torch.equal(given, before[1])
    return mixed.numpy(), soft.numpy()


def test_the_loss_prepares() -> None:
    assert isinstance(build("mixup"), PreparingLoss)


@pytest.mark.parametrize("per_example", [False, True])
def test_images_and_targets_are_mixed_alike(per_example: bool) -> None:
    """The draws are the generator's, a permutation and then λ; everything else follows."""
    generator = np.random.default_rng(3)
    order = generator.permutation(COUNT)
    share = generator.beta(0.4, 0.4, COUNT if per_example else 1)
    pixels, one_hot = 2.0 ** np.arange(COUNT), np.eye(CLASSES)[np.arange(COUNT) % CLASSES]
    images, soft = prepared(3, alpha=0.4, per_example=per_example)
    np.testing.assert_allclose(images.reshape(-1), share * pixels + (1 - share) * pixels[order], rtol=1e-12)
    columns = share[:, None]
    np.testing.assert_allclose(soft, columns * one_hot + (1 - columns) * one_hot[order], rtol=1e-12)
    np.testing.assert_allclose(soft.sum(1), 1.0, rtol=1e-12)


def test_a_teachers_probabilities_are_mixed_too() -> None:
    q = softmax(logits(COUNT, CLASSES, 1.0))
    generator = np.random.default_rng(8)
    order, share = generator.permutation(COUNT), generator.beta(1.0, 1.0, 1)
    _, soft = prepared(8, targets=q)
    np.testing.assert_allclose(soft, share * q + (1 - share) * q[order], rtol=1e-12)


@pytest.mark.parametrize("alpha", [0.2, 1.0, 8.0])
def test_shares_are_beta_distributed(alpha: float) -> None:
    """The share of an image in its own mixture, by a Kolmogorov–Smirnov test over the batches in which a white
    image and a black one change places; the seeds are fixed."""
    loss = build("mixup", alpha=alpha)
    images = torch.tensor([1.0, 0.0], dtype=torch.float64).view(2, 1, 1, 1)
    shares = []
    for seed in range(1200):
        mixed, _ = loss.prepare(
            images, torch.tensor([0, 1]), np.random.default_rng(seed), LossInputs(torch.arange(2), torch.tensor(0))
        )
        if np.random.default_rng(seed).permutation(2)[0] == 1:
            shares.append(float(mixed[0, 0, 0, 0]))
    assert len(shares) > 500
    assert stats.kstest(shares, stats.beta(alpha, alpha).cdf).pvalue > 1e-3


def test_the_loss_is_the_cross_entropy_of_both_labels() -> None:
    """λ CE(y_i) + (1 − λ) CE(y_j), as the authors' code writes it."""
    f, y, other = logits(), labels(), labels()[::-1].copy()
    soft = 0.3 * np.eye(5)[y] + 0.7 * np.eye(5)[other]
    expected = 0.3 * cross_entropy(f, y) + 0.7 * cross_entropy(f, other)
    np.testing.assert_allclose(call(build("mixup"), f, soft), expected, rtol=1e-12)


def test_the_layout_of_the_images_stays() -> None:
    images = torch.rand(4, 3, 8, 8).to(memory_format=torch.channels_last)
    for per_example in (False, True):
        mixed, _ = build("mixup", per_example=per_example).prepare(
            images, torch.arange(4), np.random.default_rng(0), LossInputs(torch.arange(4), torch.tensor(0))
        )
        assert mixed.is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize("loss", ["mixup", "elr", "truncated-gce", "gls"])
def test_an_interrupted_run_ends_as_one_that_was_not(
    loss: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    params = {
        "truncated-gce": {"start": 2, "every": 1, "k": 0.05},
        "gls": {"warmup_epochs": 2, "rate": -0.5},
    }
    spec = RunSpec(
        data=DataSpec(name="digits", train_size=120, test_size=40),
        noise=NoiseSpec(name="symmetric", params={"rate": 0.3}),
        model=ComponentSpec(name="mlp"),
        loss=ComponentSpec(name=loss, params=params.get(loss, {})),
        train=TrainSpec(
            steps=14, batch_size=30, evaluations=2, optimizer=ComponentSpec(name="sgd", params={"lr": 0.05})
        ),
        seed=5,
    )
    monkeypatch.setattr(clock, "PROGRESS_SECONDS", 0.0)
    whole = EngineSettings(tmp_path, tmp_path / "whole", device="cpu", threads=1)
    broken = replace(whole, checkpoint_dir=tmp_path / "broken")
    (end,) = (event for event in train(spec, whole) if isinstance(event, Finished))
    assert end.status == "done", end.error
    asked = iter(range(100))
    (end,) = (event for event in train(spec, broken, lambda: next(asked) >= 6) if isinstance(event, Finished))
    assert (end.status, end.final_step) == ("interrupted", 7)
    (end,) = (event for event in train(spec, broken) if isinstance(event, Finished))
    assert end.status == "done"
    weights = [settings.weights_path(spec.key) for settings in (whole, broken)]
    assert weights[0].read_bytes() == weights[1].read_bytes()  # type: ignore[union-attr]
