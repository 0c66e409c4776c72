"""Every loss against its formula, written out with numpy and scipy in float64 (agreement to 1e-12)."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.special import log_softmax, softmax

from lsncli.components import LossContext
from lsncli.losses.matrices import alpha_of_rate, rate_of_alpha, symmetric_backward, symmetric_transition
from lsncli.losses.params import (
    BackwardParams,
    ForwardParams,
    LabelSmoothingParams,
    SmearingParams,
    StandardParams,
)
from lsncli.losses.plugin import (
    build_backward,
    build_forward,
    build_label_smoothing,
    build_smearing,
    build_standard,
)
from lsncli.losses.vectors import cross_entropy_vector, forward_vector, smeared_vector

L, B = 7, 64
CLOSE = {"rtol": 1e-12, "atol": 1e-12}
ALPHAS = [0.0, 0.1, 0.5, 0.9]


@pytest.fixture
def data():
    rng = np.random.default_rng(3)
    logits = rng.normal(0, 3, (B, L))
    labels = rng.integers(0, L, B)
    soft = rng.dirichlet(np.ones(L), B)
    T = 0.6 * np.eye(L) + 0.4 * rng.dirichlet(np.ones(L), L)  # not symmetric, well conditioned
    return logits, labels, soft, T


def evaluate(loss, logits, targets):
    return loss(torch.tensor(logits), torch.tensor(targets)).numpy()


def check_smearing(loss, M, logits, labels, soft):
    """Row y of M times ℓ(f) for a label, qᵀ M ℓ(f) for probabilities (§3.1)."""
    smeared = np.einsum("ij,bj->bi", M, -log_softmax(logits, axis=1))
    np.testing.assert_allclose(evaluate(loss, logits, labels), smeared[np.arange(B), labels], **CLOSE)
    np.testing.assert_allclose(evaluate(loss, logits, soft), np.einsum("bi,bi->b", soft, smeared), **CLOSE)


def check_forward(loss, T, logits, labels, soft):
    """−log (Tᵀ softmax(f)) in plain arithmetic, the transpose written as a sum over the true class."""
    mixed = -np.log(np.einsum("bi,ij->bj", softmax(logits, axis=1), T))
    np.testing.assert_allclose(evaluate(loss, logits, labels), mixed[np.arange(B), labels], **CLOSE)
    np.testing.assert_allclose(evaluate(loss, logits, soft), np.einsum("bj,bj->b", soft, mixed), **CLOSE)


def test_standard(data):
    logits, labels, soft, _ = data
    check_smearing(build_standard(StandardParams(), LossContext(L, B)), np.eye(L), logits, labels, soft)


@pytest.mark.parametrize("alpha", ALPHAS)
def test_label_smoothing(data, alpha):
    logits, labels, soft, _ = data
    loss = build_label_smoothing(LabelSmoothingParams(alpha=alpha), LossContext(L, B))
    M = (1 - alpha) * np.eye(L) + alpha / L * np.ones((L, L))
    check_smearing(loss, M, logits, labels, soft)


@pytest.mark.parametrize("alpha", ALPHAS)
def test_label_smoothing_is_pytorchs(data, alpha):
    """torch.nn.functional.cross_entropy(label_smoothing=α) as an independent implementation."""
    logits, labels, soft, _ = data
    loss = build_label_smoothing(LabelSmoothingParams(alpha=alpha), LossContext(L, B))
    for targets in (labels, soft):
        expected = torch.nn.functional.cross_entropy(
            torch.tensor(logits), torch.tensor(targets), label_smoothing=alpha, reduction="none"
        )
        np.testing.assert_allclose(evaluate(loss, logits, targets), expected.numpy(), **CLOSE)


@pytest.mark.parametrize("alpha", ALPHAS)
def test_backward_of_alpha(data, alpha):
    logits, labels, soft, _ = data
    loss = build_backward(BackwardParams(alpha=alpha, floor=0.0), LossContext(L, B))
    M = np.linalg.inv((1 - alpha) * np.eye(L) + alpha / L * np.ones((L, L)))
    check_smearing(loss, M, logits, labels, soft)


@pytest.mark.parametrize("alpha", ALPHAS)
def test_forward_of_alpha(data, alpha):
    logits, labels, soft, _ = data
    loss = build_forward(ForwardParams(alpha=alpha), LossContext(L, B))
    check_forward(loss, (1 - alpha) * np.eye(L) + alpha / L * np.ones((L, L)), logits, labels, soft)


@pytest.mark.parametrize("source", ["matrix", "true", "estimated"])
def test_corrections_by_a_matrix_that_is_not_symmetric(data, source):
    logits, labels, soft, T = data
    given = {"matrix": T} if source == "matrix" else {"transition": source}
    context = LossContext(L, B, transition=None if source == "matrix" else T)
    check_forward(build_forward(ForwardParams(**given), context), T, logits, labels, soft)
    backward = build_backward(BackwardParams(floor=0.0, **given), context)
    check_smearing(backward, np.linalg.inv(T), logits, labels, soft)


def test_forward_uses_the_transpose():
    """Class 1 is always labelled 0: whoever predicts 1 with certainty predicted label 0 rightly."""
    T = np.array([[1.0, 0.0], [1.0, 0.0]])
    loss = build_forward(ForwardParams(matrix=T), LossContext(2, 1))
    assert loss(torch.tensor([[-30.0, 30.0]]), torch.tensor([0])).item() == pytest.approx(0.0, abs=1e-6)


def test_smearing_by_any_matrix(data):
    logits, labels, soft, _ = data
    M = np.random.default_rng(0).normal(size=(L, L))
    loss = build_smearing(SmearingParams(matrix=M), LossContext(L, B))
    check_smearing(loss, M, logits, labels, soft)


@pytest.mark.parametrize("floor", [1e-7, 1e-3])
def test_floor_clips_probabilities_before_the_logarithm(data, floor):
    """Patrini et al.'s code: clip(p, ε, 1 − ε), then −log p for backward, −log(p T) for forward."""
    logits, labels, soft, T = data
    logits = 4 * logits  # beyond either floor at both ends
    p = np.clip(softmax(logits, axis=1), floor, 1 - floor)
    assert (p == floor).any()
    assert (p == 1 - floor).any() or floor < 1e-3
    rows = np.arange(B)
    context = LossContext(L, B)
    S = symmetric_transition(L, 0.3)
    for params, build in ((BackwardParams, build_backward), (ForwardParams, build_forward)):
        for given, matrix in (({"matrix": T}, T), ({"alpha": 0.3}, S)):
            loss = build(params(floor=floor, **given), context)
            vector = -np.log(p @ matrix) if build is build_forward else -np.log(p) @ np.linalg.inv(matrix).T
            # 1e-9: the floor's logarithm is exact, but p clipped at 1 − ε is not representable exactly.
            np.testing.assert_allclose(evaluate(loss, logits, labels), vector[rows, labels], rtol=1e-9, atol=1e-9)
            np.testing.assert_allclose(evaluate(loss, logits, soft), (soft * vector).sum(1), rtol=1e-9, atol=1e-9)
    clipped = build_standard(StandardParams(floor=floor), context)
    np.testing.assert_allclose(evaluate(clipped, logits, labels), -np.log(p)[rows, labels], rtol=1e-9)


