"""Builds the components that a RunSpec names."""

from __future__ import annotations

from typing import Any

from torch import nn

from lsncli.components import ArchitectureContext
from lsncli.errors import LsnError
from lsncli.parameters import NoParams
from lsncli.plan import ComponentSpec
from lsncli.registry import registry


def build_component(kind: str, spec: ComponentSpec, context: Any) -> Any:
    """Build the component that ``spec`` names; its parameters were validated when the plan was made."""
    info = registry().get(kind, spec.name)
    if info.revision != spec.revision:
        raise LsnError(
            f"{kind} {spec.name!r} is installed in revision {info.revision}, the run asks for {spec.revision}"
        )
    params = (info.params or NoParams).model_validate(spec.params)
    return info.build(params, context)


def build_architecture(spec: ComponentSpec, num_classes: int, image_shape: tuple[int, int, int]) -> nn.Module:
    """The network for images of shape (height, width, channels), newly initialised."""
    height, width, channels = image_shape
    module: nn.Module = build_component(
        "architecture", spec, ArchitectureContext(num_classes, (channels, height, width))
    )
    return module
