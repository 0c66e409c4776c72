"""The loss that the battery is about, with the parameters that ``--set loss.…`` gives it."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from lsncli.errors import LsnError, UnknownNameError, close_names
from lsncli.parameters import NoParams, accepted_names, validate
from lsncli.recipe.schema import Recipe
from lsncli.registry import Registry
from lsncli.store.description import words

BASELINE = "standard"
_PREFIX = "loss."
#: What the settings of all runs may change.
_OF_ALL_RUNS = ("data", "noise", "model", "train", "distillation", "transition", "seeds")

Settings = tuple[tuple[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A registered loss with given parameters; those that are not given have the loss's defaults."""

    name: str
    params: Mapping[str, Any] = field(default_factory=dict)

    @property
    def label(self) -> str:
        """Its name in the tables: ``gce q=0.7``."""
        return words({"name": self.name, "params": self.params})

    def section(self) -> dict[str, Any]:
        """A recipe's ``[loss]``."""
        return {"name": self.name, **self.params}


def split_settings(
    settings: Iterable[tuple[str, Any]], parameters: Collection[str]
) -> tuple[dict[str, Any], Settings]:
    """The candidate's parameters, and the settings that are for all runs. parameters: those that its loss has.

    Raises :class:`LsnError` for a key that no recipe has, and for what the battery decides itself: the teacher,
    say, and the loss by name.
    """
    own = [f"{_PREFIX}{name}" for name in sorted(parameters)] or [f"{_PREFIX}PARAMETER of the loss"]
    valid = f"{', '.join(own)}, and keys of {', '.join(_OF_ALL_RUNS)}"
    params: dict[str, Any] = {}
    others = []
    for key, value in settings:
        head = key.partition(".")[0]
        if head not in (*Recipe.model_fields, ""):
            meant = [f"{_PREFIX}{head}"] if head in parameters else close_names(key, (*own, *_OF_ALL_RUNS), 1)
            raise UnknownNameError(
                f"--set {key}: the battery has no such key",
                valid=valid,
                next=f"did you mean {meant[0]!r}?" if meant else None,
            )
        if head not in ("loss", *_OF_ALL_RUNS, "") or key in ("loss", "loss.name"):
            raise LsnError(
                f"--set {key}: the battery decides that itself",
                valid=valid,
                next="for a comparison of your own, write a recipe: lsn recipe copy quickstart mine.toml",
            )
        if key.startswith(_PREFIX):
            params[key.removeprefix(_PREFIX)] = value
        else:
            others.append((key, value))
    return params, tuple(others)


def candidates(name: str, params: Mapping[str, Any], components: Registry) -> list[Candidate]:
    """The loss with ``params``, or several of it: a list stands for its values, unless the parameter takes lists.

    Raises :class:`LsnError` for a loss that is not registered, for the baseline, and for wrong parameters.
    """
    info = components.get("loss", name, where="lsn battery")
    if info.name == BASELINE:
        raise LsnError(
            f"{BASELINE!r} is what the battery compares with",
            valid=[known for known in components.names("loss") if known != BASELINE],
        )
    model = info.params or NoParams
    axes = [_values(model, params, key) for key in params]
    found = [Candidate(name, dict(zip(params, choice, strict=True))) for choice in itertools.product(*axes)]
    for candidate in found:
        unknown = next((key for key in candidate.params if key not in accepted_names(model)), "")
        where = f"--set loss.{unknown or next(iter(params), 'PARAMETER')}"
        validate(model, dict(candidate.params), where=where, subject=f"loss {name!r}")
    return found


def _values(model: Any, params: Mapping[str, Any], key: str) -> Sequence[Any]:
    """The values that one parameter is tried with."""
    value = params[key]
    if not isinstance(value, list) or not value or _takes(model, params, key):
        return [value]
    return value


def _takes(model: Any, params: Mapping[str, Any], key: str) -> bool:
    """Whether the parameter accepts the list as it is, whatever may be wrong with the others."""
    try:
        model.model_validate(dict(params))
    except ValidationError as error:
        return all(not item["loc"] or item["loc"][0] != key for item in error.errors(include_url=False))
    return True
