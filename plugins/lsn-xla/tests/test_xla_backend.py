"""What the backend says of itself, where it puts a module, and batch norm's running statistics."""

from __future__ import annotations

import copy

import pytest
import torch
from lsncli.backends.selection import select_backend
from lsncli.testing import BackendSuite
from torch import nn

from lsn_xla.batch_norm import keep_unbiased_variance


class TestXla(BackendSuite):
    component = "xla"


def test_it_is_chosen_by_name() -> None:
    backend, name = select_backend("xla")
    assert (backend.name, name) == ("xla", "xla:0")
    assert backend.precisions()[0] == "fp32"
    described = backend.describe(name)
    assert described["device"] == "XLA CPU"
    assert described["torch_xla"].split(".")[:2] == torch.__version__.split(".")[:2]


@pytest.mark.parametrize("momentum", [0.1, None])
def test_running_statistics_are_those_of_torch(momentum: float | None) -> None:
    """Three batches of 4·2·3 = 24 values a channel: the biased variance would be smaller by 1/24 = 4 %."""
    layer = nn.BatchNorm2d(5, momentum=momentum)
    other = copy.deepcopy(layer).to("xla")
    keep_unbiased_variance(other)
    generator = torch.Generator().manual_seed(0)
    for _ in range(3):
        images = torch.randn(4, 5, 2, 3, generator=generator) * 3 + 1
        layer(images)
        other(images.to("xla")).sum().backward()
    layer.eval()
    other.eval()
    images = torch.randn(4, 5, 2, 3, generator=generator)
    assert torch.allclose(other(images.to("xla")).cpu(), layer(images), rtol=1e-4, atol=1e-5)
    for name, value in layer.state_dict().items():
        assert torch.allclose(other.state_dict()[name].cpu(), value, rtol=1e-5), name


def test_a_layer_without_statistics_is_left_alone() -> None:
    layer = nn.BatchNorm2d(5, track_running_stats=False).to("xla")
    keep_unbiased_variance(layer)
    assert layer(torch.randn(4, 5, 2, 3).to("xla")).shape == (4, 5, 2, 3)
