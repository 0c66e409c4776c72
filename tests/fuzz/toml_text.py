"""Writes plain data as TOML; what TOML cannot say becomes text."""

from __future__ import annotations

import datetime
import json
import math
from typing import Any


def toml(document: dict[str, Any]) -> str:
    """A document of one line per key; tables inside are written inline."""
    return "".join(f"{_key(key)} = {_value(value)}\n" for key, value in document.items())


def _key(key: object) -> str:
    return _text(str(key))


def _text(text: str) -> str:
    # Basic strings of TOML are nearly those of JSON; DEL and lone surrogates are not.
    plain = "".join("�" if "\ud800" <= c <= "\udfff" else c for c in text)
    return json.dumps(plain, ensure_ascii=False).replace("\x7f", "\\u007f")


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return repr(value) if math.isfinite(value) else str(value)
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    if isinstance(value, list):
        return f"[{', '.join(map(_value, value))}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{_key(k)} = {_value(v)}' for k, v in value.items())}}}"
    return _text("" if value is None else str(value))
