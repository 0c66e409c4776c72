"""Tells computations apart by their parameters: two are the same exactly if name and digest are."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any


def digest(params: Mapping[str, Any]) -> str:
    """SHA-256 of the canonical JSON of ``params``; raises ValueError or TypeError for what is no plain data."""
    canonical = json.dumps(dict(params), sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(canonical.encode()).hexdigest()
