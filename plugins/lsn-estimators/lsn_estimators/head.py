"""A classifier on the pre-logits of the run that is read, trained together with a transition matrix."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import torch
from lsncli.estimators.anchor import anchor_estimate
from torch import Tensor, nn

from lsn_estimators.matrices import SlackTransition, VolumeTransition, log_volume, nearest_stochastic
from lsn_estimators.objectives import reweighted_losses, volume_losses

if TYPE_CHECKING:
    from lsn_estimators.params import HeadParams, RevisionParams, VolumeParams

Matrix = npt.NDArray[np.float64]
#: How far the code's Adam can move an entry of T: its rate, times the steps of 200 epochs of 45,000 images by 128.
REACH = 5e-7 * 70_400
#: From logits and labels of a batch to the loss of a step.
Objective = Callable[[Tensor, Tensor], Tensor]


def volume_estimate(
    prelogits: npt.ArrayLike, labels: npt.ArrayLike, num_classes: int, params: VolumeParams, seed: int
) -> Matrix:
    """T ``[L, L]`` of least volume that explains the noisy labels ``[N]``, from pre-logits ``[N, D]``.

    Li et al. 2021, equation 5: mean of −log (Tᵀ softmax(h(z)))_ỹ + λ log |det T|, over the classifier h and T.
    """
    training = _Training(prelogits, labels, num_classes, params, seed)
    transition = VolumeTransition(num_classes, params.initial)
    optimizer = training.optimizer()
    optimizer.add_param_group({"params": list(transition.parameters()), "weight_decay": 0.0})

    def objective(logits: Tensor, given: Tensor) -> Tensor:
        matrix = transition()
        return volume_losses(logits, given, matrix).mean() + params.volume * log_volume(matrix)

    training.run(params.epochs, optimizer, objective)
    return _result(transition())


def revision_estimate(
    probabilities: npt.ArrayLike,
    prelogits: npt.ArrayLike,
    labels: npt.ArrayLike,
    num_classes: int,
    params: RevisionParams,
    seed: int,
) -> Matrix:
    """T̂ + ΔT ``[L, L]``, from probabilities ``[N, L]``, pre-logits ``[N, D]`` and noisy labels ``[N]``.

    Xia et al. 2019, algorithm 1: T̂ at anchors of the run's predictions; a classifier trained with losses reweighted
    by T̂; then classifier and slack ΔT together, with losses reweighted by T̂ + ΔT.
    """
    initial = torch.tensor(anchor_estimate(probabilities, params.percentile), dtype=torch.float32)
    transition = SlackTransition(initial)
    training = _Training(prelogits, labels, num_classes, params, seed)

    def reweighted(logits: Tensor, given: Tensor) -> Tensor:
        return reweighted_losses(logits, given, initial, through_weights=False).mean()

    def revised(logits: Tensor, given: Tensor) -> Tensor:
        return reweighted_losses(logits, given, transition(), through_weights=True).mean()

    if params.revision_epochs:
        training.run(params.epochs, training.optimizer(), reweighted)
        learnt = [*training.head.parameters(), *transition.parameters()]
        lr = params.revision_lr or REACH / (params.revision_epochs * training.steps_per_epoch)
        adam = torch.optim.Adam(learnt, lr=lr, weight_decay=params.weight_decay)
        training.run(params.revision_epochs, adam, revised)
    return _result(transition())


class _Training:
    """The classifier and its examples; all that is random comes from a generator of its own."""

    def __init__(
        self, prelogits: npt.ArrayLike, labels: npt.ArrayLike, num_classes: int, params: HeadParams, seed: int
    ) -> None:
        self.params = params
        self.generator = torch.Generator().manual_seed(seed)
        features = torch.tensor(np.asarray(prelogits), dtype=torch.float32)
        # Of unit variance in the mean over the dimensions: a learning rate suits no other scale.
        features = features - features.mean(0)
        self.features = features / features.square().mean().sqrt().clamp_min(1e-12)
        self.given = torch.tensor(np.asarray(labels), dtype=torch.int64)
        self.head = self._head(self.features.shape[1], num_classes)

    def _head(self, width: int, num_classes: int) -> nn.Sequential:
        sizes = [width, *([self.params.hidden] if self.params.hidden else []), num_classes]
        layers: list[nn.Module] = []
        for inputs, outputs in pairwise(sizes):
            layer = nn.Linear(inputs, outputs, device="meta").to_empty(device="cpu")
            with torch.no_grad():
                layer.weight.normal_(0, inputs**-0.5, generator=self.generator)
                layer.bias.zero_()
            layers += [layer, nn.ReLU()]
        return nn.Sequential(*layers[:-1])

    def optimizer(self) -> torch.optim.Optimizer:
        """SGD with momentum, as in both papers' code."""
        params = self.params
        return torch.optim.SGD(self.head.parameters(), lr=params.lr, momentum=0.9, weight_decay=params.weight_decay)

    @property
    def steps_per_epoch(self) -> int:
        """Batches of one pass, the last one perhaps smaller."""
        return -(-len(self.given) // self.params.batch_size)

    def run(self, epochs: int, optimizer: torch.optim.Optimizer, objective: Objective) -> None:
        """Minimise ``objective`` for some epochs."""
        for chosen in self._batches(epochs):
            loss = objective(self.head(self.features[chosen]), self.given[chosen])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

    def _batches(self, epochs: int) -> Iterator[Tensor]:
        for _ in range(epochs):
            yield from torch.randperm(len(self.given), generator=self.generator).split(self.params.batch_size)


def _result(transition: Tensor) -> Matrix:
    matrix: Matrix = nearest_stochastic(transition.double()).numpy()
    if not np.isfinite(matrix).all():
        raise ValueError("learning the matrix diverged: take a smaller lr")
    return matrix
