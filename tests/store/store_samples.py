"""A spec as stored with a run, and the type of the fixture that begins one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

SPEC: dict[str, Any] = {
    "data": {"name": "digits"},
    "noise": {"name": "symmetric", "params": {"rate": 0.2}},
    "model": {"name": "mlp"},
    "loss": {"name": "label-smoothing", "params": {"alpha": 0.1}},
    "train": {"steps": 1000, "optimizer": {"name": "sgd"}},
    "seed": 0,
}

Begin = Callable[..., str]
