"""Stability, gradients, reduced precision, torch.func and memory, for every loss and kind of target."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.fx.experimental.proxy_tensor import make_fx
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from lsncli.components import LossContext
from lsncli.losses.forward import MatrixForward, SymmetricForward
from lsncli.losses.interface import LossInputs
from lsncli.losses.smearing import (
    MatrixSmearing,
    label_smoothing,
    standard,
    symmetric_backward_correction,
)

L, B = 6, 5


def transition(num_classes=L, seed=1):
    rng = np.random.default_rng(seed)
    return 0.6 * np.eye(num_classes) + 0.4 * rng.dirichlet(np.ones(num_classes), num_classes)


def sparse_transition(num_classes=L):
    """Pair noise: most entries are exactly zero."""
    return 0.7 * np.eye(num_classes) + 0.3 * np.roll(np.eye(num_classes), 1, axis=1)


def never_label_one(num_classes=L):
    """Class 1 is always labelled 0, so that no example has label 1 (a column of zeros)."""
    T = np.eye(num_classes)
    T[1, 0], T[1, 1] = 1.0, 0.0
    return T


def all_losses(num_classes=L):
    T = transition(num_classes)
    return {
        "standard": standard(num_classes),
        "label-smoothing": label_smoothing(num_classes, 0.1),
        "backward": symmetric_backward_correction(num_classes, 0.3),
        "backward-floor": symmetric_backward_correction(num_classes, 0.3, 1e-7),
        "backward-matrix": MatrixSmearing(np.linalg.inv(T)),
        "backward-matrix-floor": MatrixSmearing(np.linalg.inv(T), 1e-7),
        "forward": SymmetricForward(num_classes, 0.3),
        "forward-floor": SymmetricForward(num_classes, 0.3, 1e-7),
        "forward-matrix": MatrixForward(T),
        "forward-sparse": MatrixForward(sparse_transition(num_classes)),
        "forward-identity": MatrixForward(np.eye(num_classes)),
        "forward-impossible": MatrixForward(never_label_one(num_classes)),
    }


NAMES = sorted(all_losses())


def batch(kind, dtype=torch.float64, scale=2.0, seed=0):
    generator = torch.Generator().manual_seed(seed)
    logits = (scale * torch.randn(B, L, generator=generator, dtype=torch.float64)).to(dtype)
    if kind == "hard":
        return logits, torch.randint(0, L, (B,), generator=generator)
    q = torch.rand(B, L, generator=generator, dtype=torch.float64)
    return logits, (q / q.sum(-1, keepdim=True)).to(torch.float64 if dtype is torch.float64 else torch.float32)


@pytest.fixture(params=["hard", "soft"])
def kind(request):
    return request.param


@pytest.fixture(params=NAMES)
def loss(request):
    return all_losses()[request.param]


def test_gradients(loss, kind):
    """Analytic against numerical derivatives, first and second order, in float64."""
    logits, targets = batch(kind)
    logits.requires_grad_()
    assert torch.autograd.gradcheck(lambda x: loss(x, targets), logits)
    assert torch.autograd.gradgradcheck(lambda x: loss(x, targets), logits)


def test_float32_and_bfloat16_logits(loss, kind):
    """float32 agrees with float64; bf16 logits are widened first, so their rounded values give float32's loss."""
    logits, targets = batch(kind, torch.float32)
    narrow = targets.float() if kind == "soft" else targets
    single = loss(logits, narrow)
    wide = loss(logits.double(), targets.double() if kind == "soft" else targets)
    assert single.dtype is torch.float32
    torch.testing.assert_close(single.double(), wide, rtol=1e-5, atol=1e-4)
    for reduced in (torch.bfloat16, torch.float16):
        rounded = logits.to(reduced)
        result = loss(rounded, narrow)
        assert result.dtype is torch.float32
        assert torch.equal(result, loss(rounded.float(), narrow))


def test_autocast_does_not_round_the_correction(loss, kind):
    logits, targets = batch(kind, torch.float32)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        inside = loss(logits, targets)
    torch.testing.assert_close(inside, loss(logits, targets), rtol=0, atol=0)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_extreme_logits_stay_finite(loss, kind, dtype):
    logits, targets = batch(kind, dtype, scale=1e4)
    logits.requires_grad_()
    losses = loss(logits, targets)
    assert torch.isfinite(losses).all()
    # A scaled sum, as mixed-precision training takes it.
    (gradient,) = torch.autograd.grad(1024 * losses.sum(), logits)
    assert torch.isfinite(gradient).all()


def test_second_derivatives_stay_finite_at_extreme_logits(loss, kind):
    logits, targets = batch(kind, torch.float32, scale=1e4)
    target = targets[0]
    hessian = torch.func.jacrev(torch.func.jacrev(lambda x: loss(x, target)))(logits[0])
    assert torch.isfinite(hessian).all()


def test_matrix_forward_of_the_identity_is_exact_at_extreme_logits(kind):
    """Zeros of T must not saturate the loss: −log p_y = 2·10⁴ here, by hand from the logits' difference."""
    logits = torch.tensor([[1e4, -1e4, 0.0]])
    targets = torch.tensor([1]) if kind == "hard" else torch.tensor([[0.0, 1.0, 0.0]])
    assert MatrixForward(np.eye(3))(logits, targets).item() == 2e4


