"""What a trained network says of its data: the arrays behind the paper's figures, and the predictions.

Histograms (Figures 3 and 7) are of p_y(x) − 1/L and of f_y(x) − mean_j f_j(x), where y is the true, the given or
the predicted label. Projections (Figures 4, 8, 9) follow Müller et al. 2019: pre-logits of examples of three
classes on the plane through the templates (rows of the final linear layer) of these classes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from lsncli.architectures.prelogits import final_linear, with_prelogits
from lsncli.backends.interface import Backend
from lsncli.engine.evaluation import EVALUATION_BATCH, PORTION, predict
from lsncli.errors import LsnError

if TYPE_CHECKING:
    from lsncli.engine.workspace import Workspace

PROBABILITY_BINS = 100
LOGIT_BINS = 120
LOGIT_RANGE = (-20.0, 40.0)
#: Classes that are projected, and the most examples of each.
PROJECTED_CLASSES = 3
PROJECTED_EXAMPLES = 200


@dataclass(frozen=True, slots=True)
class FinalOutputs:
    """Logits float32 of the test images ``[M, L]`` and of the training images, without augmentation, ``[N, L]``.

    And of the validation images, where any are held out, ``[V, L]``.
    """

    test_logits: Tensor
    train_logits: Tensor
    validation_logits: Tensor | None = None

    def tensors(self, work: Workspace) -> dict[str, Tensor]:
        """The predictions file: enough to compute every stored metric again."""
        kept = {
            "test_logits": self.test_logits,
            "test_labels": work.test_labels,
            "train_predicted": self.train_logits.argmax(1),
            "train_given": work.given,
        }
        if self.validation_logits is not None and work.validation_given is not None:
            kept["validation_predicted"] = self.validation_logits.argmax(1)
            kept["validation_given"] = work.validation_given
        return kept if work.true is None else {**kept, "train_true": work.true}


def final_outputs(work: Workspace, backend: Backend, precision: str) -> FinalOutputs:
    """Logits of all images, with the network in evaluation mode."""
    return FinalOutputs(
        predict(work.module, work.test.plain(EVALUATION_BATCH), backend, precision),
        predict(work.module, work.train.plain(EVALUATION_BATCH), backend, precision),
        None
        if work.validation is None
        else predict(work.module, work.validation.plain(EVALUATION_BATCH), backend, precision),
    )


def figure_arrays(work: Workspace, outputs: FinalOutputs) -> dict[str, npt.NDArray[Any]]:
    """The arrays of a run; histograms need true labels, projections three classes and a final linear layer."""
    arrays: dict[str, npt.NDArray[Any]] = {}
    if work.true is not None:
        home = outputs.train_logits.device
        arrays |= margin_histograms(outputs.train_logits, work.given.to(home), work.true.to(home))
    if work.num_classes >= PROJECTED_CLASSES:
        arrays |= projection(work)
    return arrays


def margin_histograms(logits: Tensor, given: Tensor, true: Tensor) -> dict[str, npt.NDArray[np.int64]]:
    """Counts ``[3, 3, bins]``: part of the training set (full, clean, noisy) × label (true, given, predicted).

    logits: ``[N, L]``. Probabilities: 100 equal bins over [−1/L, 1 − 1/L]; logits: 120 over [−20, 40], what lies
    outside in the end bins.

    Counted portion by portion: in float64, a million examples of a thousand classes are 8 GB, several times over.
    """
    rows = max(1, PORTION // max(1, logits.shape[1]))
    counts = {
        "probability_margin_histograms": np.zeros((3, 3, PROBABILITY_BINS), dtype=np.int64),
        "logit_margin_histograms": np.zeros((3, 3, LOGIT_BINS), dtype=np.int64),
    }
    for portion in zip(logits.split(rows), given.split(rows), true.split(rows), strict=True):
        for name, of_portion in _portion_histograms(*portion).items():
            counts[name] += of_portion
    return counts


def _portion_histograms(logits: Tensor, given: Tensor, true: Tensor) -> dict[str, npt.NDArray[np.int64]]:
    classes = logits.shape[1]
    wide = logits.double()
    probabilities = torch.softmax(wide, dim=1)
    noisy = given != true
    parts = (torch.ones_like(noisy), ~noisy, noisy)
    labels = (true, given, wide.argmax(1))
    kinds = {
        "probability_margin_histograms": (
            probabilities - 1 / classes,
            -1 / classes,
            1 - 1 / classes,
            PROBABILITY_BINS,
        ),
        "logit_margin_histograms": (wide - wide.mean(dim=1, keepdim=True), *LOGIT_RANGE, LOGIT_BINS),
    }
    result = {}
    for name, (values, low, high, bins) in kinds.items():
        counts = torch.zeros(3, 3, bins, dtype=torch.int64)
        for column, label in enumerate(labels):
            margin = values.gather(1, label[:, None])[:, 0]
            index = ((margin - low) / (high - low) * bins).long().clamp(0, bins - 1)
            for row, part in enumerate(parts):
                counts[row, column] = torch.bincount(index[part], minlength=bins).cpu()
        result[name] = counts.numpy()
    return result


def projection(work: Workspace) -> dict[str, npt.NDArray[Any]]:
    """Pre-logits of training examples whose given label is one of the first three classes, in the plane."""
    try:
        templates = final_linear(work.module, work.num_classes).weight.detach().cpu()[:PROJECTED_CLASSES].double()
    except LsnError:
        return {}
    # How many examples there are is known only when they are counted, so that is done on the CPU.
    given = work.given.cpu()
    chosen = torch.cat(
        [spread((given == label).nonzero()[:, 0], PROJECTED_EXAMPLES) for label in range(PROJECTED_CLASSES)]
    )
    if len(chosen) == 0:
        return {}
    was_training = work.module.training
    work.module.eval()
    images = work.train.at(chosen.to(work.given.device))
    _, prelogits = with_prelogits(work.module, work.num_classes)(images)
    work.module.train(was_training)
    origin, basis = plane(templates)
    arrays = {
        "projection_points": ((prelogits.cpu().double() - origin) @ basis.T).float(),
        "projection_templates": ((templates - origin) @ basis.T).float(),
        "projection_given": given[chosen],
        "projection_classes": torch.arange(PROJECTED_CLASSES),
    }
    if work.true is not None:
        arrays["projection_true"] = work.true.cpu()[chosen]
    return {name: value.cpu().numpy() for name, value in arrays.items()}


def spread(positions: Tensor, most: int) -> Tensor:
    """At most ``most`` of the ``positions``, evenly from all of them.

    Of a set that is sorted by its true classes, as folders of images are, the first ones with a given label would
    nearly all be right, or of the classes before it.
    """
    if len(positions) <= most:
        return positions
    return positions[torch.arange(most) * len(positions) // most]


def plane(templates: Tensor) -> tuple[Tensor, Tensor]:
    """The plane through three templates ``[3, D]``: the first as origin ``[D]``, orthonormal basis ``[2, D]``."""
    origin = templates[0]
    first = templates[1] - origin
    first = first / first.norm().clamp_min(torch.finfo(first.dtype).tiny)
    second = templates[2] - origin
    second = second - (second @ first) * first
    second = second / second.norm().clamp_min(torch.finfo(second.dtype).tiny)
    return origin, torch.stack((first, second))
