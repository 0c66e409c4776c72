"""Short names of losses for the rows of tables: ``CE``, ``LS α=0.1``, ``FC true T``."""

from __future__ import annotations

from collections.abc import Mapping
from string import Formatter
from typing import Any

from pydantic import BaseModel

from lsncli.components import LossInfo


def table_label(info: LossInfo, params: BaseModel | Mapping[str, Any] | None = None) -> str:
    """The loss's label with its parameters filled in.

    ``info.label`` is a template with parameters in braces. Where one of them is absent or None (a loss
    correction has α only if its T is symmetric), the label is the template's first word and the source of
    the matrix; a loss that has neither keeps its name.
    """
    values = _values(params)
    template = info.label or info.name
    wanted = [field for _, field, _, _ in Formatter().parse(template) if field]
    if all(values.get(name) is not None for name in wanted):
        return template.format_map(values)
    short = template.split()[0]
    if values.get("transition"):
        return f"{short} {values['transition']} T"
    return f"{short} given T" if values.get("matrix") is not None else info.name


def _values(params: BaseModel | Mapping[str, Any] | None) -> dict[str, Any]:
    if isinstance(params, BaseModel):
        return {name: getattr(params, name) for name in type(params).model_fields}
    return dict(params or {})
