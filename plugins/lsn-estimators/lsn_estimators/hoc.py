"""HOC (Zhu, Song and Liu 2021): T from the noisy labels of an example and its two nearest neighbours.

Where an example and its two nearest neighbours are of one class ("2-NN label clusterability"), their noisy labels
are three independent draws from one row of T. How often labels occur, agree in pairs and in threes ("consensuses"
of the first, second and third order) then determines T and the class prior.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

Matrix = npt.NDArray[np.float64]
#: The patterns of the three orders, ``[L]``, ``[L, L]`` and ``[L, L, L]``.
Consensuses = tuple[Tensor, Tensor, Tensor]

#: L³ patterns are counted and L⁴ products taken in every step: 200 classes are 8 million and 1.6 billion.
MOST_CLASSES = 200
#: Rows of the matrix of similarities that are computed at once.
ROWS = 1000


def hoc_estimate(
    prelogits: npt.ArrayLike,
    labels: npt.ArrayLike,
    num_classes: int,
    *,
    rounds: int = 50,
    sample: int = 15_000,
    steps: int = 1500,
    lr: float = 0.1,
    seed: int = 0,
) -> Matrix:
    """T ``[L, L]`` from features ``[N, D]`` and noisy labels ``[N]`` (algorithm 1)."""
    if num_classes > MOST_CLASSES:
        raise ValueError(f"HOC counts L³ patterns of labels: it is for at most {MOST_CLASSES} classes")
    features = torch.tensor(np.asarray(prelogits), dtype=torch.float32)
    given = torch.tensor(np.asarray(labels), dtype=torch.int64)
    if len(features) < 4:
        raise ValueError("HOC needs at least 4 examples, as each must have two neighbours in a sample")
    # Nearness is the cosine's.
    features = torch.nn.functional.normalize(features, dim=1)
    size = max(3, min(sample, int(0.9 * len(features))))
    generator = np.random.default_rng([seed, 2021])
    total = [torch.zeros((num_classes,) * order, dtype=torch.float64) for order in (1, 2, 3)]
    for _ in range(rounds):
        chosen = torch.from_numpy(generator.choice(len(features), size, replace=False))
        counted = count_consensuses(features[chosen], given[chosen], num_classes)
        total = [so_far + part for so_far, part in zip(total, counted, strict=True)]
    first, second, third = (counts / (rounds * size) for counts in total)
    return solve((first, second, third), steps=steps, lr=lr)[0]


def two_nearest(features: Tensor) -> Tensor:
    """Positions ``[N, 2]`` of the two other examples of largest inner product, for features ``[N, D]``."""
    parts = []
    for start in range(0, len(features), ROWS):
        similarity = features[start : start + ROWS] @ features.T
        rows = torch.arange(len(similarity))
        similarity[rows, rows + start] = -torch.inf
        parts.append(similarity.topk(2, dim=1).indices)
    return torch.cat(parts)


def count_consensuses(features: Tensor, labels: Tensor, num_classes: int) -> Consensuses:
    """Counts by label; by label and nearest neighbour's label; by these and the second neighbour's label."""
    neighbours = labels[two_nearest(features)]
    triples = torch.stack((labels, neighbours[:, 0], neighbours[:, 1]), dim=1)
    place = torch.zeros(len(labels), dtype=torch.int64)
    counts = []
    for order in (1, 2, 3):
        place = place * num_classes + triples[:, order - 1]
        found = torch.bincount(place, minlength=num_classes**order).double()
        counts.append(found.view((num_classes,) * order))
    return counts[0], counts[1], counts[2]


def consensus_probabilities(transition: Tensor, prior: Tensor) -> Consensuses:
    """Σ_y p_y T_yi, Σ_y p_y T_yi T_yj and Σ_y p_y T_yi T_yj T_yk for T ``[L, L]`` and p ``[L]``."""
    weighted = prior[:, None] * transition
    pairs = (transition[:, :, None] * transition[:, None, :]).flatten(1)
    third = (weighted.T @ pairs).view((len(prior),) * 3)
    return weighted.sum(0), weighted.T @ transition, third


def solve(counted: Consensuses, *, steps: int, lr: float) -> tuple[Matrix, npt.NDArray[np.float64]]:
    """T ``[L, L]`` and p ``[L]`` whose consensuses are nearest to those that were counted (equation 9).

    T and p are softmaxes of what Adam moves; T begins near the identity, of all the solutions that differ by a
    renaming of the classes nearest to the one in which most labels are right. The best T of all steps is kept.
    """
    classes = len(counted[0])
    free = (5 * torch.eye(classes, dtype=torch.float64) - 1).requires_grad_()
    free_prior = torch.zeros(classes, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.Adam([free, free_prior], lr=lr)
    least = torch.inf
    best = (torch.softmax(free.detach(), 1), torch.softmax(free_prior.detach(), 0))
    for _ in range(steps):
        transition, prior = torch.softmax(free, 1), torch.softmax(free_prior, 0)
        expected = consensus_probabilities(transition, prior)
        distance = torch.stack([(a - b).norm() for a, b in zip(counted, expected, strict=True)]).sum()
        if (now := float(distance.detach())) < least:
            least, best = now, (transition.detach().clone(), prior.detach().clone())
        optimizer.zero_grad()
        distance.backward()
        optimizer.step()
    return best[0].numpy(), best[1].numpy()
