"""The paper's identities, for any logits, labels, α and transition matrix that hypothesis finds."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from lsncli.components import LossContext
from lsncli.losses.params import BackwardParams, ForwardParams, LabelSmoothingParams, StandardParams
from lsncli.losses.plugin import build_backward, build_forward, build_label_smoothing, build_standard
from lsncli.losses.smearing import MatrixSmearing

ALPHA = st.floats(0, 0.99)
COUNT = settings(max_examples=40, deadline=None)


@st.composite
def cases(draw):
    """Logits ``[B, L]`` and labels ``[B]``."""
    num_classes = draw(st.integers(2, 6))
    batch = draw(st.integers(1, 4))
    logits = draw(arrays(np.float64, (batch, num_classes), elements=st.floats(-50, 50)))
    labels = draw(arrays(np.int64, batch, elements=st.integers(0, num_classes - 1)))
    return torch.tensor(logits), torch.tensor(labels), LossContext(num_classes, batch)


@st.composite
def transitions(draw, num_classes):
    """A row-stochastic matrix with a diagonal above 0.55: strictly diagonally dominant, so invertible."""
    raw = draw(arrays(np.float64, (num_classes, num_classes), elements=st.floats(0.01, 1)))
    return 0.55 * np.eye(num_classes) + 0.45 * raw / raw.sum(axis=1, keepdims=True)


def assert_close(actual, expected, scale=1.0):
    torch.testing.assert_close(actual, expected, rtol=1e-12, atol=1e-12 * scale)


@COUNT
@given(cases(), ALPHA)
def test_label_smoothing_is_smearing_with_its_matrix(case, alpha):
    logits, labels, context = case
    L = context.num_classes
    M = (1 - alpha) * np.eye(L) + alpha / L * np.ones((L, L))
    smoothed = build_label_smoothing(LabelSmoothingParams(alpha=alpha), context)(logits, labels)
    assert_close(smoothed, MatrixSmearing(M)(logits, labels), scale=100)


@COUNT
@given(cases())
def test_all_are_the_standard_loss_at_alpha_zero(case):
    logits, labels, context = case
    standard = build_standard(StandardParams(), context)(logits, labels)
    identity = np.eye(context.num_classes)
    for loss in (
        build_forward(ForwardParams(alpha=0.0), context),
        build_forward(ForwardParams(matrix=identity), context),
        build_backward(BackwardParams(alpha=0.0, floor=0.0), context),
        build_backward(BackwardParams(matrix=identity, floor=0.0), context),
        build_label_smoothing(LabelSmoothingParams(alpha=0.0), context),
    ):
        assert_close(loss(logits, labels), standard)


@COUNT
@given(cases(), st.data())
def test_backward_correction_is_unbiased(case, data):
    """E over noisy labels ȳ ~ T[y] of the backward loss is the clean loss at y (Patrini et al., theorem 1)."""
    logits, labels, context = case
    T = data.draw(transitions(context.num_classes))
    clean = build_standard(StandardParams(), context)(logits, labels)
    loss = build_backward(BackwardParams(matrix=T, floor=0.0), context)
    every = [loss(logits, torch.full_like(labels, y)) for y in range(context.num_classes)]
    expected = (torch.tensor(T)[labels] * torch.stack(every, dim=-1)).sum(-1)
    # The inverse's entries are below 1/(0.55 − 0.45) = 10, the losses below 104.
    torch.testing.assert_close(expected, clean, rtol=0, atol=1e-10)


@COUNT
@given(cases(), ALPHA)
def test_label_smoothing_is_a_regularised_risk(case, alpha):
    """Equation 8: (1 − α) [R + β Ω], β = α/((1 − α) L), Ω = L log Σ exp f − Σ f."""
    logits, labels, context = case
    L = context.num_classes
    smoothed = build_label_smoothing(LabelSmoothingParams(alpha=alpha), context)(logits, labels)
    f = logits.numpy()
    lse = np.logaddexp.reduce(f, axis=1)
    risk = lse - f[np.arange(len(f)), labels.numpy()]
    omega = L * lse - f.sum(axis=1)
    beta = alpha / ((1 - alpha) * L)
    assert_close(smoothed, torch.tensor((1 - alpha) * (risk + beta * omega)), scale=300)


@COUNT
@given(cases(), st.data())
def test_soft_targets_equal_hard_ones_at_one_hot(case, data):
    logits, labels, context = case
    T = data.draw(transitions(context.num_classes))
    one_hot = torch.nn.functional.one_hot(labels, context.num_classes).double()
    for loss in (
        build_standard(StandardParams(), context),
        build_label_smoothing(LabelSmoothingParams(alpha=0.3), context),
        build_backward(BackwardParams(alpha=0.3), context),
        build_backward(BackwardParams(matrix=T), context),
        build_forward(ForwardParams(alpha=0.3), context),
        build_forward(ForwardParams(matrix=T), context),
    ):
        assert_close(loss(logits, one_hot), loss(logits, labels), scale=100)


@COUNT
@given(cases(), st.floats(0.01, 0.9))
def test_forward_is_bounded_and_backward_is_not_positive_everywhere(case, alpha):
    """−log((1 − α) p + α/L) lies between −log(1 − α + α/L) and −log(α/L) (Figure 1's saturation)."""
    logits, labels, context = case
    L = context.num_classes
    losses = build_forward(ForwardParams(alpha=alpha), context)(logits, labels)
    assert (losses <= -np.log(alpha / L) + 1e-9).all()
    assert (losses >= -np.log(1 - alpha + alpha / L) - 1e-9).all()
