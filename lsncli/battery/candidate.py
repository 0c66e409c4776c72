"""What the battery is about: a loss, noise model or architecture, with the parameters that ``--set`` gives it."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from lsncli.battery.kinds import LOSS, Kind
from lsncli.errors import LsnError, UnknownNameError, close_names
from lsncli.parameters import NoParams, validate
from lsncli.recipe.schema import Recipe
from lsncli.registry import Registry
from lsncli.store.description import words

#: What the settings of all runs may change.
OF_ALL_RUNS = ("data", "noise", "model", "train", "distillation", "transition", "seeds")

Settings = tuple[tuple[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A registered component with given parameters; those that are not given are the setting's or its defaults.

    varied: the parameters by which it is told from the other candidates.
    """

    name: str
    params: Mapping[str, Any] = field(default_factory=dict)
    kind: Kind = LOSS
    varied: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """Its name in the tables: ``gce q=0.7``."""
        return words({"name": self.name, "params": self.params})

    @property
    def told(self) -> str:
        """What sets it apart from the other candidates: ``q=0.7``; empty where it is the only one."""
        return words({"name": "", "params": {name: self.params[name] for name in self.varied}}).strip()

    def section(self) -> dict[str, Any]:
        """A recipe's section of it."""
        return {"name": self.name, **self.params}

    def has(self, coordinates: Mapping[str, Any]) -> bool:
        """Whether runs at these coordinates of a part are its own: a loss has a row, the others a place."""
        if self.kind is LOSS:
            return coordinates.get("label") == self.label
        return all(coordinates.get(f"{self.kind.section}.{name}") == self.params[name] for name in self.varied)


def split_settings(
    settings: Iterable[tuple[str, Any]], kind: Kind, parameters: Collection[str]
) -> tuple[dict[str, Any], Settings]:
    """The candidate's parameters, and the settings that are for all runs. parameters: those that it has.

    Raises :class:`LsnError` for a key that no recipe has, and for what the battery decides itself: the teacher,
    say, and the candidate by name.
    """
    prefix = f"{kind.section}."
    own = [f"{prefix}{name}" for name in sorted(parameters)] or [f"{prefix}PARAMETER of the {kind.component}"]
    others_too = tuple(head for head in OF_ALL_RUNS if head != kind.section)
    valid = f"{', '.join(own)}, and keys of {', '.join(others_too)}"
    params: dict[str, Any] = {}
    others = []
    for key, value in settings:
        head = key.partition(".")[0]
        if head not in (*Recipe.model_fields, ""):
            meant = [f"{prefix}{head}"] if head in parameters else close_names(key, (*own, *others_too), 1)
            raise UnknownNameError(
                f"--set {key}: the battery has no such key",
                valid=valid,
                next=f"did you mean {meant[0]!r}?" if meant else None,
            )
        if head not in (kind.section, *others_too, "") or key in (kind.section, f"{prefix}name"):
            raise LsnError(
                f"--set {key}: the battery decides that itself",
                valid=valid,
                next="for a comparison of your own, write a recipe: lsn recipe copy quickstart mine.toml",
            )
        # Its noise's seed is a run's, and no parameter of the noise model.
        if key.startswith(prefix) and key != "noise.seed":
            params[key.removeprefix(prefix)] = value
        else:
            others.append((key, value))
    return params, tuple(others)


def candidates(
    name: str,
    params: Mapping[str, Any],
    components: Registry,
    *,
    kind: Kind = LOSS,
    given: Mapping[str, Any] | None = None,
    folder: Path | None = None,
) -> list[Candidate]:
    """The component with ``params``, or several: a list stands for its values, unless the parameter takes lists.

    given: what the setting says of the component beside. folder: where relative paths start. Raises
    :class:`LsnError` for a component that is not registered, and for wrong parameters.
    """
    info = components.get(kind.component, name, where="lsn battery")
    model = info.params or NoParams
    context = {"base_dir": folder or Path.cwd()}
    whole = {**(given or {}), **params}
    axes = {key: _values(model, whole, key, context) for key in params}
    varied = tuple(key for key, values in axes.items() if len(values) > 1)
    found = [
        Candidate(name, dict(zip(params, choice, strict=True)), kind, varied)
        for choice in itertools.product(*axes.values())
    ]
    for candidate in found:
        validate(
            model,
            {**whole, **candidate.params},
            where=lambda wrong: f"--set {kind.section}.{wrong or next(iter(params), 'PARAMETER')}",
            subject=f"{kind.component} {name!r}",
            context=context,
        )
    return found


def _values(model: Any, params: Mapping[str, Any], key: str, context: Any) -> Sequence[Any]:
    """The values that one parameter is tried with."""
    value = params[key]
    if not isinstance(value, list) or not value or takes(model, params, key, context):
        return [value]
    return value


def takes(model: Any, params: Mapping[str, Any], key: str, context: Any = None) -> bool:
    """Whether the parameter accepts its value as it is, whatever may be wrong with the others."""
    try:
        model.model_validate(dict(params), context=context)
    except ValidationError as error:
        return all(not item["loc"] or item["loc"][0] != key for item in error.errors(include_url=False))
    except Exception:  # noqa: BLE001 - a third party's validator, which is told of where the whole is validated
        return True
    return True
