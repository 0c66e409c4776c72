"""Evaluation: logits of a whole set, and the metrics that every evaluation stores."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial

import torch
from torch import Tensor, nn

from lsncli.backends.interface import Backend
from lsncli.engine.calibration import expected_calibration_error, reliability_bins

ECE_BINS = (100, 15)
#: Images per forward pass of an evaluation.
EVALUATION_BATCH = 1000
#: Logits that are computed with in float64 at a time: 2 MB, which a processor's cache holds.
PORTION = 2**18


def predict(module: nn.Module, batches: Iterable[Tensor], backend: Backend, precision: str) -> Tensor:
    """Logits of all images, float32 ``[N, L]``, with the module in evaluation mode.

    They are on the device, or where the backend traces its programs, on the CPU: moved there batch by batch, which
    ends a program with each of them.
    """
    was_training = module.training
    module.eval()
    guard = torch.no_grad() if backend.traced else torch.inference_mode()
    try:
        with guard, backend.autocast(precision):
            results = (module(batch).float() for batch in batches)
            return torch.cat([logits.cpu() if backend.traced else logits for logits in results])
    finally:
        module.train(was_training)


def predict_together(
    modules: Sequence[nn.Module], batches: Iterable[Tensor], backend: Backend, precision: str
) -> list[Tensor]:
    """As :func:`predict`, for several modules that see the same images: one tensor of logits for each.

    Each batch is made once, and the modules work on it side by side where the device can do that.
    """
    were_training = [module.training for module in modules]
    parts: list[list[Tensor]] = [[] for _ in modules]

    def add(number: int, batch: Tensor) -> None:
        with backend.autocast(precision):
            parts[number].append(modules[number](batch).float())

    for module in modules:
        module.eval()
    try:
        with torch.inference_mode():
            for batch in batches:
                backend.in_parallel([partial(add, number, batch) for number in range(len(modules))])
            # One after the other: the parts of all, and all of them put together, would be there twice.
            return [torch.cat(parts.pop(0)) for _ in modules]
    finally:
        for module, was_training in zip(modules, were_training, strict=True):
            module.train(was_training)


def accuracy(predicted: Tensor, labels: Tensor) -> float:
    """Share of ``predicted`` ``[N]`` equal to ``labels`` ``[N]``; NaN for an empty set."""
    return float((predicted == labels).double().mean().item()) if len(labels) else float("nan")


def measure_test(logits: Tensor, labels: Tensor) -> tuple[dict[str, float], Tensor]:
    """Test metrics, and the reliability bins ``[3, 100]``, of logits ``[N, L]`` against clean labels ``[N]``."""
    log_confidence, predicted, log_own = _by_example(logits, labels)
    correct = predicted == labels
    metrics = {
        "test_accuracy": accuracy(predicted, labels),
        "test_nll": float(-log_own.mean().item()),
    }
    confidence = log_confidence.exp()
    by_count = {n: reliability_bins(confidence, correct, n) for n in ECE_BINS}
    for count, bins in by_count.items():
        metrics[f"test_ece_{count}"] = expected_calibration_error(bins)
    return metrics, by_count[ECE_BINS[0]]


def _by_example(logits: Tensor, labels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Logarithm of the confidence, predicted class, log-probability of the label: ``[N]`` each.

    In float64, as a confidence that float32 rounds to the other side of a bin's edge moves the calibration error by
    up to 1/N; portion by portion, as 50,000 × 1000 float64 numbers are 400 MB that no cache holds.
    """
    rows = max(1, PORTION // max(1, logits.shape[1]))
    parts = []
    for part, own in zip(logits.split(rows), labels.split(rows), strict=True):
        log_probabilities = torch.log_softmax(part.double(), dim=1)
        log_confidence, predicted = log_probabilities.max(dim=1)
        parts.append((log_confidence, predicted, log_probabilities.gather(1, own[:, None])[:, 0]))
    if len(parts) == 1:
        return parts[0]
    log_confidences, predictions, log_owns = zip(*parts, strict=True)
    return torch.cat(log_confidences), torch.cat(predictions), torch.cat(log_owns)


def measure_train(predicted: Tensor, given: Tensor, true: Tensor | None) -> dict[str, float]:
    """Accuracy on the full, clean and noisy part of the training set (paper, Table 3).

    predicted, given (what was trained on), true: labels ``[N]``. Without known true labels only the full
    set against the given labels can be measured; a part without examples has no metrics.
    """
    metrics = {"train_accuracy_full_given": accuracy(predicted, given)}
    if true is None:
        return metrics
    noisy = given != true
    metrics["train_accuracy_full_true"] = accuracy(predicted, true)
    if not bool(noisy.all()):
        metrics["train_accuracy_clean_true"] = accuracy(predicted[~noisy], true[~noisy])
    if bool(noisy.any()):
        metrics["train_accuracy_noisy_true"] = accuracy(predicted[noisy], true[noisy])
        metrics["train_accuracy_noisy_given"] = accuracy(predicted[noisy], given[noisy])
    return metrics
