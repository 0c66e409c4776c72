"""Registers the architecture ``timm``; imports neither torch nor timm."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from lsncli import ArchitectureContext, ArchitectureInfo, hookimpl

from lsn_timm.params import TimmParams

if TYPE_CHECKING:
    from torch import nn


def _timm(params: TimmParams, context: ArchitectureContext) -> nn.Module:
    from lsn_timm.network import build

    return build(params, context)


@hookimpl
def lsn_architectures(register: Callable[[ArchitectureInfo], None]) -> None:
    """Register timm."""
    register(
        ArchitectureInfo(
            name="timm",
            build=_timm,
            revision=2,
            params=TimmParams,
            summary="Any image model of timm, by its name there",
            reference="Wightman, PyTorch Image Models, https://github.com/huggingface/pytorch-image-models",
            suite="lsn_timm.conformance:TimmSuite",
        )
    )
