"""Which names a prepared data set may have."""

from __future__ import annotations

import re

from lsncli.errors import LsnError

_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_MAX_LENGTH = 64


def check_name(name: str, *, where: str) -> str:
    """``name``, if it is one: lower-case letters and digits, words joined by hyphens."""
    if len(name) > _MAX_LENGTH or not _NAME.fullmatch(name):
        raise LsnError(
            f"{name!r} is not a name for a data set",
            where=where,
            valid=f"lower-case letters, digits and single hyphens, up to {_MAX_LENGTH} characters: tiny-images-32",
        )
    return name
