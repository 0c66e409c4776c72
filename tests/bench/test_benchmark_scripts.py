"""The scripts of ``benchmarks/``: that they start, and what they compute beside times."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.special import log_softmax
from sklearn.metrics import accuracy_score, log_loss

from lsncli.bench.alternation import Spread
from lsncli.engine import evaluation

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
PERFORMANCE = BENCHMARKS.parent / "docs" / "performance.md"
#: Every script that the documentation tells people to run.
SCRIPTS = sorted(set(re.findall(r"benchmarks/(\w+)\.py", PERFORMANCE.read_text(encoding="utf-8"))))


@pytest.fixture(autouse=True)
def scripts_folder(monkeypatch):
    """The scripts are run as files, with their own folder first on the path."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))


@pytest.mark.parametrize("name", SCRIPTS)
def test_every_script_says_how_it_is_run(name, monkeypatch, capsys):
    module = import_module(name)
    assert f"python benchmarks/{name}.py" in module.__doc__
    monkeypatch.setattr("sys.argv", [f"{name}.py", "--help"])
    with pytest.raises(SystemExit) as end:
        module.main()
    assert end.value.code == 0
    assert "usage: " in capsys.readouterr().out


def test_all_scripts_are_documented():
    """Every script is; what has no main is a part of the others."""
    runnable = {p.stem for p in BENCHMARKS.glob("*.py") if "__main__" in p.read_text(encoding="utf-8")}
    assert runnable == set(SCRIPTS)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.floats(-10, 10).map(lambda x: round(x, 4)), min_size=2, max_size=9, unique=True))
def test_the_interval_is_students(differences):
    """Against scipy's one-sample t-test."""
    mean, half = import_module("bf16_check").interval(differences)
    expected = stats.ttest_1samp(differences, 0.0).confidence_interval(0.95)
    assert mean - half == pytest.approx(expected.low, rel=1e-6, abs=1e-9)
    assert mean + half == pytest.approx(expected.high, rel=1e-6, abs=1e-9)


def test_one_difference_has_no_interval():
    assert import_module("bf16_check").interval([0.25]) == (0.25, float("inf"))


@pytest.mark.parametrize(
    ("times", "faster", "ratio", "verdict"),
    [(1.3, False, 1.3, "reached"), (1.3, False, 1.31, "SHORT"), (8, True, 8.0, "reached"), (8, True, 7.9, "SHORT")],
)
def test_targets(times, faster, ratio, verdict):
    target = import_module("against_target").Target(times, faster)
    assert target.said_of(Spread(ratio, ratio, ratio)).endswith(verdict)


def test_the_matrix_that_losses_are_timed_with_is_a_transition_matrix_without_symmetry():
    T = import_module("losses").any_transition(10)
    np.testing.assert_allclose(T.sum(axis=1), 1.0)
    assert (T > 0).all()
    assert not np.allclose(T, T.T)


@pytest.mark.parametrize("portion", [1, 40, 10**9])
def test_metrics_do_not_depend_on_the_portions_they_are_computed_in(monkeypatch, portion):
    """The portions change no bit; accuracy and NLL against scikit-learn, ECE against its definition as a loop."""
    generator = torch.Generator().manual_seed(0)
    logits = 3 * torch.randn(23, 7, generator=generator)
    labels = torch.randint(0, 7, (23,), generator=generator)
    whole, whole_bins = evaluation.measure_test(logits, labels)
    monkeypatch.setattr(evaluation, "PORTION", portion)
    metrics, bins = evaluation.measure_test(logits, labels)
    assert metrics == whole
    assert torch.equal(bins, whole_bins)
    p = np.exp(log_softmax(logits.double().numpy(), axis=1))
    assert metrics["test_accuracy"] == accuracy_score(labels, p.argmax(axis=1))
    assert metrics["test_nll"] == pytest.approx(log_loss(labels, p, labels=range(7)), rel=1e-12)
    confidence, correct = p.max(axis=1), p.argmax(axis=1) == labels.numpy()
    error = 0.0
    for m in range(15):
        inside = (confidence > m / 15) & (confidence <= (m + 1) / 15)
        error += abs(correct[inside].sum() - confidence[inside].sum()) / 23
    assert metrics["test_ece_15"] == pytest.approx(error, rel=1e-12)
