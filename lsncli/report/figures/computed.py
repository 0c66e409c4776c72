"""Figures 1 and 5, which need no training: computed once, kept in the database where there is one to write to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel

from lsncli.errors import LsnError
from lsncli.parameters import Params, validate
from lsncli.recipe.loading import Overrides
from lsncli.report.figures.model import Curve, CurvePanel, Figure, PlanePanel, Separator
from lsncli.report.figures.wording import sentence
from lsncli.synthetic import loss_curves, separators
from lsncli.synthetic.loss_curves import CURVES, LossCurvesParams, minimum_of_smoothed
from lsncli.synthetic.separators import SeparatorsParams

Array = npt.NDArray[Any]


class Computations(Protocol):
    """Where computed arrays are kept; :class:`lsncli.store.Store` is one."""

    def get_computation(self, name: str, params: Mapping[str, Any]) -> Array | None:
        """The array computed from these parameters, or None."""
        ...


#: Keeps an array under its name and parameters, or does nothing where that is not possible.
Keep = Callable[[str, Mapping[str, Any], Array], None]


def computed_figure(
    number: int, overrides: Overrides, stored: Computations | None = None, keep: Keep | None = None
) -> Figure:
    """Figure 1 or 5; ``--set`` changes its parameters. Raises as :func:`figure_parameters` does."""
    params = figure_parameters(number, overrides)
    arrays = _Arrays(stored, keep)
    if isinstance(params, SeparatorsParams):
        return _separators(params, arrays)
    assert isinstance(params, LossCurvesParams)
    return _loss_curves(params, arrays)


def figure_parameters(number: int, overrides: Overrides) -> BaseModel:
    """What Figure 1 or 5 is computed from: the settings of ``overrides``.

    Raises :class:`LsnError` for a figure that is not computed, options about runs, and a parameter that it lacks.
    """
    models: dict[int, type[Params]] = {1: LossCurvesParams, 5: SeparatorsParams}
    if number not in models:
        raise LsnError(
            f"figure {number} is not computed: it shows trained runs",
            where="figure, beside [computation]",
            valid=map(str, models),
        )
    given = (("--only", overrides.only), ("--data", overrides.data), ("--seeds", overrides.seeds is not None))
    for option, there in given:
        if there:
            raise LsnError(
                f"figure {number} is computed and has no runs for {option} to choose from",
                where=option,
                valid="--set with the figure's own parameters",
                next="leave the option out",
            )
    return validate(models[number], dict(overrides.settings), where=_where(number), subject=f"figure {number}")


class _Arrays:
    """Takes an array from the database, or else computes it and keeps it."""

    def __init__(self, stored: Computations | None, keep: Keep | None) -> None:
        self.stored = stored
        self.keep = keep

    def get(self, name: str, params: Params, revision: int, compute: Callable[[], Array]) -> Array:
        identity = {**params.model_dump(mode="json"), "revision": revision}
        known = self.stored.get_computation(name, identity) if self.stored is not None else None
        if known is not None:
            return known
        made = compute()
        if self.keep is not None:
            self.keep(name, identity, made)
        return made


def _loss_curves(params: LossCurvesParams, arrays: _Arrays) -> Figure:
    alpha = params.alpha
    table = arrays.get("loss-curves", params, loss_curves.REVISION, lambda: loss_curves.loss_curves(params))
    at, least = minimum_of_smoothed(alpha)
    return Figure(
        number=1,
        title="Label smoothing, backward and forward correction of the logistic loss",
        profile=None,
        grid=(
            (
                CurvePanel(
                    title="",
                    x_label="margin z = f(label) − f(other label)",
                    y_label="loss of the label (nats)",
                    curves=tuple(Curve(name, table[0], y) for name, y in zip(CURVES, table[1:], strict=True)),
                    levels=(("−log(α/2)", float(-np.log(alpha / 2))),),
                ),
            ),
        ),
        caption=sentence(
            f"Computed, no training: L = 2 classes, α = {alpha:g}.",
            f"The smoothed loss is least at z = log((2 − α)/α) = {at:.2f}, where it is {least:.3f};",
            f"the backward corrected one falls without bound; the forward corrected one stays between"
            f" {-np.log1p(-alpha / 2):.3f} and −log(α/2) = {-np.log(alpha / 2):.3f} (dotted).",
        ),
    )


def _separators(params: SeparatorsParams, arrays: _Arrays) -> Figure:
    revision = separators.REVISION
    drawn = separators.sample(params)
    packed = np.column_stack([drawn.points, drawn.true, drawn.given])
    packed = arrays.get("separator-sample", params, revision, lambda: packed)
    drawn = separators.Sample(packed[:, :2], packed[:, 2], packed[:, 3])
    found = arrays.get("separators", params, revision, lambda: _fitted(drawn, params))
    clean, noisy, rest = found[0], found[1], found[2:]
    smoothed, shrunk = rest[: len(params.alphas)], rest[len(params.alphas) :]

    def ordered(values: tuple[float, ...]) -> list[tuple[float, int]]:
        return sorted((value, i) for i, value in enumerate(values))

    def panel(title: str, symbol: str, values: tuple[float, ...], lines: Array) -> PlanePanel:
        return PlanePanel(
            title=title,
            points=drawn.points,
            given=drawn.given,
            true=drawn.true,
            separators=(
                _separator("Bayes-optimal", [1.0, 1.0, 0.0]),
                _separator("clean labels", clean),
                _separator(f"{symbol} = 0", noisy, 0.0),
                *(_separator(f"{symbol} = {value:g}", lines[i], value) for value, i in ordered(values)),
            ),
        )

    return Figure(
        number=5,
        title="Smoothing and shrinkage move a logistic separator back from the noisy class",
        profile=None,
        grid=(
            (
                panel("(a) label smoothing", "α", params.alphas, smoothed),
                panel("(b) L2 shrinkage", "λ", params.strengths, shrunk),
            ),
        ),
        caption=sentence(
            f"Computed, no training: {params.per_class} examples of each of two Gaussians at ±(1, 1), variance"
            f" {params.variance:g}; {100 * params.noise_rate:g} % of the negatives are labelled positive (black"
            " crosses).",
            "Logistic regression, solved to convergence; penalty (λ/2)·‖w‖², intercept included, on the mean loss.",
            f"On clean, separable labels: λ = {separators.CLEAN_STRENGTH:g}.",
        ),
    )


def _fitted(drawn: separators.Sample, params: SeparatorsParams) -> Array:
    try:
        return separators.separators(drawn, params)
    except ValueError as error:
        raise LsnError(
            f"this sample has no logistic separator: {error}",
            where=_where(5),
            valid="a sample of which no line gets every label right, and no astronomical variance",
            next="--set another per_class (more examples), noise_rate, variance or seed",
        ) from None


def _where(number: int) -> str:
    return f"figure {number}, [computation] or --set"


def _separator(label: str, weights: Any, value: float | None = None) -> Separator:
    first, second, third = (float(w) for w in weights)
    return Separator(label, (first, second, third), value)
