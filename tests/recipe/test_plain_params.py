"""What a spec keeps of parameters is the same in every process: sets have no order of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

import pytest
from pydantic import Field, RootModel

from lsncli import Params
from lsncli.plain_params import plain_params
from lsncli.toml_text import toml_text

#: Python's own order of these depends on the process, and of the numbers is 8, 1.
NAMES = ["cat", "deer", "dog", "frog", "horse", "ship", "truck"]


class Inner(Params):
    names: frozenset[str] = frozenset()


class Names(RootModel[frozenset[str]]):
    pass


class Sets(Params):
    names: frozenset[str] = Field(frozenset(), alias="classes")
    numbers: frozenset[int] = frozenset()
    mixed: frozenset[Any] = frozenset()
    pairs: frozenset[tuple[int, frozenset[str]]] = frozenset()
    by_name: Mapping[str, frozenset[str]] | None = None
    listed: tuple[frozenset[str], ...] = ()
    inner: Inner | None = None
    root: Names | None = None
    order: tuple[str, ...] = ()


@pytest.mark.parametrize(
    ("given", "plain"),
    [
        ({"classes": NAMES[::-1]}, {"classes": NAMES}),
        ({"numbers": [10, 8, 1, 2]}, {"numbers": [1, 2, 8, 10]}),
        ({"mixed": ["b", 3, None, "a", 0.5]}, {"mixed": [0.5, 3, "a", "b", None]}),
        ({"pairs": [(8, NAMES), (1, NAMES[::-1])]}, {"pairs": [[1, NAMES], [8, NAMES]]}),
        ({"by_name": {"b": NAMES, "a": NAMES[:2]}}, {"by_name": {"b": NAMES, "a": NAMES[:2]}}),
        ({"listed": [NAMES, ["a"]]}, {"listed": [NAMES, ["a"]]}),
        ({"inner": {"names": NAMES}}, {"inner": {"names": NAMES}}),
        ({"root": NAMES}, {"root": NAMES}),
        ({"order": NAMES[::-1]}, {"order": NAMES[::-1]}),
        ({}, {}),
    ],
)
def test_sets_are_sorted(given: dict[str, Any], plain: dict[str, Any]) -> None:
    assert plain_params(Sets.model_validate(given)) == plain


def test_messages_have_sets_in_order() -> None:
    assert toml_text(frozenset(NAMES)) == toml_text(NAMES)


def test_the_key_is_the_same_in_every_process() -> None:
    program = """
from pydantic import create_model
from lsncli.plain_params import plain_params
from lsncli.run_key import key_of
model = create_model("M", names=(frozenset[str], ...))
print(key_of(plain_params(model(names=frozenset("cat deer dog frog horse ship truck".split())))))
"""
    keys = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert len(keys) == 1
