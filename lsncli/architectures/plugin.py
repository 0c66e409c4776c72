"""Registers the built-in architectures."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Literal

from pydantic import Field, PositiveInt

from lsncli.components import ArchitectureContext, ArchitectureInfo
from lsncli.hookspecs import hookimpl
from lsncli.parameters import Params

if TYPE_CHECKING:
    from torch import nn

#: Depth 6n+2 → n residual blocks per stage.
RESNET_DEPTHS = (8, 14, 20, 32, 44, 56, 110)


class LinearParams(Params):
    """Parameters of the linear classifier."""

    bias: bool = Field(True, examples=[False], description="Whether the classifier has a bias.")


class MlpParams(Params):
    """Parameters of the multilayer perceptron."""

    hidden: tuple[PositiveInt, ...] = Field((64,), examples=[[], [9, 5]], description="Units of each hidden layer.")
    activation: Literal["relu", "tanh", "gelu"] = Field(
        "relu", examples=["tanh"], description="Nonlinearity after a hidden layer."
    )


class ResNetParams(Params):
    """Parameters of the CIFAR residual networks."""

    shortcut: Literal["identity-padding", "projection"] = Field(
        "identity-padding",
        description="Where the shape changes: subsample and pad with zero channels (option A of He et al.), "
        "or a 1×1 convolution with batch norm (option B).",
    )
    width: PositiveInt = Field(16, description="Filters of the first stage; the others have 2 and 4 times as many.")


class ResNetV2Params(Params):
    """Parameters of the pre-activation residual networks."""

    width: PositiveInt = Field(
        64, description="Filters of the first stage's 3×3 convolutions; the others have 2, 4 and 8 times as many."
    )
    stem: Literal["imagenet", "small"] = Field(
        "imagenet",
        description="The first layers: a 7×7 convolution and a max-pooling, each of stride 2, for 224×224 pixels; "
        "or a 3×3 convolution of stride 1, for small images.",
    )


def _linear(params: LinearParams, context: ArchitectureContext) -> nn.Module:
    from lsncli.architectures.dense import linear

    return linear(context.input_shape, context.num_classes, bias=params.bias)


def _mlp(params: MlpParams, context: ArchitectureContext) -> nn.Module:
    from lsncli.architectures.dense import mlp

    return mlp(context.input_shape, context.num_classes, params.hidden, params.activation)


def _resnet(params: ResNetParams, context: ArchitectureContext, *, depth: int) -> nn.Module:
    from lsncli.architectures.resnet import CifarResNet

    return CifarResNet(
        depth=depth,
        num_classes=context.num_classes,
        in_channels=context.input_shape[0],
        shortcut=params.shortcut,
        width=params.width,
    )


def _resnet_v2(params: ResNetV2Params, context: ArchitectureContext) -> nn.Module:
    from lsncli.architectures.resnet_v2 import ResNetV2

    return ResNetV2(
        num_classes=context.num_classes,
        in_channels=context.input_shape[0],
        width=params.width,
        stem=params.stem,
    )


@hookimpl
def lsn_architectures(register: Callable[[ArchitectureInfo], None]) -> None:
    """Register linear, mlp, the CIFAR residual networks and ResNet-v2-50."""
    register(
        ArchitectureInfo(
            name="linear",
            build=_linear,
            params=LinearParams,
            draws=False,
            summary="Linear classifier of the flattened input",
        )
    )
    register(
        ArchitectureInfo(
            name="mlp",
            build=_mlp,
            params=MlpParams,
            draws=False,
            summary="Multilayer perceptron on the flattened input",
        )
    )
    for depth in RESNET_DEPTHS:
        register(
            ArchitectureInfo(
                name=f"resnet{depth}",
                build=partial(_resnet, depth=depth),
                params=ResNetParams,
                draws=False,
                summary=f"CIFAR residual network of {depth} layers: widths 16/32/64, strides 1/2/2, batch norm",
                reference="He et al., Deep residual learning for image recognition, CVPR 2016, section 4.2",
            )
        )
    register(
        ArchitectureInfo(
            name="resnet50v2",
            build=_resnet_v2,
            params=ResNetV2Params,
            draws=False,
            summary="Pre-activation residual network of 50 layers with bottlenecks, for 224×224 pixels",
            reference="He et al., Identity mappings in deep residual networks, ECCV 2016",
        )
    )
