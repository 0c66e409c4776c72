"""ResNet-v2-50 and the sizes of the paper's networks, against the literature, hand counts and torchvision."""

from __future__ import annotations

import json
from importlib import resources
from typing import Any

import pytest
import torch
import torchvision
from torch import nn

from lsncli.architectures.counting import COUNTED, count_macs, count_parameters, count_registered, counts
from lsncli.architectures.prelogits import final_linear, with_prelogits
from lsncli.architectures.resnet_v2 import ResNetV2
from lsncli.components import ArchitectureContext
from lsncli.errors import LsnError
from lsncli.parameters import validate
from lsncli.registry import registry


def build(**params: Any) -> nn.Module:
    info = registry().get("architecture", "resnet50v2")
    assert info.params is not None
    checked = validate(info.params, params, where="test", subject="architecture")
    module = info.build(checked, ArchitectureContext(10, (3, 32, 32)))
    assert isinstance(module, nn.Module)
    return module


# -- sizes -----------------------------------------------------------------------------------------------


def test_parameters_of_resnet_v2_50() -> None:
    # Convolutions and classifier are those of ResNet-50: 25,557,032 parameters (torchvision's documentation), of
    # which 53,120 belong to batch norm. Of v2's norms, by hand: inputs 64 + 2*256, 256 + 3*512, 512 + 5*1024,
    # 1024 + 2*2048; inside 2*3*64, 2*4*128, 2*6*256, 2*3*512; the last 2048: 22,720 channels, two numbers each.
    # The sum is also what timm publishes for resnetv2_50: 25.55 M.
    parameters, _ = count_registered("resnet50v2", 224, 1000)
    assert parameters == 25_557_032 - 53_120 + 2 * 22_720 == 25_549_352


def test_multiply_accumulates_of_resnet_v2_50() -> None:
    # The shapes of the convolutions are those of ResNet-50 with the stride in the 3x3 convolution, for which
    # torchvision publishes 4.089 (thousand million multiply-accumulates).
    _, macs = count_registered("resnet50v2", 224, 1000)
    published = torchvision.models.ResNet50_Weights.IMAGENET1K_V2.value.meta["_ops"]
    assert round(macs / 1e9, 3) == published == 4.089


def test_counting_agrees_on_torchvisions_own_network() -> None:
    with torch.device("meta"):
        module = torchvision.models.resnet18()
    about = torchvision.models.ResNet18_Weights.IMAGENET1K_V1.value.meta
    assert count_parameters(module) == about["num_params"]
    assert round(count_macs(module, (3, 224, 224)) / 1e9, 3) == about["_ops"]
    assert module.training, "the mode must be what it was"


def cifar_macs(depth: int, classes: int) -> int:
    """By hand: the stem, then 2n convolutions per stage, the first of a later stage on half the channels."""
    n = (depth - 2) // 6
    full = 32 * 32 * 16 * 16 * 9  # the same in every stage: the channels double where the area is quartered
    return 32 * 32 * 3 * 16 * 9 + 2 * n * full + 2 * ((2 * n - 1) * full + full // 2) + 64 * classes


def cifar_parameters(depth: int, classes: int) -> int:
    n = (depth - 2) // 6
    convolutions = 3 * 16 * 9 + 2 * n * 16 * 16 * 9
    for c in (32, 64):
        convolutions += (2 * n - 1) * c * c * 9 + c * c // 2 * 9
    norms = 2 * (16 + 2 * n * (16 + 32 + 64))
    return convolutions + norms + 64 * classes + classes


@pytest.mark.parametrize("classes", [10, 100])
@pytest.mark.parametrize(("depth", "millions"), [(32, 0.46), (56, 0.85)])
def test_sizes_of_the_cifar_networks(depth: int, millions: float, classes: int) -> None:
    parameters, macs = count_registered(f"resnet{depth}", 32, classes)
    assert (parameters, macs) == (cifar_parameters(depth, classes), cifar_macs(depth, classes))
    if classes == 10:  # He et al. 2016, table 6
        assert round(parameters / 1e6, 2) == millions


def test_the_shipped_sizes_are_fresh() -> None:
    file = resources.files("lsncli.report") / "architecture_sizes.json"
    shipped = json.loads(file.read_text(encoding="utf-8"))
    assert shipped == counts(), (
        "run: python -m lsncli.architectures.counting > lsncli/report/architecture_sizes.json"
    )
    assert len(shipped) == len(COUNTED)


def test_grouped_convolutions_and_frozen_parameters() -> None:
    # By hand: 4 outputs of 2x2 pixels, each from 4/2 channels and 3x3 pixels; the bias costs nothing.
    layer = nn.Conv2d(4, 4, 3, groups=2)
    assert count_macs(layer, (4, 4, 4)) == 4 * 2 * 2 * 2 * 9
    layer.bias.requires_grad_(False)
    assert count_parameters(layer) == 4 * 2 * 9


# -- the network -----------------------------------------------------------------------------------------


def test_configuration_of_table_6() -> None:
    """[(3, 64, 1), (4, 128, 2), (6, 256, 2), (3, 512, 2)]: blocks, filters and stride of each stage."""
    with torch.device("meta"):
        module = ResNetV2(num_classes=1000)
    convolutions = [m for m in module.modules() if isinstance(m, nn.Conv2d) and m.kernel_size == (3, 3)]
    found = [(convolution.out_channels, convolution.stride[0]) for convolution in convolutions]
    expected = []
    for blocks, filters, stride in [(3, 64, 1), (4, 128, 2), (6, 256, 2), (3, 512, 2)]:
        expected += [(filters, stride)] + [(filters, 1)] * (blocks - 1)
    assert found == expected


def test_the_input_passes_blocks_unchanged_where_their_last_convolution_is_zero() -> None:
    """What identity mappings means: with the residuals at zero a block without projection is the identity."""
    torch.manual_seed(0)
    block = ResNetV2(num_classes=2, blocks=(2,), width=4, stem="small").stages[1].eval()
    nn.init.zeros_(block.conv3.weight)  # type: ignore[arg-type, union-attr]
    inputs = torch.randn(2, 16, 5, 5)
    assert torch.equal(block(inputs), inputs)


@pytest.mark.parametrize(("stem", "side"), [("imagenet", 64), ("small", 16)])
def test_shapes_and_prelogits(stem: str, side: int) -> None:
    module = build(width=4, stem=stem).eval()
    images = torch.randn(2, 3, side, side).to(memory_format=torch.channels_last)
    logits, prelogits = with_prelogits(module, 10)(images)
    assert logits.shape == (2, 10)
    assert prelogits.shape == (2, 4 * 8 * 4)
    layer = final_linear(module, 10)
    torch.testing.assert_close(layer(prelogits), logits)


def test_stems_of_the_two_kinds_reduce_the_image_as_said() -> None:
    """7x7 of stride 2 and pooling of stride 2 give 1/4 of the side; the small stem keeps it."""
    images = torch.zeros(1, 3, 32, 32)
    for stem, side in (("imagenet", 8), ("small", 32)):
        module = ResNetV2(num_classes=2, width=2, stem=stem)
        assert module.pool(module.conv(images)).shape[-2:] == (side, side)


@pytest.mark.parametrize("params", [{"stem": "large"}, {"width": 0}, {"depth": 50}])
def test_wrong_parameters(params: dict[str, Any]) -> None:
    with pytest.raises(LsnError):
        build(**params)


def test_a_wrong_stem_in_code() -> None:
    with pytest.raises(ValueError, match="stem must be"):
        ResNetV2(num_classes=2, stem="tiny")
