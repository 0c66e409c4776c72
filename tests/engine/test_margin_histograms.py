"""Counts of margins, portion by portion, against the definition."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from lsncli.engine import final_outputs
from lsncli.engine.final_outputs import margin_histograms


def by_definition(logits: np.ndarray, label: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Margins of the probabilities and of the logits, each example by itself."""
    probability, logit = [], []
    for row, own in zip(logits, label, strict=True):
        softmax = np.exp(row - row.max()) / np.exp(row - row.max()).sum()
        probability.append(softmax[own] - 1 / len(row))
        logit.append(row[own] - row.mean())
    return np.array(probability), np.array(logit)


@pytest.mark.parametrize("rows", [1, 2, 7, 100])
def test_counts_are_those_of_the_definition(rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Seven examples of three classes, in portions of ``rows``: never more of them are in float64 at once."""
    generator = np.random.default_rng(5)
    logits = generator.normal(0, 4, (7, 3)).astype(np.float32)
    logits[6] = [90.0, 0.0, 0.0]  # beyond the range: in the last bin
    true, given = generator.integers(0, 3, 7), generator.integers(0, 3, 7)
    sizes: list[int] = []
    genuine = torch.softmax

    def softmax(values: torch.Tensor, dim: int) -> torch.Tensor:
        sizes.append(len(values))
        return genuine(values, dim=dim)

    monkeypatch.setattr(final_outputs, "PORTION", 3 * rows)
    monkeypatch.setattr(torch, "softmax", softmax)
    counts = margin_histograms(torch.tensor(logits), torch.tensor(given), torch.tensor(true))
    assert sizes == [min(rows, 7 - start) for start in range(0, 7, rows)]
    for column, label in enumerate((true, given, logits.argmax(1))):
        probability, logit = by_definition(logits.astype(np.float64), label)
        for name, margins, edges in (
            ("probability_margin_histograms", probability, np.linspace(-1 / 3, 2 / 3, 101)),
            ("logit_margin_histograms", logit, np.linspace(-20, 40, 121)),
        ):
            inside = np.clip(margins, edges[0] + 1e-9, edges[-1] - 1e-9)
            for row, part in enumerate((np.ones(7, bool), given == true, given != true)):
                expected, _ = np.histogram(inside[part], edges)
                assert counts[name][row, column].tolist() == expected.tolist()
