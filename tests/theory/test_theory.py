"""The checks of the paper's theory: that they hold, that they would notice if they did not, and by other means.

Independent sources: sympy for derivatives, limits and exact solutions; scikit-learn's solver.
"""

from __future__ import annotations

import json
import math
import subprocess
import sys
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import sympy as sp
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import LinearRegression
from typer.testing import CliRunner

from lsncli.cli.main import build_app
from lsncli.theory import check as check_module
from lsncli.theory import correction, least_squares, regulariser, saturation
from lsncli.theory.check import Check, all_checks
from lsncli.theory.cross_entropy import forward_corrected, losses, smeared


@pytest.fixture(scope="module")
def checks() -> dict[str, Check]:
    found = all_checks()
    assert len({c.name for c in found}) == len(found)
    return {c.name: c for c in found}


# -- the checks ------------------------------------------------------------------------------------------


def test_every_statement_holds(checks: dict[str, Check]) -> None:
    assert [c.name for c in checks.values() if not c.holds] == []


def test_what_the_issue_asks_for_is_there(checks: dict[str, Check]) -> None:
    sources = {c.source for c in checks.values()}
    assert {
        "theorem 1",
        "equation 6",
        "equation 7",
        "equation 8",
        "figure 1",
        "section 3.3",
        "section 2.2",
    } <= sources


def test_they_are_the_same_each_time(checks: dict[str, Check]) -> None:
    assert [c.measured for c in all_checks()] == [c.measured for c in checks.values()]


@pytest.mark.parametrize(
    ("measured", "relation", "holds"),
    [(0.5, "<=", True), (1.0, "<=", True), (1.5, "<=", False), (1.5, ">=", True), (0.5, ">=", False)],
)
def test_verdicts(measured: float, relation: Any, holds: bool) -> None:
    assert Check("a", "b", "c", measured, 1.0, relation).holds is holds


@pytest.mark.parametrize("measured", [math.nan, math.inf, -math.inf])
def test_what_is_not_finite_never_holds(measured: float) -> None:
    assert not Check("a", "b", "c", measured, 1.0).holds
    assert not Check("a", "b", "c", measured, 1.0, ">=").holds


def failing(checks: Any) -> set[str]:
    return {c.name for c in checks if not c.holds}


def test_a_wrong_gradient_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    right = regulariser.omega_gradient
    monkeypatch.setattr(regulariser, "omega_gradient", lambda w, x: right(w, x) + 0.01)
    assert {"gradient of Ω at W = 0", "the gradient is Ω's"} <= failing(regulariser.regulariser_checks())


def test_an_omega_that_is_not_convex_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    right = regulariser.omega
    monkeypatch.setattr(regulariser, "omega", lambda w, x: -right(w, x))
    assert {"Ω is convex", "W = 0 minimises Ω"} <= failing(regulariser.regulariser_checks())


def test_wrong_matrices_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(correction, "backward_matrix", lambda t: t)
    assert {"backward correction is unbiased", "backward correction denoises"} <= failing(
        correction.correction_checks()
    )


def test_a_forward_correction_with_the_transpose_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The mistake that symmetric matrices hide: labels drawn from T p* where the loss says Tᵀp."""
    right = correction._forward_minimiser
    monkeypatch.setattr(
        correction,
        "_forward_minimiser",
        # What the right minimiser finds for labels from T p*: the p with Tᵀp = T p*.
        lambda t, clean: right(t, np.linalg.solve(t.T, t @ clean)),
    )
    assert "forward correction keeps the optimum" in failing(correction.correction_checks())


# -- by other means --------------------------------------------------------------------------------------


def test_gradient_of_omega_by_sympy() -> None:
    """Three classes, one feature, two examples: the symbolic gradient at 0 is 0, and elsewhere the formula's."""
    w = sp.symbols("w0:3", real=True)
    examples = [sp.Rational(3, 2), sp.Rational(-1, 3)]
    omega = sum(3 * sp.log(sum(sp.exp(v * x) for v in w)) - sum(v * x for v in w) for x in examples) / 2
    gradient = [sp.diff(omega, v) for v in w]
    at_zero = dict.fromkeys(w, 0)
    assert [sp.simplify(g.subs(at_zero)) for g in gradient] == [0, 0, 0]
    assert sp.simplify(omega.subs(at_zero) - 3 * sp.log(3)) == 0
    point = dict(zip(w, (0.3, -0.7, 1.1), strict=True))
    features, weights = np.array([[1.5], [-1 / 3]]), np.array([[0.3], [-0.7], [1.1]])
    expected = [[float(g.subs(point))] for g in gradient]
    np.testing.assert_allclose(regulariser.omega_gradient(weights, features), expected, rtol=1e-12)
    assert regulariser.omega(weights, features) == pytest.approx(float(omega.subs(point)))


