"""Registers the built-in noise models."""

from __future__ import annotations

from collections.abc import Callable

from lsncli.components import CheckContext, NoiseContext, NoiseModelInfo
from lsncli.errors import LsnError
from lsncli.hookspecs import hookimpl
from lsncli.matrices import as_transition, check_size
from lsncli.noise.class_maps import resolve_map
from lsncli.noise.interface import NoiseModel
from lsncli.noise.models import (
    ClassConditionalNoise,
    NoNoise,
    SymmetricNoise,
    UniformNoise,
    mapped_transition,
    next_class,
)
from lsncli.noise.params import (
    AsymmetricParams,
    ClassConditionalParams,
    PairParams,
    SymmetricParams,
    UniformParams,
)
from lsncli.parameters import NoParams

PATRINI = "Patrini, Rozza, Menon, Nock, Qu: Making deep neural networks robust to label noise. CVPR 2017"
LUKASIK = "Lukasik, Bhojanapalli, Menon, Kumar: Does label smoothing mitigate label noise? ICML 2020"
HAN = "Han et al.: Co-teaching: robust training of deep neural networks with extremely noisy labels. NeurIPS 2018"


@hookimpl
def lsn_noise_models(register: Callable[[NoiseModelInfo], None]) -> None:
    """Register the noise models whose transition matrix is known."""
    register(NoiseModelInfo(name="none", build=build_none, params=NoParams, summary="the labels as they are"))
    register(
        NoiseModelInfo(
            name="symmetric",
            build=build_symmetric,
            params=SymmetricParams,
            summary="with probability rate, one of the other L-1 classes",
            reference=f"{LUKASIK} (equation 3)",
        )
    )
    register(
        NoiseModelInfo(
            name="uniform",
            build=build_uniform,
            params=UniformParams,
            summary="with probability rate, drawn anew from all L classes",
            reference=f"{LUKASIK} (section 4.1)",
        )
    )
    register(
        NoiseModelInfo(
            name="class-conditional",
            build=build_class_conditional,
            params=ClassConditionalParams,
            summary="any row-stochastic transition matrix",
            reference=PATRINI,
            check=check_class_conditional,
        )
    )
    register(
        NoiseModelInfo(
            name="asymmetric",
            build=build_asymmetric,
            params=AsymmetricParams,
            summary="between similar classes: CIFAR-10's pairs, CIFAR-100's superclasses, or given pairs",
            reference=PATRINI,
            check=check_asymmetric,
        )
    )
    register(
        NoiseModelInfo(
            name="pair",
            build=build_pair,
            params=PairParams,
            summary="with probability rate, the next class",
            reference=HAN,
        )
    )


def check_class_conditional(params: ClassConditionalParams, context: CheckContext) -> None:
    """Raise ValueError if T has the wrong size."""
    check_size(params.matrix, context.num_classes)


def check_asymmetric(params: AsymmetricParams, context: CheckContext) -> None:
    """Raise ValueError if no class map is known for the data, or the map does not fit it."""
    # Only a context that knows the data's class names can recognise CIFAR under another name.
    names = context.class_names
    if params.map == "auto" and context.num_classes is None and not names:
        return  # nothing is known of the data yet; building the noise model decides
    resolve_map(params.map, context.dataset, context.num_classes, names)


def build_none(params: NoParams | None, context: NoiseContext) -> NoiseModel:
    """No noise."""
    return NoNoise()


def build_symmetric(params: SymmetricParams, context: NoiseContext) -> NoiseModel:
    """Symmetric noise."""
    return SymmetricNoise(params.rate, params.count == "exact")


def build_uniform(params: UniformParams, context: NoiseContext) -> NoiseModel:
    """Uniform replacement."""
    return UniformNoise(params.rate, params.count == "exact")


def build_class_conditional(params: ClassConditionalParams, context: NoiseContext) -> NoiseModel:
    """Noise with the given matrix; raises LsnError if it has the wrong size."""
    try:
        check_size(params.matrix, context.num_classes)
    except ValueError as error:
        raise LsnError(str(error), where="noise 'class-conditional'") from None
    return ClassConditionalNoise(as_transition(params.matrix), params.count == "exact")


def build_asymmetric(params: AsymmetricParams, context: NoiseContext) -> NoiseModel:
    """Noise between similar classes; raises LsnError if no map is known for the data."""
    try:
        pairs = resolve_map(params.map, context.dataset, context.num_classes, context.class_names)
    except ValueError as error:
        raise LsnError(str(error), where="noise 'asymmetric'") from None
    matrix = mapped_transition(pairs, params.rate, context.num_classes)
    return ClassConditionalNoise(matrix, params.count == "exact")


def build_pair(params: PairParams, context: NoiseContext) -> NoiseModel:
    """Pair noise."""
    matrix = mapped_transition(next_class(context.num_classes), params.rate, context.num_classes)
    return ClassConditionalNoise(matrix, params.count == "exact")