def test_a_label_that_cannot_occur_has_a_finite_loss(kind):
    """No class becomes 1 under T: its probability counts as 2⁻¹⁰⁰, a loss of 100 log 2."""
    T = np.array([[1.0, 0.0, 0.0], [0.5, 0.0, 0.5], [0.0, 0.0, 1.0]])
    logits = torch.zeros(1, 3, requires_grad=True)
    targets = torch.tensor([1]) if kind == "hard" else torch.tensor([[0.0, 1.0, 0.0]])
    value = MatrixForward(T)(logits, targets)
    assert value.item() == pytest.approx(100 * np.log(2), rel=1e-6)
    value.backward()
    assert torch.isfinite(logits.grad).all()


def test_vmap_over_examples_and_over_replicas(loss, kind):
    logits, targets = batch(kind)
    expected = loss(logits, targets)
    torch.testing.assert_close(torch.vmap(loss)(logits, targets), expected)
    replicas = torch.stack((logits, -logits))
    stacked = torch.vmap(loss, in_dims=(0, None))(replicas, targets)
    torch.testing.assert_close(stacked[1], loss(-logits, targets))


def test_torch_func_gradients(loss, kind):
    logits, targets = batch(kind)
    logits.requires_grad_()
    (expected,) = torch.autograd.grad(loss(logits, targets).sum(), logits)
    per_example = torch.vmap(torch.func.grad(loss))(logits.detach(), targets)
    torch.testing.assert_close(per_example, expected)
    jacobian = torch.func.jacrev(loss)(logits.detach(), targets)
    torch.testing.assert_close(jacobian[torch.arange(B), torch.arange(B)], expected)


def test_losses_compute_nothing_that_depends_on_values(loss, kind):
    """make_fx traces operations: a Python branch on data would stop it, and the trace serves other data."""
    logits, targets = batch(kind)
    traced = make_fx(lambda x, t: loss(x, t))(logits, targets)
    torch.testing.assert_close(traced(3 * logits, targets), loss(3 * logits, targets))


def test_nothing_is_checkpointed_and_everything_moves(loss):
    assert not loss.state_dict()
    moved = loss.to("meta")
    assert all(buffer.is_meta for buffer in moved.buffers())
    assert all(buffer.dtype is torch.float32 for buffer in moved.buffers())
    assert repr(loss)


def test_inputs_record_is_accepted(loss, kind):
    logits, targets = batch(kind)
    inputs = LossInputs(indices=torch.arange(B), step=torch.tensor(0))
    assert torch.equal(loss(logits, targets, inputs), loss(logits, targets))


@pytest.mark.parametrize(
    "targets",
    [
        torch.zeros(B + 1, dtype=torch.long),
        torch.zeros(B, L - 1),
        torch.zeros(B),
        torch.zeros(B, L, dtype=torch.long),
    ],
)
def test_targets_that_do_not_fit(loss, targets):
    with pytest.raises(ValueError, match="do not fit logits"):
        loss(torch.zeros(B, L), targets)


class LargestTensor(TorchDispatchMode):
    """Records the size of the largest tensor that any operation returns, backward included."""

    numel = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        sizes = [leaf.numel() for leaf in tree_leaves(result) if isinstance(leaf, torch.Tensor)]
        self.numel = max([self.numel, *sizes])
        return result


@pytest.mark.parametrize("name", NAMES)
def test_no_tensor_of_batch_times_classes_squared(name, kind):
    """B = 64, L = 50: a B×L×L tensor would have 160 000 entries; 2·B·L is 6400."""
    num_classes, size = 50, 64
    loss = all_losses(num_classes)[name]
    logits = torch.randn(size, num_classes, requires_grad=True)
    hard = torch.randint(0, num_classes, (size,))
    targets = hard if kind == "hard" else torch.nn.functional.one_hot(hard, num_classes).float()
    with LargestTensor() as largest:
        loss(logits, targets).sum().backward()
    assert largest.numel <= 2 * size * num_classes


def test_symmetric_forward_refuses_the_ends():
    for alpha in (0.0, 1.0):
        with pytest.raises(ValueError, match="strictly between"):
            SymmetricForward(L, alpha)


def test_matrix_and_closed_form_agree_in_float32(kind):
    """Two ways to one loss: the matrix of α and the closed form."""
    logits, targets = batch(kind, torch.float32, scale=20.0)
    T = 0.7 * np.eye(L) + 0.3 / L * np.ones((L, L))
    for closed, general in (
        (SymmetricForward(L, 0.3), MatrixForward(T)),
        (label_smoothing(L, 0.3), MatrixSmearing(T)),
        (symmetric_backward_correction(L, 0.3), MatrixSmearing(np.linalg.inv(T))),
    ):
        torch.testing.assert_close(closed(logits, targets), general(logits, targets), rtol=1e-5, atol=1e-4)


def test_context_is_enough_for_every_builder():
    """The records that register are what a run builds from; nothing else is needed."""
    from lsncli.losses.plugin import lsn_losses

    infos = []
    lsn_losses(infos.append)
    given = {
        "backward-correction": {"alpha": 0.2},
        "forward-correction": {"alpha": 0.2},
        "smearing": {"matrix": [[1.0, 0.0], [0.0, 1.0]]},
    }
    for info in infos:
        loss = info.build(info.params.model_validate(given.get(info.name, {})), LossContext(2, 10))
        assert loss(torch.zeros(3, 2), torch.tensor([0, 1, 0])).shape == (3,)
    assert {info.name for info in infos} == {
        "standard",
        "label-smoothing",
        "backward-correction",
        "forward-correction",
        "smearing",
    }
