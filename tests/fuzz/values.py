"""Values that a person or a program might put where another is expected."""

from __future__ import annotations

import datetime
from typing import Any

from hypothesis import strategies as st

#: Text that means something to a shell, a terminal, a spreadsheet, a typesetter, a browser or a file system.
TEXTS = (
    "",
    " ",
    "\x00",
    "\x1b[31mred\x1b]0;title\x07",
    "\x9b31m",
    "a\nb\r\nc\tend",
    "\u202egnp.exe",
    "\u2028",
    "ä\u0301\U0001f600",
    "<script>alert(1)</script>",
    "\\input{/etc/passwd}",
    "$\\frac{1}{0}$",
    "=cmd|' /C calc'!A0",
    "+1",
    "-1",
    "@x",
    "|",
    "[red]bold[/red]",
    "[/]",
    "`x`",
    "{0.__class__}",
    "%s%n",
    "../../etc/passwd",
    "/dev/zero",
    "~root",
    "C:\\x",
    "nan",
    "NaN",
    "1e400",
    "-0",
    "x" * 5000,
    "é" * 300,
)

NUMBERS = (
    *(0, 1, -1, 2, 7, 2**31, 2**53 + 1, 2**63 - 1, 2**63, 2**64, -(2**63) - 1, 10**30, 10**400),
    *(0.0, -0.0, 0.1, 0.5, 1.0, 1e-320, 1e308, -1e308, float("inf"), float("-inf"), float("nan")),
)

SPECIAL = (
    *(True, False, [], {}, [[]], [{}], {"": 1}, {"name": "x"}, {"name": {"name": {}}}),
    [0, 1],
    list(range(300)),
    [[1.0, 0.0], [0.0, 1.0]],
    {"a.b": {"c": [1, 2]}},
)

TIMES = (
    datetime.datetime(1, 1, 1),
    datetime.datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=datetime.UTC),
    datetime.date(2020, 2, 29),
    datetime.time(23, 59, 59),
)


def scalars() -> st.SearchStrategy[Any]:
    """One text, number or truth value."""
    return st.one_of(
        st.sampled_from(TEXTS),
        st.sampled_from(NUMBERS),
        st.text(max_size=12),
        st.integers(),
        st.floats(),
        st.booleans(),
        st.none(),
    )


def values(*, times: bool = False) -> st.SearchStrategy[Any]:
    """Anything that JSON can say, or with ``times`` TOML."""
    leaves = st.one_of(scalars(), st.sampled_from(SPECIAL), *([st.sampled_from(TIMES)] if times else []))
    keys = st.one_of(st.text(max_size=6), st.sampled_from(("name", "rate", "case", "label", *TEXTS[:12])))
    return st.one_of(
        leaves,
        st.recursive(
            leaves,
            lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(keys, inner, max_size=3)),
            max_leaves=8,
        ),
    )