def test_backward_correction_is_floored_by_default():
    assert BackwardParams(alpha=0.1).floor == 1e-7
    assert ForwardParams(alpha=0.1).floor == LabelSmoothingParams().floor == 0.0


def test_matrices_of_table_1():
    """Table 1 and §3.2: M = (I − (α/L) J)/(1 − α) inverts T = (1 − α) I + (α/L) J; α = L/(L−1) ρ."""
    T = symmetric_transition(10, alpha_of_rate(0.2, 10))
    np.testing.assert_allclose(np.diag(T), 0.8, **CLOSE)
    np.testing.assert_allclose(T[~np.eye(10, dtype=bool)], 0.2 / 9, **CLOSE)
    np.testing.assert_allclose(T @ symmetric_backward(10, alpha_of_rate(0.2, 10)), np.eye(10), atol=1e-12)
    assert rate_of_alpha(alpha_of_rate(0.2, 10), 10) == pytest.approx(0.2)


def test_loss_vectors_of_curves(data):
    logits, _, _, T = data
    losses = -log_softmax(logits, axis=1)
    np.testing.assert_allclose(cross_entropy_vector(logits), losses, **CLOSE)
    np.testing.assert_allclose(smeared_vector(logits, T), losses @ T.T, **CLOSE)
    np.testing.assert_allclose(forward_vector(logits, T), -np.log(softmax(logits, axis=1) @ T), **CLOSE)
    with np.errstate(all="raise"):
        np.testing.assert_allclose(forward_vector(logits, np.eye(L)), losses, **CLOSE)
