"""Checkpoints: everything that a run needs to go on, in one safetensors file, written atomically.

See :mod:`lsncli.engine.tensor_file` for the file itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn, optim

from lsncli.engine.optimizer_groups import kept_groups, restored_groups
from lsncli.engine.tensor_file import UnusableCheckpointError, read_tensors, write_tensors

if TYPE_CHECKING:
    from lsncli.backends.interface import Backend

__all__ = [
    "Loaded",
    "TrainingState",
    "UnusableCheckpointError",
    "load_checkpoint",
    "load_weights",
    "recorded_threads",
    "save_checkpoint",
    "save_weights",
]


@dataclass(slots=True)
class TrainingState:
    """What changes while a run trains.

    ``loss_sum`` is the sum of step losses since the last evaluation. ``measured`` are the metrics of all
    evaluations so far (step, name → value): whoever stores them may die with some unread, and then hears of
    them again from the checkpoint. ``backend``: whose generator is part of the state, beside the processor's.
    """

    module: nn.Module
    optimizer: optim.Optimizer
    loss: nn.Module | None
    loss_sum: Tensor
    step: int = 0
    steps_since_evaluation: int = 0
    seconds: float = 0.0
    measured: list[tuple[int, dict[str, float]]] = field(default_factory=list)
    identity: Mapping[str, Any] = field(default_factory=dict)
    backend: Backend | None = None


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a checkpoint tells beside the state; what an older lsn has not told is None or empty.

    threads: the number of them that the run was trained with. left_out: what of the optimiser's parameter groups it
    could not keep.
    """

    threads: int | None
    left_out: tuple[str, ...] = ()


def save_checkpoint(path: Path, state: TrainingState) -> None:
    """Write ``state`` to ``path``; after a crash at any moment the file is the old one or the new one."""
    tensors: dict[str, Tensor] = {}
    plain: dict[str, dict[str, Any]] = {}
    _put(tensors, "model", state.module.state_dict())
    if state.loss is not None:
        _put(tensors, "loss", state.loss.state_dict())
    for index, entries in state.optimizer.state_dict()["state"].items():
        for name, value in entries.items():
            if isinstance(value, Tensor):
                tensors[f"optimizer.{index}.{name}"] = value
            else:
                plain.setdefault(str(index), {})[name] = value
    groups = kept_groups(state.optimizer)
    _put(tensors, "optimizer_group", groups.tensors)
    tensors["loss_sum"] = state.loss_sum
    tensors["generator"] = torch.get_rng_state()
    of_device = None if state.backend is None else state.backend.random_state()
    if of_device is not None:
        tensors["device_generator"] = of_device
    about = {
        "identity": dict(state.identity),
        "step": state.step,
        "steps_since_evaluation": state.steps_since_evaluation,
        "seconds": state.seconds,
        "measured": state.measured,
        "optimizer": plain,
        "optimizer_groups": groups.plain,
        "optimizer_groups_left_out": groups.left_out,
        "threads": torch.get_num_threads(),
    }
    write_tensors(path, tensors, about)


def recorded_threads(path: Path, identity: Mapping[str, Any]) -> int | None:
    """The number of threads that the run of a checkpoint was trained with.

    None where the file does not tell (it is of an older lsn), is damaged, or is of another ``identity``, of which
    only a part need be known.
    """
    try:
        _, about = read_tensors(path)
    except UnusableCheckpointError:
        return None
    told = about.get("identity")
    if not isinstance(told, dict) or any(told.get(name) != value for name, value in identity.items()):
        return None
    return _threads(about)


def _threads(about: Mapping[str, Any]) -> int | None:
    threads = about.get("threads")
    return threads if isinstance(threads, int) and threads > 0 else None


def load_checkpoint(path: Path, state: TrainingState) -> Loaded:
    """Fill ``state`` from ``path``; returns what else the file tells.

    Raises :class:`UnusableCheckpointError`, with ``state`` as it was, where the file is of no use.
    """
    tensors, about = read_tensors(path)
    if about.get("identity") != dict(state.identity):
        raise UnusableCheckpointError("made for another run, data set or precision")
    try:
        _restore(state, tensors, about)
    except (LookupError, AttributeError, RuntimeError, ValueError, TypeError) as error:
        raise UnusableCheckpointError(f"does not fit the run ({error})") from None
    left_out = about.get("optimizer_groups_left_out")
    return Loaded(_threads(about), tuple(map(str, left_out)) if isinstance(left_out, list) else ())


