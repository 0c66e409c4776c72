"""What a recipe says of one data set, when another one takes its place."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from lsncli.components import DatasetInfo
from lsncli.recipe.schema import DataSection
from lsncli.registry import Registry, registry


def kept_for(
    other: str, section: Mapping[str, Any], name: object, components: Registry | None = None
) -> dict[str, Any]:
    """What of a ``[data]`` section of data set ``name`` holds for ``other`` as well, which is not named in it yet.

    The choice of a subset does. Parameters of its own mean nothing to the other one, unless the two sets take the
    same, as CIFAR-10 and CIFAR-100 do.
    """
    if _take_the_same(name, other, components or registry()):
        return {key: value for key, value in section.items() if key != "name"}
    return {key: value for key, value in section.items() if key in DataSection.model_fields and key != "name"}


def _take_the_same(name: object, other: str, components: Registry) -> bool:
    registered = components.names("data set")
    if name not in registered or other not in registered:
        return False
    one, two = (cast("DatasetInfo", components.get("data set", str(each))) for each in (name, other))
    return one.params is not None and one.params is two.params
