"""What ``lsn plugins check`` must be told: models that stand for timm's thousands."""

from __future__ import annotations

from lsncli.testing import ArchitectureSuite


class TimmSuite(ArchitectureSuite):
    """One model of each way in which a final layer is found.

    A ResNet (with and without a stem for small images) and an EfficientNet's kin end in a linear layer of their
    own; a vision transformer has a fixed size of images and a token for the class; a ResNet-v2 ends in a 1×1
    convolution, and a distilled DeiT in two layers.
    """

    component = "timm"
    input_shapes = ((3, 32, 32), (1, 32, 32))
    class_counts = (4, 5)
    variants = (
        {"model": "resnet10t"},
        {"model": "resnet10t", "small_images": True, "drop_path_rate": 0.0},
        {"model": "mobilenetv3_small_050", "small_images": True},
        {"model": "vit_tiny_patch16_224", "options": {"patch_size": 8, "depth": 2}},
        {
            "model": "resnetv2_50",
            "options": {"layers": [1, 1, 1, 1], "channels": [16, 32, 64, 128], "stem_chs": 16},
        },
        {"model": "deit_tiny_distilled_patch16_224", "options": {"patch_size": 8, "depth": 2}},
    )