def test_the_hessian_of_omega_is_not_negative_by_sympy() -> None:
    """Convexity: with L = 2 and one feature, Ω'' in the direction (1, −1) is 2·4·x²·σ(1 − σ) ≥ 0."""
    d, x = sp.symbols("d x", real=True)
    omega = 2 * sp.log(sp.exp(d * x) + sp.exp(-d * x))  # W = (d, −d): the linear terms cancel
    second = sp.diff(omega, d, 2)
    assert sp.simplify(second - 8 * x**2 / (sp.exp(d * x) + sp.exp(-d * x)) ** 2) == 0


def test_equation_7_by_exact_arithmetic() -> None:
    """Normal equations solved by sympy in rational numbers."""
    x = sp.Matrix([[1, 2], [0, 1], [3, -1], [2, 2]])
    y = sp.Matrix([[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 0, 0]])
    alpha, ones = sp.Rational(3, 10), sp.ones(4, 3)
    solve = (x.T * x).inv() * x.T
    smoothed = solve * ((1 - alpha) * y + alpha / 3 * ones)
    assert smoothed == (1 - alpha) * solve * y + alpha / 3 * solve * ones
    features, labels = np.array(x, dtype=float), np.array(y, dtype=float)
    np.testing.assert_allclose(
        least_squares.solution(features, 0.7 * labels + 0.1), np.array(smoothed, dtype=float), rtol=1e-12
    )
    np.testing.assert_allclose(
        least_squares.second_term(features, 3, 0.3), np.array(alpha / 3 * solve * ones, dtype=float), rtol=1e-12
    )


