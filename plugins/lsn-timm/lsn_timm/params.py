"""Parameters of the architecture ``timm``."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Annotated, Any, Self

from lsncli import Params
from pydantic import Field, field_validator, model_validator

from lsn_timm.names import model_names

#: What lsn itself gives to timm, from the data set and from the other parameters.
_OURS = frozenset({"model_name", "num_classes", "in_chans", "pretrained", "drop_rate", "drop_path_rate"})


class TimmParams(Params):
    """Which model, and what it is made with."""

    model: str = Field(
        "resnet18", description="Name of the model in timm, such as resnet18 or vit_tiny_patch16_224."
    )
    small_images: bool = Field(
        False,
        description="For images of about 32×32 pixels: the first convolution has stride 1 (in ResNets and their "
        "kin it is 3×3 then, without max-pooling). Models of patches: options = { patch_size = 4 }.",
    )
    pretrained: bool = Field(
        False,
        description="Begin with timm's published weights, which it downloads; the name may then have a tag, as "
        "in resnet18.a1_in1k.",
    )
    drop_rate: Annotated[float, Field(ge=0, lt=1)] = Field(0.0, description="Dropout before the classifier.")
    drop_path_rate: Annotated[float, Field(ge=0, lt=1)] | None = Field(
        None, description="Stochastic depth, for models that have it."
    )
    options: dict[str, Any] = Field(
        default_factory=dict, description="Further arguments of timm.create_model, such as { img_size = 64 }."
    )

    @field_validator("model")
    @classmethod
    def _known(cls, model: str) -> str:
        known = model_names()
        name = model.partition(".")[0]
        if known and name not in known:
            near = get_close_matches(name, known, n=3)
            raise ValueError(
                f"timm has no model {name!r}"
                + (f"; did you mean {', '.join(near)}?" if near else f" ({len(known)} others)")
            )
        return model

    @field_validator("options")
    @classmethod
    def _not_ours(cls, options: dict[str, Any]) -> dict[str, Any]:
        twice = sorted(_OURS & options.keys())
        if twice:
            raise ValueError(
                f"{', '.join(twice)} cannot be an option: lsn sets it from the data or its own parameter"
            )
        return options

    @model_validator(mode="after")
    def _tag_is_of_weights(self) -> Self:
        if "." in self.model and not self.pretrained:
            raise ValueError(
                f"the tag of {self.model!r} names published weights: set pretrained = true, or leave the tag out"
            )
        return self
