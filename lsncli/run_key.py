"""The key of a run, computed from its spec as plain data: what a stored run can be checked against."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

KEY_LENGTH = 20


def key_of(plain: Mapping[str, Any]) -> str:
    """The first 20 hexadecimal digits of SHA-256 over the canonical JSON of ``plain``.

    ``plain`` is a RunSpec from which fields equal to their default are left out. Raises ValueError or TypeError
    for what is no plain data.
    """
    canonical = json.dumps(
        _canonical(plain), sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False
    )
    return hashlib.sha256(canonical.encode()).hexdigest()[:KEY_LENGTH]


def is_key(text: str) -> bool:
    """Whether ``text`` is a key as :func:`key_of` makes them."""
    return re.fullmatch(rf"[0-9a-f]{{{KEY_LENGTH}}}", text) is not None


def _canonical(value: Any) -> Any:
    """Make numbers that are equal write themselves equally: 1.0 and 1 are one value in a recipe."""
    if isinstance(value, bool):
        return value
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return int(value)
    if isinstance(value, Mapping):
        return {k: _canonical(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_canonical(v) for v in value]
    return value
