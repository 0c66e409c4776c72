"""A report as JSON text, which has no infinities, no dates, and nothing that a terminal obeys."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from lsncli.inert import for_json


def json_text(value: Mapping[str, Any]) -> str:
    """``value``, arrays among it as lists, a number that is not finite as null, and a date as it is written."""
    return for_json(json.dumps(_plain(value), indent=2, ensure_ascii=False, allow_nan=False)) + "\n"


def _plain(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    if value is None or isinstance(value, bool | int | float | str):
        return value
    # An array of numpy's, which what prints tables does not import; else a date in a recipe's sweep.
    return _plain(value.tolist()) if hasattr(value, "tolist") else str(value)