@given(st.integers(0, 2**32 - 1), st.floats(0, 0.99))
def test_when_smoothing_is_shrinkage_alone(seed: int, alpha: float) -> None:
    """By scikit-learn: with an intercept always; without one exactly where the columns are centred."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((30, 3)) + np.array([1.0, 2.0, -1.0])
    y = np.eye(4)[rng.integers(4, size=30)]
    soft = (1 - alpha) * y + alpha / 4
    with_intercept = [LinearRegression().fit(x, target) for target in (y, soft)]
    np.testing.assert_allclose(with_intercept[1].coef_, (1 - alpha) * with_intercept[0].coef_, atol=1e-10)
    np.testing.assert_allclose(
        with_intercept[1].intercept_, (1 - alpha) * with_intercept[0].intercept_ + alpha / 4, atol=1e-10
    )
    centred = x - x.mean(axis=0)
    without = [LinearRegression(fit_intercept=False).fit(centred, target).coef_ for target in (y, soft)]
    np.testing.assert_allclose(without[1], (1 - alpha) * without[0], atol=1e-10)
    np.testing.assert_allclose(least_squares.second_term(centred, 4, alpha), 0, atol=1e-12)


def test_limits_of_figure_1_by_sympy() -> None:
    z, a = sp.symbols("z a", real=True)
    sigma = 1 / (1 + sp.exp(-z))
    value = sp.Rational(1, 5)
    forward = -sp.log((1 - value) * sigma + value / 2)
    low, high = sp.limit(forward, z, -sp.oo), sp.limit(forward, z, sp.oo)
    assert sp.simplify(low + sp.log(value / 2)) == 0
    assert sp.simplify(high + sp.log(1 - value / 2)) == 0
    ends = saturation.forward_loss(np.array([-60.0, 60.0]), 0.2)
    np.testing.assert_allclose(ends, [float(low), float(high)], rtol=1e-12)
    # Smoothing: the derivative vanishes where σ(z) = 1 − a/2.
    smoothed = (1 - a / 2) * sp.log(1 + sp.exp(-z)) + a / 2 * sp.log(1 + sp.exp(z))
    at = sp.diff(smoothed, z).subs(z, sp.log((2 - a) / a))
    assert sp.simplify(at) == 0
    # Backward: the slopes at both ends.
    backward = ((1 - value / 2) * sp.log(1 + sp.exp(-z)) - value / 2 * sp.log(1 + sp.exp(z))) / (1 - value)
    slope = sp.simplify(sp.diff(backward, z))
    assert sp.limit(slope, z, sp.oo) == -sp.Rational(1, 8)  # (α/2)/(1 − α) = 0.1/0.8
    assert sp.limit(slope, z, -sp.oo) == -sp.Rational(9, 8)
    points = np.array([-3.0, 0.5, 4.0])
    for ours, theirs in ((saturation.smoothed_loss, smoothed.subs(a, value)), (saturation.backward_loss, backward)):
        expected = [float(theirs.subs(z, p)) for p in points]
        np.testing.assert_allclose(ours(points, 0.2), expected, rtol=1e-12)


@pytest.mark.parametrize("classes", [2, 5, 100])
def test_saturation_with_more_classes(classes: int) -> None:
    """−log(α/L) and −log(1 − α + α/L): what the statements say beyond two classes."""
    from lsncli.losses.matrices import symmetric_transition

    scores = np.zeros((2, classes))
    scores[:, 0] = [-80.0, 80.0]
    found = forward_corrected(symmetric_transition(classes, 0.2), scores)[:, 0]
    np.testing.assert_allclose(found, [-np.log(0.2 / classes), -np.log(0.8 + 0.2 / classes)], rtol=1e-12)


def test_losses_are_the_softmax_cross_entropy() -> None:
    """By hand: scores log 1, log 2, log 5 have probabilities 1/8, 2/8, 5/8; the rows of M mix their logarithms."""
    scores = np.log([1.0, 2.0, 5.0])
    expected = -np.log([1 / 8, 2 / 8, 5 / 8])
    np.testing.assert_allclose(losses(scores), expected, rtol=1e-14)
    matrix = np.array([[1.0, 2.0, 0.0], [0.0, 1.0, 0.0], [0.5, 0.0, -1.0]])
    np.testing.assert_allclose(smeared(matrix, scores), [matrix[i] @ expected for i in range(3)], rtol=1e-13)


# -- the command -----------------------------------------------------------------------------------------


def theory(*words: str) -> Any:
    return CliRunner().invoke(build_app(), ["theory", *words], prog_name="lsn")


def test_the_table(checks: dict[str, Check]) -> None:
    result = theory()
    assert result.exit_code == 0, result.stderr
    assert result.stdout.count("holds") >= len(checks)
    assert "FAILS" not in result.stdout
    assert f"all {len(checks)} statements hold" in result.stderr


def test_json(checks: dict[str, Check]) -> None:
    result = theory("--format", "json")
    assert result.exit_code == 0
    found = json.loads(result.stdout)
    assert [record["name"] for record in found] == list(checks)
    for record in found:
        assert set(record) == {"name", "source", "statement", "measured", "relation", "tolerance", "holds"}
        assert record["holds"] is True


@pytest.mark.parametrize("format", ["table", "json"])
def test_exit_status_1_where_a_statement_does_not_hold(
    checks: dict[str, Check], monkeypatch: pytest.MonkeyPatch, format: str
) -> None:
    wrong = replace(next(iter(checks.values())), measured=math.nan)
    monkeypatch.setattr(check_module, "all_checks", lambda: [wrong, *list(checks.values())[1:]])
    result = theory("--format", format)
    assert result.exit_code == 1
    assert f"1 of {len(checks)} statements do not hold: {wrong.name}" in result.stderr
    if format == "json":
        assert json.loads(result.stdout)[0]["measured"] is None
    else:
        assert "FAILS" in result.stdout


def test_a_wrong_format() -> None:
    assert theory("--format", "xml").exit_code == 2


def test_it_imports_neither_torch_nor_a_database() -> None:
    code = (
        "import sys\n"
        "from lsncli.cli.main import build_app\n"
        "build_app()(['theory'], standalone_mode=False)\n"
        "sys.exit(','.join(sorted({'torch', 'sqlmodel', 'sklearn'} & set(sys.modules))) or 0)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