def _restore(state: TrainingState, tensors: Mapping[str, Tensor], about: Mapping[str, Any]) -> None:
    """Everything is looked at before the first thing is changed: a half-filled state would train on unseen."""
    model, loss = _under(tensors, "model."), _under(tensors, "loss.")
    _check_fit("model", state.module, model)
    if state.loss is not None:
        _check_fit("loss", state.loss, loss)
    entries = _optimizer_entries(state.optimizer, tensors, about["optimizer"])
    groups = state.optimizer.state_dict()["param_groups"]
    # An older lsn has kept none.
    if "optimizer_groups" in about:
        kept = _under(tensors, "optimizer_group.")
        groups = restored_groups(state.optimizer, about["optimizer_groups"], kept)
    loss_sum, generator = tensors["loss_sum"].reshape(()), tensors["generator"]
    step, since, seconds = int(about["step"]), int(about["steps_since_evaluation"]), float(about["seconds"])
    measured = [(int(at), {str(k): float(v) for k, v in values.items()}) for at, values in about["measured"]]
    _restore_generators(state.backend, generator, tensors.get("device_generator"))
    state.optimizer.load_state_dict({**state.optimizer.state_dict(), "state": entries, "param_groups": groups})
    state.module.load_state_dict(model)
    if state.loss is not None:
        state.loss.load_state_dict(loss)
    state.loss_sum.copy_(loss_sum)
    state.step, state.steps_since_evaluation, state.seconds = step, since, seconds
    state.measured = measured


def _restore_generators(backend: Backend | None, generator: Tensor, of_device: Tensor | None) -> None:
    """Both, or none where one does not fit; an older lsn has not kept the device's, which then stays as it is."""
    before = torch.get_rng_state()
    torch.set_rng_state(generator)
    if backend is None or of_device is None:
        return
    try:
        backend.restore_random_state(of_device)
    except Exception:
        torch.set_rng_state(before)
        raise


def _check_fit(what: str, module: nn.Module, values: Mapping[str, Tensor]) -> None:
    expected = {name: (value.shape, value.dtype) for name, value in module.state_dict().items()}
    if {name: (value.shape, value.dtype) for name, value in values.items()} != expected:
        raise ValueError(f"other {what} parameters")


def _optimizer_entries(
    optimizer: optim.Optimizer, tensors: Mapping[str, Tensor], plain: Mapping[str, Mapping[str, Any]]
) -> dict[int, dict[str, Any]]:
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    entries: dict[int, dict[str, Any]] = {int(i): dict(e) for i, e in plain.items()}
    for name, value in _under(tensors, "optimizer.").items():
        index, _, entry = name.partition(".")
        like = parameters[int(index)]
        # Buffers take the layout of their parameter again, as they had it when they were made.
        fitted = torch.empty_like(like).copy_(value) if value.shape == like.shape else value
        entries.setdefault(int(index), {})[entry] = fitted
    return entries


def save_weights(path: Path, module: nn.Module, about: Mapping[str, Any]) -> tuple[str, int]:
    """Write the final weights; returns their SHA-256 and size in bytes."""
    tensors: dict[str, Tensor] = {}
    _put(tensors, "model", module.state_dict())
    return write_tensors(path, tensors, about)


def load_weights(path: Path, module: nn.Module) -> None:
    """Load the final weights of a run into a module of the same architecture.

    Raises :class:`UnusableCheckpointError`, with the module as it was, where the file is of no use.
    """
    weights = _under(read_tensors(path)[0], "model.")
    try:
        _check_fit("model", module, weights)
    except ValueError as error:
        raise UnusableCheckpointError(f"does not fit the architecture ({error})") from None
    module.load_state_dict(weights)


def _put(tensors: dict[str, Tensor], prefix: str, state: Mapping[str, Tensor]) -> None:
    tensors.update({f"{prefix}.{name}": value for name, value in state.items()})


def _under(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
