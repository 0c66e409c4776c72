"""Residual networks for 32×32 images with 6n+2 layers (He et al. 2016, section 4.2; the paper's Table 6)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional


class CifarResNet(nn.Module):
    """``[B, C, H, W]`` → logits ``[B, L]``: a 3×3 convolution, three stages of n blocks, pooling, a classifier.

    The stages have ``width``, 2·``width``, 4·``width`` filters at strides 1, 2, 2. The pooled features
    ``[B, 4·width]`` are the pre-logits.
    """

    def __init__(
        self,
        *,
        depth: int,
        num_classes: int,
        in_channels: int = 3,
        shortcut: str = "identity-padding",
        width: int = 16,
    ) -> None:
        super().__init__()
        if depth < 8 or (depth - 2) % 6:
            raise ValueError(f"depth must be 6n+2 with n >= 1, not {depth}")
        blocks = (depth - 2) // 6
        self.conv = nn.Conv2d(in_channels, width, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(width)
        stages: list[nn.Module] = []
        channels = width
        for stage in range(3):
            filters = width * 2**stage
            for block in range(blocks):
                stride = 2 if stage > 0 and block == 0 else 1
                stages.append(_Block(channels, filters, stride, shortcut))
                channels = filters
        self.stages = nn.Sequential(*stages)
        self.classifier = nn.Linear(channels, num_classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, images: Tensor) -> Tensor:
        """Logits ``[B, L]``."""
        out = functional.relu(self.norm(self.conv(images)), inplace=True)
        out = self.stages(out)
        logits: Tensor = self.classifier(out.mean(dim=(2, 3)))
        return logits


class _Block(nn.Module):
    """Two 3×3 convolutions with batch norm, and a shortcut around them."""

    def __init__(self, channels: int, filters: int, stride: int, shortcut: str) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, filters, 3, stride=stride, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(filters)
        self.conv2 = nn.Conv2d(filters, filters, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(filters)
        self.shortcut: nn.Module
        if stride == 1 and channels == filters:
            self.shortcut = nn.Identity()
        elif shortcut == "projection":
            self.shortcut = nn.Sequential(
                nn.Conv2d(channels, filters, 1, stride=stride, bias=False), nn.BatchNorm2d(filters)
            )
        else:
            self.shortcut = _IdentityPadding(filters - channels, stride)

    def forward(self, inputs: Tensor) -> Tensor:
        out = functional.relu(self.norm1(self.conv1(inputs)), inplace=True)
        out = self.norm2(self.conv2(out))
        return functional.relu(out + self.shortcut(inputs), inplace=True)


class _IdentityPadding(nn.Module):
    """Subsample by the stride, and zero channels before and after: a shortcut without parameters (option A)."""

    def __init__(self, extra: int, stride: int) -> None:
        super().__init__()
        self.extra = extra
        self.stride = stride

    def forward(self, inputs: Tensor) -> Tensor:
        taken = inputs[:, :, :: self.stride, :: self.stride]
        before = self.extra // 2
        padded = functional.pad(taken, (0, 0, 0, 0, before, self.extra - before))
        # Padding forgets the memory format; without this, every later layer would convert.
        return padded.contiguous(memory_format=torch.channels_last) if _channels_last(inputs) else padded


def _channels_last(tensor: Tensor) -> bool:
    return tensor.is_contiguous(memory_format=torch.channels_last) and tensor.shape[1] > 1
