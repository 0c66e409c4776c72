"""The published parameters validate, stand in the README, and give the loss that they were tuned with."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from lsncli.parameters import validate
from lsncli.registry import registry
from samples import at, build, call, cross_entropy, labels, logits, softmax

from lsn_robust_losses.published import SETTINGS, Setting, row

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
F, Y = logits(), labels()
P = at(softmax(F), Y)


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda s: f"{s.loss} {s.dataset}")
def test_settings_validate_and_are_documented(setting: Setting) -> None:
    model = registry().get("loss", setting.loss).params
    validate(model, setting.params, where="published", subject=setting.loss)
    assert row(setting) in README


def test_every_loss_is_in_the_readme() -> None:
    for registered in registry().all("loss"):
        if registered.plugin.origin.distribution == "lsn-robust-losses":
            assert f"`{registered.info.name}`" in README
            assert registered.info.reference


def published(loss: str, dataset: str) -> np.ndarray:
    (setting,) = (s for s in SETTINGS if (s.loss, s.dataset) == (loss, dataset))
    return call(build(loss, **setting.params), F, Y)


def clipped_rce() -> np.ndarray:
    """As Ma et al.'s and Wang et al.'s code has it: −Σ_k p_k log max(q_k, 1e-4)."""
    return -(softmax(F) * np.log(np.maximum(np.eye(5)[Y], 1e-4))).sum(1)


@pytest.mark.parametrize(("dataset", "alpha", "beta"), [("CIFAR-10", 1.0, 1.0), ("CIFAR-100", 10.0, 0.1)])
def test_nce_rce_is_that_of_the_code(dataset: str, alpha: float, beta: float) -> None:
    nce = np.log(P) / np.log(softmax(F)).sum(1)
    np.testing.assert_allclose(published("nce-rce", dataset), alpha * nce + beta * clipped_rce(), rtol=1e-5)


@pytest.mark.parametrize(("dataset", "alpha", "beta"), [("MNIST", 1.0, 10.0), ("CIFAR-100", 10.0, 1.0)])
def test_nce_mae_is_that_of_the_code(dataset: str, alpha: float, beta: float) -> None:
    """Its mean absolute error is 1 − p."""
    nce = np.log(P) / np.log(softmax(F)).sum(1)
    np.testing.assert_allclose(published("nce-mae", dataset), alpha * nce + beta * (1 - P), rtol=1e-10)


@pytest.mark.parametrize(("dataset", "alpha", "beta"), [("CIFAR-10", 0.1, 1.0), ("CIFAR-100", 6.0, 0.1)])
def test_sce_is_that_of_the_code(dataset: str, alpha: float, beta: float) -> None:
    expected = alpha * cross_entropy(F, Y) + beta * clipped_rce()
    np.testing.assert_allclose(published("sce", dataset), expected, rtol=1e-5)
