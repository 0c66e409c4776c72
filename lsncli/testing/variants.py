"""With which parameters a component is checked, where its suite does not say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel

from lsncli.parameters import recipe_name

Variant = Mapping[str, Any]


def variants_of(model: type[BaseModel] | None) -> tuple[list[Variant], str | None]:
    """Sets of parameters to check a component with, and what is missing where there are none.

    The examples of the model as a whole (``model_config = ConfigDict(json_schema_extra={"examples": […]})``) are
    taken as they are. Without them: the defaults, with the first example of each required field
    (``Field(examples=[0.3])``); then every further example of any field, one at a time.
    """
    if model is None:
        return [{}], None
    extra = model.model_config.get("json_schema_extra")
    if isinstance(extra, Mapping) and isinstance(extra.get("examples"), Sequence):
        return [dict(example) for example in extra["examples"]], None  # type: ignore[union-attr, arg-type]
    base: dict[str, Any] = {}
    more: list[Variant] = []
    for name, field in model.model_fields.items():
        examples = list(field.examples or ())
        if field.is_required():
            if not examples:
                return [], f"its parameter {name!r} is required and has no example: write Field(examples=[…])"
            base[recipe_name(name, field)] = examples.pop(0)
        more += [{recipe_name(name, field): example} for example in examples]
    return [base, *({**base, **change} for change in more)], None


def shown(variant: Variant) -> str:
    """A set of parameters in a few words: ``q=0.5``, or ``defaults``."""
    parts = []
    for name, value in variant.items():
        text = str(value)
        parts.append(f"{name}={text if len(text) <= 40 else text[:37] + '...'}")
    return ", ".join(parts) or "defaults"
