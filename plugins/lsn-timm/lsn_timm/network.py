"""A model of timm whose final linear layer lsn can find, so that it has pre-logits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import timm
import torch
from lsncli import ArchitectureContext, LsnError
from torch import Tensor, nn

from lsn_timm.params import TimmParams


class WholeNetwork(nn.Module):
    """A model that ends in a linear layer, which it names itself."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    @property
    def classifier(self) -> nn.Module:
        """The final linear layer; it is the network's own, and appears once among the parameters."""
        layer: nn.Module = self.network.get_classifier()  # type: ignore[operator]
        return layer

    def forward(self, images: Tensor) -> Tensor:
        """``[B, C, H, W]`` → logits ``[B, L]``."""
        logits: Tensor = self.network(images)
        return logits


class HeadedNetwork(nn.Module):
    """A model whose own head is none or several linear layers: its pooled features, and a linear layer of ours."""

    def __init__(self, network: nn.Module, width: int, num_classes: int) -> None:
        super().__init__()
        self.network = network
        self.classifier = nn.Linear(width, num_classes)

    def forward(self, images: Tensor) -> Tensor:
        """``[B, C, H, W]`` → logits ``[B, L]``."""
        logits: Tensor = self.classifier(self.network(images).flatten(1))
        return logits


def build(params: TimmParams, context: ArchitectureContext) -> nn.Module:
    """The model for the context's images and classes, with new parameters from torch's generator."""
    network = _create(params, context, context.num_classes)
    asked: Callable[[], Any] | None = getattr(network, "get_classifier", None)
    head = None if asked is None else asked()
    whole = isinstance(head, nn.Linear) and head.out_features == context.num_classes
    if not whole:
        # 1×1 convolutions, pairs of heads for distillation: pooled features have one meaning in all of timm.
        network = _create(params, context, 0)
    if params.small_images:
        _keep_resolution(network, params.model)
    if whole:
        return WholeNetwork(network)
    try:
        features = _width(network, context)
    except RuntimeError as error:
        # Made for one size of images, which only shows where it meets another.
        raise _refused(params, context, error) from error
    return HeadedNetwork(network, features, context.num_classes)


def _create(params: TimmParams, context: ArchitectureContext, num_classes: int) -> nn.Module:
    channels, height, width = context.input_shape
    options: dict[str, Any] = {"drop_rate": params.drop_rate, **params.options}
    if params.drop_path_rate is not None:
        options["drop_path_rate"] = params.drop_path_rate
    described = timm.models.get_pretrained_cfg(params.model, allow_unregistered=True)
    if described is not None and described.fixed_input_size:
        # Position embeddings and windows are for one size of images.
        options.setdefault("img_size", (height, width))
    if params.model.startswith("volo_"):
        # Their second head is for the labels of single patches, which nobody has here; its half of the logits would
        # be no linear function of the pre-logits.
        options.setdefault("use_aux_head", False)
    try:
        network: nn.Module = timm.create_model(
            params.model,
            pretrained=params.pretrained,
            num_classes=num_classes,
            in_chans=channels,
            **options,
        )
    except Exception as error:
        raise _refused(params, context, error) from error
    return network


def _refused(params: TimmParams, context: ArchitectureContext, error: Exception) -> LsnError:
    channels, height, width = context.input_shape
    text = " ".join(f"{type(error).__name__}: {error}".split())
    return LsnError(
        f"timm cannot make {params.model!r} for images of {channels}×{height}×{width}: {text}",
        next="see the model's arguments in timm; they go into options, as in options = { patch_size = 4 }",
    )


def _keep_resolution(network: nn.Module, name: str) -> None:
    """Let the first layers keep the resolution of small images, with new parameters where a kernel changes.

    In ResNets as in He et al.'s own for CIFAR: a 3×3 convolution of stride 1 and no max-pooling. Where the first
    convolutions are 3×3 already (ResNets with deep stems, EfficientNets, MobileNets, …) they lose their strides.
    """
    first, pooling, stem = (getattr(network, part, None) for part in ("conv1", "maxpool", "conv_stem"))
    if isinstance(first, nn.Conv2d) and pooling is not None:
        network.conv1 = nn.Conv2d(first.in_channels, first.out_channels, 3, padding=1, bias=first.bias is not None)
        nn.init.kaiming_normal_(network.conv1.weight, mode="fan_out", nonlinearity="relu")
        network.maxpool = nn.Identity()
    elif isinstance(first, nn.Sequential) and pooling is not None:
        # A stem of three 3×3 convolutions.
        for layer in first:
            if isinstance(layer, nn.Conv2d):
                layer.stride = (1, 1)
        network.maxpool = nn.Identity()
    elif isinstance(stem, nn.Conv2d):
        stem.stride = (1, 1)
    else:
        raise LsnError(
            f"small_images: it is not known how the first layers of {name!r} could keep the resolution",
            valid="models with conv1 and maxpool (ResNets) or conv_stem (EfficientNets, MobileNets)",
            next="for models that cut the image into patches, give options = { patch_size = 4 } instead",
        )


def _width(network: nn.Module, context: ArchitectureContext) -> int:
    """The number of pooled features: asked of the network, as not every model of timm names it rightly."""
    training = network.training
    device = next(network.parameters()).device
    with torch.no_grad():
        width = network.eval()(torch.zeros(1, *context.input_shape, device=device)).flatten(1).shape[1]
    network.train(training)
    return int(width)
