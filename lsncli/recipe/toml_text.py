"""Reads TOML within bounds: numbers of 64 bits, as its specification has them, and tables not too deeply nested."""

from __future__ import annotations

from typing import Any

import tomli

#: How deep tables and arrays may lie in each other; no recipe needs ten.
MAX_DEPTH = 40


class UnreadableTomlError(Exception):
    """What is wrong with the text, in a sentence."""


def read_toml(text: str) -> dict[str, Any]:
    """The document; raises :class:`UnreadableTomlError`."""
    try:
        document = tomli.loads(text)
    except tomli.TOMLDecodeError as error:
        raise UnreadableTomlError(str(error)) from None
    except RecursionError:
        raise UnreadableTomlError("tables or arrays are nested too deeply") from None
    except (ValueError, OverflowError) as error:
        # A number of thousands of digits, or a time zone that is none.
        raise UnreadableTomlError(f"a value cannot be read ({error})") from None
    _check(document)
    return document


def _check(document: dict[str, Any]) -> None:
    """Without recursion, which deep nesting would exhaust."""
    level: list[Any] = [document]
    for _ in range(MAX_DEPTH):
        deeper: list[Any] = []
        for value in level:
            if isinstance(value, dict):
                deeper += value.values()
            elif isinstance(value, list):
                deeper += value
            elif isinstance(value, int) and not -(2**63) <= value < 2**63:
                raise UnreadableTomlError("a whole number is beyond the 64 bits that TOML has for one")
        level = deeper
        if not level:
            return
    raise UnreadableTomlError("tables or arrays are nested too deeply")
