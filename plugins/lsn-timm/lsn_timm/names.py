"""The names of timm's models, read from its sources: importing timm imports torch, which no report does."""

from __future__ import annotations

import re
from functools import cache
from importlib.util import find_spec
from pathlib import Path

#: A model is a function with this decorator, in one of the files of timm.models.
_MODEL = re.compile(r"^@register_model\s*\ndef (\w+)\(", re.MULTILINE)


@cache
def model_names() -> frozenset[str]:
    """All registered names; none where timm's sources cannot be read, as in a zipped installation."""
    spec = find_spec("timm")
    if spec is None:
        return frozenset()
    files = [
        file
        for place in spec.submodule_search_locations or ()
        for file in sorted(Path(place, "models").glob("*.py"))
    ]
    return frozenset(name for file in files for name in _MODEL.findall(file.read_text(encoding="utf-8")))
