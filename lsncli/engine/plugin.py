"""Registers the built-in optimisers and learning-rate schedules."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Annotated, Self

from pydantic import Field, NonNegativeFloat, PositiveFloat, model_validator

from lsncli.components import OptimizerInfo, ScheduleInfo
from lsncli.hookspecs import hookimpl
from lsncli.parameters import NoParams, Params

if TYPE_CHECKING:
    from torch import Tensor, optim

Fraction = Annotated[float, Field(gt=0, lt=1)]


class SgdParams(Params):
    """Parameters of stochastic gradient descent."""

    lr: PositiveFloat = Field(0.1, description="Initial learning rate.")
    momentum: Annotated[float, Field(ge=0, lt=1)] = Field(0.9, description="Momentum.")
    nesterov: bool = Field(True, description="Nesterov's momentum.")
    weight_decay: NonNegativeFloat = Field(0.0, description="L2 penalty, added to the gradient.")

    @model_validator(mode="after")
    def _nesterov_needs_momentum(self) -> Self:
        if self.nesterov and self.momentum == 0:
            raise ValueError("nesterov needs a momentum above 0; set nesterov = false")
        return self


class LarsParams(Params):
    """Parameters of layer-wise adaptive rate scaling."""

    lr: PositiveFloat = Field(5.0, description="Initial learning rate, before the scaling of each layer.")
    momentum: Annotated[float, Field(ge=0, lt=1)] = Field(0.9, description="Momentum.")
    weight_decay: NonNegativeFloat = Field(1e-4, description="L2 penalty, added to the gradient.")
    trust_coefficient: PositiveFloat = Field(
        0.001, description="A layer's step is this share of its weights' norm, times the learning rate."
    )
    eps: NonNegativeFloat = Field(1e-9, description="Added to the denominator of the scaling.")
    adapt_all: bool = Field(
        False,
        description="Scale and decay biases and the parameters of batch norm, too; they are left out by default.",
    )


class StepParams(Params):
    """Parameters of the step schedule."""

    milestones: tuple[Fraction, ...] = Field(
        (0.5, 0.75), description="Shares of the training after which the rate drops."
    )
    gamma: PositiveFloat = Field(0.1, description="Factor at each milestone.")

    @model_validator(mode="after")
    def _increasing(self) -> Self:
        if list(self.milestones) != sorted(set(self.milestones)):
            raise ValueError("milestones must increase")
        return self


class CosineParams(Params):
    """Parameters of the cosine schedule."""

    warmup: Annotated[float, Field(ge=0, lt=1)] = Field(
        0.0, description="Share of the training in which the rate rises linearly from 0."
    )
    final: Annotated[float, Field(ge=0, le=1)] = Field(0.0, description="Factor at the end.")


def _sgd(params: SgdParams, parameters: Iterable[Tensor]) -> optim.Optimizer:
    import torch

    parameters = list(parameters)
    # One kernel for all tensors where the device has it; foreach (few kernels) elsewhere.
    fused = all(p.device.type in ("cpu", "cuda") for p in parameters)
    return torch.optim.SGD(
        parameters,
        lr=params.lr,
        momentum=params.momentum,
        nesterov=params.nesterov,
        weight_decay=params.weight_decay,
        fused=fused,
        foreach=not fused,
    )


def _lars(params: LarsParams, parameters: Iterable[Tensor]) -> optim.Optimizer:
    from lsncli.engine.lars import Lars

    return Lars(
        parameters,
        lr=params.lr,
        momentum=params.momentum,
        weight_decay=params.weight_decay,
        trust_coefficient=params.trust_coefficient,
        eps=params.eps,
        adapt_all=params.adapt_all,
    )


def _constant(params: NoParams, total_steps: int) -> Callable[[int], float]:
    return lambda step: 1.0


def _step(params: StepParams, total_steps: int) -> Callable[[int], float]:
    drops = [round(share * total_steps) for share in params.milestones]
    return lambda step: params.gamma ** sum(step >= drop for drop in drops)


def _cosine(params: CosineParams, total_steps: int) -> Callable[[int], float]:
    rising = round(params.warmup * total_steps)

    def factor(step: int) -> float:
        if step < rising:
            return (step + 1) / rising
        share = (step - rising) / max(1, total_steps - rising)
        return params.final + (1 - params.final) * 0.5 * (1 + math.cos(math.pi * share))

    return factor


@hookimpl
def lsn_optimizers(register: Callable[[OptimizerInfo], None]) -> None:
    """Register sgd and lars."""
    register(
        OptimizerInfo(
            name="sgd",
            build=_sgd,
            params=SgdParams,
            summary="Stochastic gradient descent with (Nesterov) momentum and weight decay",
            reference="Sutskever et al., On the importance of initialization and momentum, ICML 2013",
        )
    )
    register(
        OptimizerInfo(
            name="lars",
            build=_lars,
            params=LarsParams,
            summary="Momentum with a learning rate scaled layer by layer, for batches of thousands",
            reference="You, Gitman and Ginsburg, Large batch training of convolutional networks, 2017",
        )
    )


@hookimpl
def lsn_schedules(register: Callable[[ScheduleInfo], None]) -> None:
    """Register constant, step and cosine."""
    register(ScheduleInfo(name="constant", build=_constant, summary="The initial rate throughout"))
    register(
        ScheduleInfo(
            name="step",
            build=_step,
            params=StepParams,
            summary="The rate drops by a factor at given shares of the training",
            reference="Lukasik et al. 2020, appendix B.2: factor 0.1 at 32k and 48k of 64k steps",
        )
    )
    register(
        ScheduleInfo(
            name="cosine",
            build=_cosine,
            params=CosineParams,
            summary="Half a cosine from the initial rate to the final factor, after a linear warm-up",
            reference="Loshchilov & Hutter, SGDR, ICLR 2017",
        )
    )
