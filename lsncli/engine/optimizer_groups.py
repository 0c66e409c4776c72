"""What an optimiser keeps in its parameter groups, for checkpoints.

torch's own keep what they count beside each parameter, and in the groups only their options. Others count in the
groups (schedule-free SGD, Prodigy, D-Adaptation), and would begin to count anew.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, optim

#: The parameters themselves, and the rate, which the schedule sets before every step.
_NOT_KEPT = ("params", "lr")


@dataclass(slots=True)
class KeptGroups:
    """The entries of all groups, for a file of tensors and plain data.

    plain: those of each group, as JSON takes them. tensors: by ``GROUP.NAME``. left_out: names of what is neither.
    """

    plain: list[dict[str, Any]] = field(default_factory=list)
    tensors: dict[str, Tensor] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)


def kept_groups(optimizer: optim.Optimizer) -> KeptGroups:
    """What of the groups of ``optimizer`` goes into a checkpoint."""
    kept = KeptGroups()
    left_out: set[str] = set()
    for index, group in enumerate(optimizer.param_groups):
        plain: dict[str, Any] = {}
        for name, value in group.items():
            if name in _NOT_KEPT:
                continue
            if isinstance(value, Tensor) and value.layout == torch.strided and not value.is_complex():
                kept.tensors[f"{index}.{name}"] = value
                continue
            try:
                plain[name] = _packed(value)
            except TypeError:
                left_out.add(name)
        kept.plain.append(plain)
    kept.left_out = sorted(left_out)
    return kept


def restored_groups(
    optimizer: optim.Optimizer, plain: Sequence[Mapping[str, Any]], tensors: Mapping[str, Tensor]
) -> list[dict[str, Any]]:
    """The groups of ``optimizer``, as its ``state_dict`` has them, with what was kept of them.

    What was not kept is as in ``optimizer``, which stays as it is. Raises ValueError or LookupError where there are
    other groups.
    """
    groups: list[dict[str, Any]] = optimizer.state_dict()["param_groups"]
    if len(plain) != len(groups):
        raise ValueError(f"{len(plain)} groups of the optimiser's parameters, not {len(groups)}")
    for group, kept in zip(groups, plain, strict=True):
        group.update({name: _unpacked(value) for name, value in kept.items() if name not in _NOT_KEPT})
    for place, value in tensors.items():
        index, _, name = place.partition(".")
        if name not in _NOT_KEPT:
            group = groups[int(index)]
            group[name] = value.to(_device(group.get(name), optimizer.param_groups[int(index)]["params"]))
    return groups


def _device(before: object, parameters: Sequence[Tensor]) -> torch.device:
    """Where a tensor was: as the optimiser has it at its start, or else with its parameters."""
    return (before if isinstance(before, Tensor) else parameters[0]).device


def _packed(value: object) -> object:
    """``value`` as JSON has it, tuples apart from lists; TypeError for what is not plain."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, list):
        return [_packed(entry) for entry in value]
    if isinstance(value, tuple):
        return {"tuple": [_packed(entry) for entry in value]}
    raise TypeError(type(value))


def _unpacked(value: Any) -> Any:
    if isinstance(value, list):
        return [_unpacked(entry) for entry in value]
    if isinstance(value, dict):
        return tuple(_unpacked(entry) for entry in value["tuple"])
    return value
