"""Figure 5: logistic separators on soft labels, against scikit-learn and against their limits."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from lsncli.errors import LsnError
from lsncli.parameters import validate
from lsncli.recipe.loading import Overrides
from lsncli.report.figures.computed import computed_figure
from lsncli.synthetic.logistic import crossing, fit
from lsncli.synthetic.separators import Sample, SeparatorsParams, sample, separators

SMALL = SeparatorsParams(per_class=200)


@pytest.fixture(scope="module")
def drawn() -> Sample:
    return sample(SMALL)


def scikit(points: np.ndarray, targets: np.ndarray, strength: float) -> np.ndarray:
    """scikit-learn's answer: soft labels as two weighted copies, the intercept as a penalised column of ones."""
    features = np.column_stack([points, np.ones(len(points))])
    model = LogisticRegression(
        C=1 / (strength * len(points)) if strength else np.inf, fit_intercept=False, tol=1e-10, max_iter=10_000
    )
    model.fit(
        np.vstack([features, features]),
        np.repeat([1, 0], len(points)),
        sample_weight=np.concatenate([targets, 1 - targets]),
    )
    return model.coef_[0]


@pytest.mark.parametrize(("alpha", "strength"), [(0.1, 0.0), (0.6, 0.0), (0.0, 0.01), (0.0, 1.0), (0.3, 0.1)])
def test_as_scikit_learn(drawn: Sample, alpha: float, strength: float) -> None:
    targets = (1 - alpha) * drawn.given + alpha / 2
    np.testing.assert_allclose(
        fit(drawn.points, targets, strength=strength), scikit(drawn.points, targets, strength), rtol=1e-4, atol=1e-5
    )


def test_the_gradient_vanishes(drawn: Sample) -> None:
    features = np.column_stack([drawn.points, np.ones(len(drawn.points))])
    w = fit(drawn.points, drawn.given, strength=0.01)
    p = 1 / (1 + np.exp(-(features @ w)))
    assert np.abs(features.T @ (p - drawn.given) / len(p) + 0.01 * w).max() < 1e-9


def test_separable_labels_have_no_separator_of_their_own(drawn: Sample) -> None:
    with pytest.raises(ValueError, match="separable"):
        fit(drawn.points, drawn.true)


def test_the_sample() -> None:
    drawn = sample(SeparatorsParams(per_class=2000))
    for label, centre in ((1, 1.0), (0, -1.0)):
        points = drawn.points[drawn.true == label]
        # Five standard errors: 0.1/√2000 for the mean, and √(2/2000) relative for the variance.
        np.testing.assert_allclose(points.mean(axis=0), [centre, centre], atol=5 * 0.1 / 2000**0.5)
        np.testing.assert_allclose(points.var(axis=0, ddof=1), [0.01, 0.01], rtol=5 * (2 / 2000) ** 0.5)
    # Asymmetric: 5 % of the negatives, none of the positives.
    flipped = drawn.given != drawn.true
    assert flipped.sum() == 100
    assert (drawn.true[flipped] == 0).all()


@pytest.mark.parametrize("seed", range(4))
def test_what_the_paper_says_of_the_figure(seed: int) -> None:
    params = SeparatorsParams(seed=seed)
    clean, noisy, *rest = separators(sample(params), params)
    # The clean separator is Bayes-optimal, x₁ + x₂ = 0, up to the fluctuation of the outermost of 500 points.
    assert abs(crossing(clean)) < 0.03
    assert clean[:2] @ [1, 1] / (np.linalg.norm(clean[:2]) * 2**0.5) > 0.999
    # Noise in the negatives moves it towards them, by much more than that.
    assert crossing(noisy) < -0.2
    # Smoothing and shrinkage move it back, step by step, without overshooting.
    count = len(params.alphas)
    for lines in (rest[:count], rest[count:]):
        places = [crossing(noisy), *(crossing(w) for w in lines)]
        assert places == sorted(places)
        assert -0.1 < places[-1] < 0


def test_how_far_they_come_back(drawn: Sample) -> None:
    features = np.column_stack([drawn.points, np.ones(len(drawn.points))])
    # For α → 1 all targets are near 1/2, where the logistic function is linear: least squares on the noisy labels.
    squares = np.linalg.lstsq(features, drawn.given - 0.5, rcond=None)[0]
    almost = fit(drawn.points, 0.001 * drawn.given + 0.999 / 2)
    assert crossing(almost) == pytest.approx(crossing(squares), rel=1e-3)
    # For λ → ∞ the weights are near 0, and point along the gradient there.
    gradient = features.T @ (drawn.given - 0.5)
    assert crossing(fit(drawn.points, drawn.given, strength=1e4)) == pytest.approx(crossing(gradient), rel=1e-3)
    # Neither is the Bayes-optimal separator: 5 % of the negatives still pull.
    assert max(crossing(squares), crossing(gradient)) < -0.01


@pytest.mark.parametrize(
    "values",
    [
        *({"noise_rate": 0.0}, {"noise_rate": 0.5}, {"variance": 0}, {"per_class": 1}, {"seed": -1}),
        *(
            {"alphas": []},
            {"alphas": [1.0]},
            {"alphas": [0.0]},
            {"strengths": [0]},
            {"strengths": []},
            {"alpha": 1},
        ),
    ],
)
def test_impossible_parameters(values: dict[str, object]) -> None:
    with pytest.raises(LsnError, match="figure 5"):
        validate(SeparatorsParams, values, where="--set", subject="figure 5")


@pytest.mark.parametrize(
    ("key", "value", "why"),
    [
        # One of four points is labelled negative: a line has it to itself unless it lies among the other three.
        ("per_class", 2, "the classes are separable"),
        ("variance", 1e20, "did not converge"),
    ],
)
def test_a_sample_without_a_separator(key: str, value: float, why: str) -> None:
    with pytest.raises(LsnError, match="this sample has no logistic separator") as refused:
        computed_figure(5, Overrides(settings=((key, value),)))
    assert why in refused.value.what
    assert (refused.value.where, "per_class" in str(refused.value.next)) == (
        "figure 5, [computation] or --set",
        True,
    )
