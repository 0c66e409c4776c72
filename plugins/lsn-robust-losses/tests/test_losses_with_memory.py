"""Truncated GCE and ELR: what they remember of each example, when, and what follows from it."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from samples import EXAMPLES, at, build, call, cross_entropy, gradient, labels, logits, softmax

F, Y = logits(), labels()
P = softmax(F)
Q, K = 0.7, 0.5
BOUND = (1 - K**Q) / Q


def power(f: np.ndarray, y: np.ndarray) -> np.ndarray:
    return (1 - at(softmax(f), y) ** Q) / Q


def test_truncation_is_that_of_the_paper() -> None:
    """L_q(k) where p ≤ k, L_q(p) elsewhere: with the weights renewed in every epoch from the first on."""
    expected = np.where(at(P, Y) > K, power(F, Y), BOUND)
    assert 0 < (at(P, Y) > K).sum() < 12
    loss = build("truncated-gce", q=Q, k=K, start=1, every=1)
    np.testing.assert_allclose(call(loss, F, Y), expected, rtol=1e-12)
    slopes = np.abs(gradient(loss, F, Y)).sum(1)
    assert ((slopes == 0) == (at(P, Y) <= K)).all()


def test_weights_are_renewed_in_their_epochs_and_kept_in_between() -> None:
    """3 steps an epoch (40 examples, batches of 12); start 2, every 3: epochs 2, 5, 8, … are steps 3–5, 12–14."""
    assert EXAMPLES // 12 == 3
    loss = build("truncated-gce", q=Q, k=K, start=2, every=3)
    other = logits(seed=1)
    pruned, pruned_later = at(P, Y) <= K, at(softmax(other), Y) <= K
    assert (pruned != pruned_later).any()

    def left_out(f: np.ndarray, step: int) -> np.ndarray:
        return call(loss, f, Y, step) == BOUND

    assert not left_out(F, 0).any()
    assert not left_out(F, 2).any()
    assert (left_out(F, 3) == pruned).all()
    for step in (6, 11):  # epochs 3 and 4: as decided, whatever the network says now
        assert (left_out(other, step) == pruned).all()
    assert (left_out(other, 12) == pruned_later).all()
    assert (left_out(F, 15) == pruned_later).all()


def test_each_example_has_its_own_weight() -> None:
    loss = build("truncated-gce", q=Q, k=K, start=1, every=1000)
    call(loss, F, Y, 0, indices=np.arange(12))
    later = call(loss, F, Y, 10**6, indices=np.arange(20, 32))
    np.testing.assert_allclose(later, power(F, Y), rtol=1e-12)  # never met before
    assert loss.kept.sum() == EXAMPLES - (at(P, Y) <= K).sum()
    swapped = call(loss, F[::-1].copy(), Y[::-1].copy(), 10**6, indices=np.arange(12)[::-1].copy())
    assert ((swapped == BOUND) == (at(P, Y) <= K)[::-1]).all()


@pytest.mark.parametrize(("name", "needs"), [("truncated-gce", "positions and the step"), ("elr", "positions")])
def test_without_positions_there_is_no_memory(name: str, needs: str) -> None:
    with pytest.raises(ValueError, match=needs):
        build(name)(torch.tensor(F), torch.tensor(Y))


def regulariser(f: np.ndarray, estimates: np.ndarray) -> np.ndarray:
    clipped = np.clip(softmax(f), 1e-4, 1 - 1e-4)
    return np.log(1 - (estimates * clipped).sum(1))


def believed(f: np.ndarray) -> np.ndarray:
    clipped = np.clip(softmax(f), 1e-4, 1 - 1e-4)
    return clipped / clipped.sum(1, keepdims=True)


def test_elr_over_three_epochs() -> None:
    """t begins with zeros and moves before the loss is computed: t ← β t + (1 − β) p."""
    beta, weight = 0.7, 3.0
    loss = build("elr", beta=beta, weight=weight)
    estimates = np.zeros((12, 5))
    for epoch in range(3):
        f = logits(seed=epoch)
        estimates = beta * estimates + (1 - beta) * believed(f)
        expected = cross_entropy(f, Y) + weight * regulariser(f, estimates)
        np.testing.assert_allclose(call(loss, f, Y, epoch), expected, rtol=1e-10)
    np.testing.assert_allclose(loss.estimates[:12], estimates, rtol=1e-10)
    assert (loss.estimates[12:] == 0).all()


def test_elr_differentiates_the_prediction_but_not_the_memory() -> None:
    """Liu et al., lemma 2: ∂/∂f_k = p_k − y_k + λ p_k/(1 − ⟨p, t⟩) Σ_j (t_j − t_k) p_j, with the opposite sign
    of the sum since d log(1 − ⟨p, t⟩) = −d⟨p, t⟩/(1 − ⟨p, t⟩); no probability here is clipped."""
    assert P.min() > 1e-4
    t = 0.3 * P
    pull = P * ((t * P).sum(1, keepdims=True) - t) / (1 - (t * P).sum(1, keepdims=True))
    expected = P - np.eye(5)[Y] + 2.0 * pull
    np.testing.assert_allclose(gradient(build("elr", beta=0.7, weight=2.0), F, Y), expected, rtol=1e-8, atol=1e-12)


def test_elr_without_weight_is_cross_entropy() -> None:
    np.testing.assert_allclose(call(build("elr", weight=0.0), F, Y), cross_entropy(F, Y), rtol=1e-12)


def test_elr_stays_finite_where_an_example_is_sure_for_ever() -> None:
    """t and p both tend to the clip 1 − 1e-4 (normalised: with 4e-4 for the others), log(1 − ⟨t, p⟩) to −8.5."""
    loss = build("elr", beta=0.0)
    sure = np.eye(5)[[0, 1]] * 1e4
    found = call(loss, sure, np.array([0, 1]))
    clipped = np.array([1 - 1e-4, *[1e-4] * 4])
    expected = 3.0 * np.log(1 - (clipped**2).sum() / clipped.sum())
    np.testing.assert_allclose(found, expected, rtol=1e-9)
