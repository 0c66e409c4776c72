"""Checkpoints and final weights: bytes changed, or other contents under a digest that is right."""

from __future__ import annotations

import copy
import json
from functools import cache
from pathlib import Path
from typing import Any

import torch
from hypothesis import strategies as st
from safetensors.torch import save
from torch import Tensor, nn

from lsncli.engine.checkpoint import (
    TrainingState,
    UnusableCheckpointError,
    load_checkpoint,
    load_weights,
    save_checkpoint,
    save_weights,
)
from lsncli.engine.tensor_file import content_digest, read_tensors
from tests.fuzz.driving import Kind
from tests.fuzz.edits import apply, edits
from tests.fuzz.recipes import changed
from tests.fuzz.values import values

IDENTITY = {"key": "0" * 20, "data": "digest", "precision": "fp32"}
DTYPES = (*("float32", "float64", "float16", "bfloat16", "int64", "uint8", "bool"), "complex64", "float8_e4m3fn")
SHAPES: tuple[list[int], ...] = ([], [0], [1], [3], [4, 3], [0, 7], [1] * 20, [5000])


def fresh(seed: int = 1) -> TrainingState:
    """The state of a small network after a few steps."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        module = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 2))
        optimizer = torch.optim.SGD(module.parameters(), lr=0.1, momentum=0.9)
        for _ in range(2):
            optimizer.zero_grad()
            module(torch.randn(5, 3)).square().sum().backward()
            optimizer.step()
    measured = [(1, {"test_accuracy": 0.5}), (2, {"test_accuracy": 0.75})]
    return TrainingState(module, optimizer, None, torch.tensor(1.5), 2, 1, 0.5, measured, IDENTITY)


@cache
def bases(folder: Path) -> dict[str, tuple[bytes, dict[str, Tensor], dict[str, Any]]]:
    """The files that are changed, and what is in them."""
    path = folder / "base.safetensors"
    found = {}
    state = fresh()
    save_checkpoint(path, state)
    found["checkpoint"] = (path.read_bytes(), *read_tensors(path))
    save_weights(path, state.module, {"key": "0" * 20, "step": 2})
    found["weights"] = (path.read_bytes(), *read_tensors(path))
    path.unlink()
    return found


def state_of(state: TrainingState) -> str:
    """A digest of everything that loading may change."""
    tensors = dict(state.module.state_dict())
    entries = state.optimizer.state_dict()["state"]
    for index, entry in entries.items():
        tensors.update({f"o.{index}.{name}": v for name, v in entry.items() if isinstance(v, Tensor)})
    tensors["sum"], tensors["generator"] = state.loss_sum, torch.get_rng_state()
    plain = [state.step, state.steps_since_evaluation, state.seconds, state.measured]
    return content_digest({name: v.contiguous() for name, v in tensors.items()}, {"plain": plain})


_tensor = st.tuples(st.sampled_from(DTYPES), st.sampled_from(SHAPES)).map(list)
_tensor_change = st.tuples(
    st.integers(0, 99),
    st.sampled_from(("replace", "remove", "rename", "reshape")),
    _tensor,
    st.sampled_from(
        ("model.x", "optimizer.99.momentum_buffer", "optimizer.x.y", "optimizer.-1.z", "optimizer.", "")
    ),
).map(list)
_about_change = st.tuples(
    st.integers(0, 99), st.sampled_from(("replace", "replace", "remove", "add", "wrap")), values()
).map(list)
TOKENS = [
    b'"F32"',
    b'"F64"',
    b'"shape":[',
    b'"data_offsets":[',
    b"__metadata__",
    b"sha256",
    b"[" * 500,
    b"9" * 30,
    b"}",
]
_none = st.just([])
_cases = st.fixed_dictionaries(
    {
        "file": st.sampled_from(("checkpoint", "checkpoint", "weights")),
        "about": st.one_of(_none, st.lists(_about_change, max_size=2)),
        "tensors": st.one_of(_none, st.lists(_tensor_change, max_size=2)),
        "bytes": st.one_of(_none, edits(TOKENS, most=4)),
    }
)


def build(case: dict[str, Any], folder: Path) -> bytes:
    """The file of a case."""
    data, tensors, about = bases(folder)[case["file"]]
    if case["about"] or case["tensors"]:
        tensors = dict(tensors)
        for index, operation, (dtype, shape), name in case["tensors"]:
            chosen = sorted(tensors)[index % len(tensors)] if tensors else name
            if operation == "replace":
                tensors[chosen] = torch.ones(shape).to(getattr(torch, dtype))
            elif operation == "reshape" and chosen in tensors:
                tensors[chosen] = tensors[chosen].reshape(-1, 1)
            elif chosen in tensors:
                moved = tensors.pop(chosen)
                if operation == "rename":
                    tensors[name] = moved
        about = changed(copy.deepcopy(about), [tuple(change) for change in case["about"]])
        about = json.loads(json.dumps(about))
        described = {**about, "sha256": content_digest(tensors, about)}
        data = save({n: v.contiguous() for n, v in tensors.items()}, {"lsn": json.dumps(described)})
    return apply(data, case["bytes"])


@cache
def _untouched() -> tuple[TrainingState, str]:
    """A state and its digest; what is refused leaves it as it is, for the next case."""
    state = fresh(2)
    return state, state_of(state)


def _run(case: dict[str, Any], folder: Path) -> str:
    path = folder / "case.safetensors"
    path.write_bytes(build(case, folder))
    state, before = _untouched()
    try:
        if case["file"] == "weights":
            load_weights(path, state.module)
        else:
            load_checkpoint(path, state)
    except UnusableCheckpointError:
        if state_of(state) != before:
            raise AssertionError("a file that was refused has changed the state") from None
        return "refused"
    _untouched.cache_clear()
    return "accepted"


KIND = Kind("checkpoint", _cases, _run)
