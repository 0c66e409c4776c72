"""Pre-activation residual networks with bottlenecks for photographs (He et al. 2016, Identity mappings)."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn import functional

#: A block's output has this many times the filters of its 3×3 convolution.
EXPANSION = 4
#: Blocks per stage of the network of 50 layers: the paper's Table 6.
RESNET50_BLOCKS = (3, 4, 6, 3)


class ResNetV2(nn.Module):
    """``[B, C, H, W]`` → logits ``[B, L]``: a stem, four stages of bottleneck blocks, pooling, a classifier.

    The stages' 3×3 convolutions have ``width``, 2·, 4·, 8·``width`` filters at strides 1, 2, 2, 2; the stride is in
    the 3×3 convolution of a stage's first block. The pooled features ``[B, 32·width]`` are the pre-logits.

    stem: ``"imagenet"`` is a 7×7 convolution of stride 2 and a 3×3 max-pooling of stride 2, for 224×224 pixels;
    ``"small"`` is a 3×3 convolution of stride 1, for images of about 32×32.

    Raises ValueError for another stem.
    """

    def __init__(
        self,
        *,
        num_classes: int,
        in_channels: int = 3,
        blocks: Sequence[int] = RESNET50_BLOCKS,
        width: int = 64,
        stem: str = "imagenet",
    ) -> None:
        super().__init__()
        if stem not in ("imagenet", "small"):
            raise ValueError(f"stem must be 'imagenet' or 'small', not {stem!r}")
        # No batch norm here: the first block begins with one, as every block does.
        if stem == "imagenet":
            self.conv = nn.Conv2d(in_channels, width, 7, stride=2, padding=3, bias=False)
        else:
            self.conv = nn.Conv2d(in_channels, width, 3, padding=1, bias=False)
        self.pool = nn.MaxPool2d(3, stride=2, padding=1) if stem == "imagenet" else nn.Identity()
        stages: list[nn.Module] = []
        channels = width
        for stage, count in enumerate(blocks):
            for block in range(count):
                stride = 2 if stage > 0 and block == 0 else 1
                stages.append(_Bottleneck(channels, width * 2**stage, stride))
                channels = width * 2**stage * EXPANSION
        self.stages = nn.Sequential(*stages)
        self.norm = nn.BatchNorm2d(channels)
        self.classifier = nn.Linear(channels, num_classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, images: Tensor) -> Tensor:
        """Logits ``[B, L]``."""
        out = self.stages(self.pool(self.conv(images)))
        out = functional.relu(self.norm(out), inplace=True)
        logits: Tensor = self.classifier(out.mean(dim=(2, 3)))
        return logits


class _Bottleneck(nn.Module):
    """Batch norm and ReLU before each of 1×1, 3×3 and 1×1 convolutions, around which the input passes unchanged.

    Where the shape changes, the shortcut is a 1×1 convolution of the pre-activated input.
    """

    def __init__(self, channels: int, filters: int, stride: int) -> None:
        super().__init__()
        out = filters * EXPANSION
        self.norm1 = nn.BatchNorm2d(channels)
        self.conv1 = nn.Conv2d(channels, filters, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(filters)
        self.conv2 = nn.Conv2d(filters, filters, 3, stride=stride, padding=1, bias=False)
        self.norm3 = nn.BatchNorm2d(filters)
        self.conv3 = nn.Conv2d(filters, out, 1, bias=False)
        self.shortcut: nn.Conv2d | None = None
        if stride != 1 or channels != out:
            self.shortcut = nn.Conv2d(channels, out, 1, stride=stride, bias=False)

    def forward(self, inputs: Tensor) -> Tensor:
        active = functional.relu(self.norm1(inputs), inplace=True)
        passed: Tensor = inputs if self.shortcut is None else self.shortcut(active)
        out = self.conv1(active)
        out = self.conv2(functional.relu(self.norm2(out), inplace=True))
        out = self.conv3(functional.relu(self.norm3(out), inplace=True))
        result: Tensor = passed + out
        return result
