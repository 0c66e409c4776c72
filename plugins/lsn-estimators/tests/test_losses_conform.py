"""The losses pass lsn's suite, and are what the papers' equations say."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from lsncli import LossContext, LossInputs, LsnError
from lsncli.testing import LossSuite

from lsn_estimators.losses import TRevision, VolMinNet
from lsn_estimators.objectives import reweighted_losses
from lsn_estimators.params import RevisionLossParams, VolumeLossParams

T = np.array([[0.8, 0.2], [0.3, 0.7]])


class TestVolMinNet(LossSuite):
    component = "volminnet"


class TestTRevision(LossSuite):
    """Revising from the first step; before, the weights are constants, whose derivative is left out on purpose."""

    component = "t-revision"
    variants = ({},)


def test_volminnet_by_hand() -> None:
    """Two classes, σ(−2) = s off the diagonal: T = [[1, s], [s, 1]]/(1 + s), |det T| = (1 − s)/(1 + s)."""
    loss = VolMinNet(VolumeLossParams(volume=0.5), LossContext(2, 10))
    s = 1 / (1 + np.exp(2))
    p = np.array([0.9, 0.1])
    logits = torch.tensor(np.log(p)[None], dtype=torch.float32)
    expected = -np.log((0.9 + s * 0.1) / (1 + s)) + 0.5 * np.log((1 - s) / (1 + s))
    assert loss(logits, torch.tensor([0])).item() == pytest.approx(expected, rel=1e-5)


def test_t_revision_by_hand() -> None:
    """Without slack: β = 0.9 / (0.8·0.9 + 0.3·0.1) = 1.2 for label 0, times −log 0.9."""
    loss = TRevision(RevisionLossParams(), LossContext(2, 10, T))
    logits = torch.tensor(np.log([[0.9, 0.1]]), dtype=torch.float32)
    assert loss(logits, torch.tensor([0])).item() == pytest.approx(-1.2 * np.log(0.9), rel=1e-5)
    # Every example has the matrix as it is: the slack is added once to it, and not once more for each example
    # before it, as in the published code.
    with torch.no_grad():
        loss.transition.slack.copy_(torch.tensor([[0.1, -0.1], [0.0, 0.0]]))
    both = loss(logits.repeat(2, 1), torch.tensor([0, 0])).detach()
    beta = 0.9 / (0.9 * 0.9 + 0.3 * 0.1)
    assert both.numpy() == pytest.approx([-beta * np.log(0.9)] * 2, rel=1e-5)
    assert loss.learnt_transition().numpy() == pytest.approx(np.array([[0.9, 0.1], [0.3, 0.7]]), abs=1e-6)


def test_the_slack_waits() -> None:
    loss = TRevision(RevisionLossParams(revise_from=5), LossContext(2, 10, T))
    logits = torch.randn(4, 2, generator=torch.Generator().manual_seed(0))
    labels = torch.tensor([0, 1, 0, 1])
    for step, learns in ((4, False), (5, True)):
        loss.zero_grad()
        loss(logits, labels, LossInputs(step=torch.tensor(step))).sum().backward()
        assert bool((loss.transition.slack.grad != 0).any()) is learns


def test_gradients_of_the_reweighted_loss() -> None:
    """With the weights' gradient, and with respect to the matrix, against finite differences."""
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(5, 3, dtype=torch.float64, generator=generator, requires_grad=True)
    matrix = torch.softmax(torch.randn(3, 3, dtype=torch.float64, generator=generator), 1).requires_grad_()
    labels = torch.tensor([0, 1, 2, 1, 0])
    assert torch.autograd.gradcheck(
        lambda f, t: reweighted_losses(f, labels, t, weights_learn=True), (logits, matrix)
    )
    fixed = reweighted_losses(logits, labels, matrix, weights_learn=False)
    weights = (-fixed / torch.log_softmax(logits, 1).gather(1, labels[:, None])[:, 0]).detach()
    (gradient,) = torch.autograd.grad(fixed.sum(), logits)
    expected = weights[:, None] * (torch.softmax(logits, 1) - torch.eye(3, dtype=torch.float64)[labels])
    assert gradient.numpy() == pytest.approx(expected.detach().numpy())


def test_t_revision_needs_an_estimate() -> None:
    with pytest.raises(LsnError, match="revises an estimate"):
        TRevision(RevisionLossParams(), LossContext(2, 10))
