"""Bootstrapping and label smoothing of any rate: formulas in numpy, limits, gradients, the warm-up."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from samples import EXAMPLES, at, build, call, cross_entropy, gradient, labels, logits, softmax
from torch.nn import functional

F, Y = logits(), labels()
P, ONE_HOT = softmax(F), np.eye(5)[Y]


@pytest.mark.parametrize("beta", [0.0, 0.3, 0.95, 1.0])
def test_soft_bootstrapping(beta: float) -> None:
    expected = -((beta * ONE_HOT + (1 - beta) * P) * np.log(P)).sum(1)
    np.testing.assert_allclose(call(build("soft-bootstrapping", beta=beta), F, Y), expected, rtol=1e-12)


@pytest.mark.parametrize("beta", [0.0, 0.8, 1.0])
def test_hard_bootstrapping(beta: float) -> None:
    expected = -((beta * ONE_HOT + (1 - beta) * np.eye(5)[P.argmax(1)]) * np.log(P)).sum(1)
    np.testing.assert_allclose(call(build("hard-bootstrapping", beta=beta), F, Y), expected, rtol=1e-12)


@pytest.mark.parametrize("name", ["soft-bootstrapping", "hard-bootstrapping"])
def test_bootstrapping_that_trusts_the_labels_is_cross_entropy(name: str) -> None:
    np.testing.assert_allclose(call(build(name, beta=1.0), F, Y), cross_entropy(F, Y), rtol=1e-12)


def test_soft_bootstrapping_minimises_the_entropy() -> None:
    """At β = 0 the loss is H(p), whose gradient is −p_k (log p_k + H); with the prediction detached from the
    graph it would be Σ_j p_j (p_k − 1[j=k]) = 0, and nothing would be learnt."""
    entropy = -(P * np.log(P)).sum(1, keepdims=True)
    found = gradient(build("soft-bootstrapping", beta=0.0), F, Y)
    np.testing.assert_allclose(found, -P * (np.log(P) + entropy), rtol=1e-9, atol=1e-14)
    assert np.abs(found).max() > 0.1


@pytest.mark.parametrize("rate", [1.0, 0.2, 0.0, -0.4, -6.0])
def test_gls(rate: float) -> None:
    targets = (1 - rate) * ONE_HOT + rate / 5
    assert targets.sum(1) == pytest.approx(np.ones(12))  # rows of a smoothed label sum to one, whatever the rate
    np.testing.assert_allclose(call(build("gls", rate=rate), F, Y), -(targets * np.log(P)).sum(1), rtol=1e-11)


@pytest.mark.parametrize("rate", [0.0, 0.1, 0.5])
def test_gls_of_positive_rate_is_label_smoothing(rate: float) -> None:
    """torch's own, and lsn's built-in."""
    theirs = functional.cross_entropy(torch.tensor(F), torch.tensor(Y), label_smoothing=rate, reduction="none")
    found = call(build("gls", rate=rate), F, Y)
    np.testing.assert_allclose(found, theirs.numpy(), rtol=1e-12)
    np.testing.assert_allclose(found, call(build("label-smoothing", alpha=rate), F, Y), rtol=1e-12)


def test_negative_smoothing_is_no_cross_entropy() -> None:
    """What torch makes of a negative rate: at best an error, at worst plain cross-entropy without a word."""
    assert np.abs(call(build("gls", rate=-1.0), F, Y) - cross_entropy(F, Y)).min() > 0.1


def test_gls_warms_up_with_cross_entropy() -> None:
    """40 examples in batches of 12 are 3 steps an epoch: with two epochs of warm-up, steps 0 to 5."""
    assert EXAMPLES // len(F) == 3
    loss, cold = build("gls", rate=-2.0, warmup_epochs=2), build("gls", rate=-2.0)
    for step in (0, 5):
        np.testing.assert_allclose(call(loss, F, Y, step), cross_entropy(F, Y), rtol=1e-12)
    for step in (6, 7, 1000):
        np.testing.assert_array_equal(call(loss, F, Y, step), call(cold, F, Y))
    # Without a step there is no warm-up.
    bare = loss(torch.tensor(F), torch.tensor(Y)).numpy()
    np.testing.assert_array_equal(bare, call(cold, F, Y))


def test_soft_targets_of_gls_are_smoothed_themselves() -> None:
    q = softmax(logits(seed=4))
    expected = -(((1 + 0.5) * q - 0.5 / 5) * np.log(P)).sum(1)
    np.testing.assert_allclose(call(build("gls", rate=-0.5), F, q), expected, rtol=1e-12)
    assert at(P, Y).min() > 0
