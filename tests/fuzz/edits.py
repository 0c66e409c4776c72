"""Edits of bytes as plain data: drawn by hypothesis, kept in the corpus as JSON, applied the same way for ever."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st

#: ``[operation, position, payload]``; positions wrap around, payloads are bytes as Latin-1 text.
Edit = list[Any]

OPERATIONS = ("set", "insert", "delete", "cut", "repeat", "flip")

#: Numbers that readers of binary formats stumble over, in both byte orders.
_NUMBERS = [
    number.to_bytes(size, order, signed=number < 0)
    for size in (1, 2, 4, 8)
    for order in ("little", "big")
    for number in (0, 1, -1, 2 ** (8 * size - 1) - 1, -(2 ** (8 * size - 1)))
]


def edits(tokens: Sequence[bytes] = (), *, most: int = 6) -> st.SearchStrategy[list[Edit]]:
    """Up to ``most`` edits; ``tokens`` are byte strings that mean something in the format."""
    payload = st.one_of(st.binary(min_size=1, max_size=8), st.sampled_from([*_NUMBERS, *tokens]))
    edit = st.tuples(
        st.sampled_from(OPERATIONS), st.integers(0, 2**20), payload.map(lambda data: data.decode("latin-1"))
    ).map(list)
    return st.lists(edit, max_size=most)


def apply(data: bytes, changes: Sequence[Edit]) -> bytes:
    """``data`` after the edits, one after the other."""
    found = bytearray(data)
    for operation, position, text in changes:
        payload = text.encode("latin-1")
        at = position % (len(found) + 1)
        if operation == "set":
            found[at : at + len(payload)] = payload
        elif operation == "insert":
            found[at:at] = payload
        elif operation == "delete":
            del found[at : at + 1 + payload[0]]
        elif operation == "cut":
            # Mostly near the end: what is cut at the beginning is refused at its first bytes.
            del found[max(0, len(found) - position % (1 + len(found) // 2)) :]
        elif operation == "repeat":
            found[at:at] = found[at : at + 1 + payload[0]] * (1 + payload[-1] % 4)
        elif found:
            found[at % len(found)] ^= 1 << (payload[0] % 8)
    return bytes(found)
