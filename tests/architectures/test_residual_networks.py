"""The CIFAR residual networks against the literature, and the pre-logits of every built-in architecture."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional

from lsncli.architectures.prelogits import final_linear, with_prelogits
from lsncli.architectures.resnet import CifarResNet
from lsncli.components import ArchitectureContext
from lsncli.errors import LsnError
from lsncli.parameters import NoParams
from lsncli.registry import registry

# He et al. 2016, table 6, in millions of parameters.
LITERATURE = {20: 0.27, 32: 0.46, 44: 0.66, 56: 0.85, 110: 1.7}


def counted(depth: int, classes: int, channels: int, *, projection: bool) -> int:
    """Parameters of the network, added up from the description in section 4.2 of He et al."""
    n = (depth - 2) // 6
    total = 9 * channels * 16 + 2 * 16  # first convolution; scale and shift of its batch norm
    for width in (16, 32, 64):
        total += 2 * n * (9 * width * width + 2 * width)  # 2n convolutions of equal width, with batch norm
    for before, after in ((16, 32), (32, 64)):
        total -= 9 * after * after - 9 * before * after  # the stage's first convolution reads fewer channels
        total += (before * after + 2 * after) if projection else 0
    return total + 64 * classes + classes


def parameters(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


@pytest.mark.parametrize("depth", [8, 14, *LITERATURE])
@pytest.mark.parametrize("projection", [False, True])
def test_parameter_counts(depth: int, projection: bool) -> None:
    shortcut = "projection" if projection else "identity-padding"
    for classes, channels in ((10, 3), (100, 1)):
        net = CifarResNet(depth=depth, num_classes=classes, in_channels=channels, shortcut=shortcut)
        assert parameters(net) == counted(depth, classes, channels, projection=projection)
    if depth in LITERATURE and not projection:
        millions = parameters(CifarResNet(depth=depth, num_classes=10)) / 1e6
        assert millions == pytest.approx(LITERATURE[depth], abs=0.05 if depth == 110 else 0.005)


@pytest.mark.parametrize("depth", LITERATURE)
def test_depth_is_the_number_of_weighted_layers(depth: int) -> None:
    net = CifarResNet(depth=depth, num_classes=10)
    assert sum(isinstance(m, nn.Conv2d | nn.Linear) for m in net.modules()) == depth


@pytest.mark.parametrize("depth", [-4, 0, 2, 7, 9, 21, 34])
def test_depth_must_be_6n_plus_2(depth: int) -> None:
    with pytest.raises(ValueError, match="6n\\+2"):
        CifarResNet(depth=depth, num_classes=10)


@pytest.mark.parametrize("shortcut", ["identity-padding", "projection"])
@pytest.mark.parametrize("shape", [(3, 32, 32), (1, 8, 8), (3, 9, 6), (2, 1, 1)])
def test_logits_for_any_image_size(shortcut: str, shape: tuple[int, int, int]) -> None:
    net = CifarResNet(depth=8, num_classes=7, in_channels=shape[0], shortcut=shortcut).eval()
    assert net(torch.zeros(2, *shape)).shape == (2, 7)


@pytest.mark.parametrize("width", [1, 5, 16])
def test_identity_shortcut_subsamples_and_pads_with_zero_channels(width: int) -> None:
    """With the convolutions silent, a block is relu(shortcut): option A of He et al., written with slices."""
    net = CifarResNet(depth=8, num_classes=3, width=width)
    block = net.stages[1].eval()
    nn.init.zeros_(block.norm2.weight)
    images = torch.randn(2, width, 7, 4)
    out = block(images)
    before = width // 2
    expected = torch.zeros(2, 2 * width, 4, 2)
    expected[:, before : before + width] = images[:, :, ::2, ::2].relu()
    assert torch.equal(out, expected)


@pytest.mark.parametrize("shortcut", ["identity-padding", "projection"])
def test_channels_last_is_kept_through_the_network(shortcut: str) -> None:
    net = CifarResNet(depth=14, num_classes=10, shortcut=shortcut).to(memory_format=torch.channels_last)
    layouts: dict[str, bool] = {}
    for name, module in net.named_modules():
        if name and not isinstance(module, nn.Linear):
            module.register_forward_hook(
                lambda _, __, out, name=name: layouts.update(
                    {name: out.is_contiguous(memory_format=torch.channels_last)}
                )
            )
    net(torch.zeros(2, 3, 16, 16).to(memory_format=torch.channels_last))
    assert len(layouts) > 30
    assert [name for name, kept in layouts.items() if not kept] == []


def test_layout_does_not_change_the_result() -> None:
    torch.manual_seed(0)
    net = CifarResNet(depth=8, num_classes=5).double().eval()
    images = torch.randn(3, 3, 12, 12, dtype=torch.float64)
    plain = net(images)
    last = net.to(memory_format=torch.channels_last)(images.to(memory_format=torch.channels_last))
    torch.testing.assert_close(last, plain, rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", registry().names("architecture"))
@pytest.mark.parametrize("shape", [(3, 8, 8), (1, 6, 10)])
def test_prelogits_of_every_architecture(name: str, shape: tuple[int, int, int]) -> None:
    info = registry().get("architecture", name)
    module = info.build((info.params or NoParams)(), ArchitectureContext(4, shape)).eval()
    logits, prelogits = with_prelogits(module, 4)(torch.randn(5, *shape))
    layer = final_linear(module, 4)
    assert logits.shape == (5, 4)
    assert prelogits.shape == (5, layer.in_features)
    assert torch.equal(logits, functional.linear(prelogits, layer.weight, layer.bias))
    assert not layer._forward_pre_hooks


def test_final_linear_prefers_the_classifier_over_a_later_layer_of_that_size() -> None:
    class Auxiliary(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.classifier = nn.Linear(3, 4)
            self.auxiliary = nn.Linear(3, 4)

    module = Auxiliary()
    assert final_linear(module, 4) is module.classifier
    unnamed = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 4))
    assert final_linear(unnamed, 4) is unnamed[2]


def test_no_final_linear_layer_is_told() -> None:
    with pytest.raises(LsnError, match="no final linear layer with 4 outputs"):
        final_linear(nn.Conv2d(3, 4, 1), 4)


def test_a_classifier_that_is_never_called_is_told() -> None:
    class ByWeight(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.classifier = nn.Linear(2, 2)

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return images.flatten(1) @ self.classifier.weight

    with pytest.raises(LsnError, match="does not call"):
        with_prelogits(ByWeight(), 2)(torch.zeros(1, 2, 1, 1))


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("mlp", {"hidden": [0]}),
        ("mlp", {"activation": "sine"}),
        ("resnet8", {"shortcut": "none"}),
        ("resnet8", {"width": 0}),
        ("linear", {"width": 3}),
    ],
)
def test_wrong_parameters_are_refused(name: str, values: dict[str, object]) -> None:
    from lsncli.parameters import validate

    with pytest.raises(LsnError, match=name):
        validate(
            registry().get("architecture", name).params, values, where="here", subject=f"architecture {name!r}"
        )


def test_dense_networks() -> None:
    # 5·4·3 = 60 inputs: 60·8+8 for the hidden layer of 8, 8·6+6, 6·4+4; the linear classifier 60·4+4.
    info = registry().get("architecture", "mlp")
    mlp = info.build(info.params(hidden=(8, 6)), ArchitectureContext(4, (3, 5, 4)))
    assert parameters(mlp) == 60 * 8 + 8 + 8 * 6 + 6 + 6 * 4 + 4
    info = registry().get("architecture", "linear")
    assert parameters(info.build(info.params(), ArchitectureContext(4, (3, 5, 4)))) == 60 * 4 + 4
    assert parameters(info.build(info.params(bias=False), ArchitectureContext(4, (3, 5, 4)))) == 60 * 4
