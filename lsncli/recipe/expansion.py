"""Expands a recipe's sweep into variants: the product of its axes, and the cases as one more axis."""

from __future__ import annotations

import copy
import itertools
import json
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from lsncli.errors import LsnError, NoRunLeftError
from lsncli.recipe.homes import parameters_of
from lsncli.recipe.loading import LoadedRecipe, setting_text
from lsncli.recipe.replaced_sections import Parameters, accepted, contradicts, lay_over, outermost_first
from lsncli.recipe.schema import SETTING_SECTIONS
from lsncli.recipe.sweep_checks import axis_text, check_cases, unknown_axis
from lsncli.recipe.toml_text import MAX_DEPTH
from lsncli.registry import Registry
from lsncli.toml_text import toml_text

#: Most combinations of one sweep, and most runs of one recipe (combinations times seeds): the paper needs 500.
#: More would take minutes to plan, and a slip of the keyboard that asks for a milliard would take the memory.
MAX_VARIANTS = 20_000


@dataclass(frozen=True, slots=True)
class Variant:
    """One combination of the sweep, before seeds.

    settings: the sections of the recipe with the combination's values. coordinates: swept key → value, in
    the order of the sweep; the place of the variant in a report. ``label`` is one of them where cases have
    labels.
    """

    settings: dict[str, Any]
    coordinates: dict[str, Any] = field(default_factory=dict)


def expand(loaded: LoadedRecipe, components: Registry | None = None) -> list[Variant]:
    """All variants of the recipe, in the order of the file; the ``--only`` filters applied.

    Raises :class:`LsnError` for a sweep that cannot be expanded, and for a ``--set`` that changes none of it.
    """
    recipe = loaded.recipe
    base = recipe.model_dump(include=set(SETTING_SECTIONS), exclude_unset=True)
    axes = {key: values for key, values in recipe.sweep.items() if key != "case"}
    cases = recipe.sweep.get("case", [])
    parameters = parameters_of(components)
    check_cases(axes, cases, loaded, parameters)
    _check_size(axes, cases, loaded)
    variants: list[Variant] = []
    for choice in _product(axes, loaded, "sweep"):
        for case in cases or [{}]:
            variants += _case(base, choice, case, loaded, parameters)
    _refuse_lost_settings(variants, loaded, parameters)
    _refuse_lost_axes(variants, axes, cases, loaded, parameters)
    return _only(_with_values(variants), loaded)


def _refuse_lost_settings(variants: list[Variant], loaded: LoadedRecipe, parameters: Parameters) -> None:
    """A ``--set`` that changes no run would let the report speak of a change that was not made."""
    for key, _ in loaded.overrides.settings:
        if key.split(".")[0] in SETTING_SECTIONS and all(value_at(v.settings, key) is None for v in variants):
            raise LsnError(
                f"--set {key}: no run of the recipe has such a parameter",
                where=loaded.source.name,
                valid=sorted({name for v in variants for name in accepted(v.settings, key, parameters)}) or None,
            )


def _refuse_lost_axes(
    variants: list[Variant],
    axes: Mapping[str, Any],
    cases: list[Any],
    loaded: LoadedRecipe,
    parameters: Parameters,
) -> None:
    """An axis that no run has would show the same runs under each of its values."""
    for key in axes:
        placed = bool(cases) and all(key in case.get("at", {}) for case in cases)
        if not placed and all(value_at(v.settings, key) is None for v in variants):
            raise LsnError(
                f"the axis {key!r} of the sweep: no run of the recipe has such a parameter",
                where=loaded.source.place(f"sweep.{key}"),
                valid=sorted({name for v in variants for name in accepted(v.settings, key, parameters)}) or None,
            )


def _check_size(axes: Mapping[str, Any], cases: list[Any], loaded: LoadedRecipe) -> None:
    """Refuse what is too much to plan, before anything is put together."""

    def combinations(swept: Any) -> int:
        return math.prod(len(v) for v in swept.values() if isinstance(v, list)) if isinstance(swept, Mapping) else 1

    variants = combinations(axes) * sum(combinations(case.get("sweep")) for case in cases or [{}])
    for count, what, key in (
        (variants, "combinations", "sweep"),
        (variants * len(loaded.recipe.seeds), "runs, one for each combination and seed", "seeds"),
    ):
        if count > MAX_VARIANTS:
            raise LsnError(
                f"the recipe has {count:,} {what}, more than can be planned"
                if count < 10**18
                else "the recipe has more combinations than can be counted",
                where=loaded.source.place(key),
                valid=f"at most {MAX_VARIANTS:,}",
                next="make several recipes of it",
            )


def _case(
    base: Mapping[str, Any],
    choice: Mapping[str, Any],
    case: Mapping[str, Any],
    loaded: LoadedRecipe,
    parameters: Parameters,
) -> Iterator[Variant]:
    settings = copy.deepcopy(dict(base))
    for key in outermost_first(choice):
        assign(settings, key, choice[key], loaded)
    coordinates = dict(choice)
    placed: dict[str, Any] = {}
    inner: Any = {}
    own: dict[str, Any] = {}
    # TOML has a case's tables, [sweep.case.loss], after all of its dotted keys.
    for key in outermost_first(case):
        value = case[key]
        if key == "label":
            coordinates["label"] = str(value)
        elif key == "at":
            # α = 0 of a table is a run without the α.
            placed = dict(value)
            coordinates.update(placed)
        elif key == "sweep":
            inner = value
        else:
            own[key] = value
            assign(settings, key, value, loaded)
    if not isinstance(inner, Mapping):
        raise LsnError("a case's sweep must be a table", where=loaded.source.place("sweep.case"))
    for more in _product(inner, loaded, "sweep.case"):
        variant = copy.deepcopy(settings)
        for key in outermost_first(more):
            assign(variant, key, more[key], loaded)
        # What a table replaced has its say in the table: the case's own keys, and then the sweep's.
        for said, replaced in ((own, {*more}), (choice, {*case, *more})):
            silent = [(key, value) for key, value in said.items() if value_at(variant, key) is None]
            lay_over(variant, silent, replaced, parameters)
        for key in choice:
            if key not in placed and key not in more and contradicts(choice[key], value_at(variant, key)):
                raise _contradiction(key, choice[key], value_at(variant, key), loaded)
        lay_over(variant, loaded.overrides.settings, {*choice, *case, *more}, parameters)
        yield Variant(variant, {**coordinates, **more})


def _contradiction(key: str, said: Any, actual: Any, loaded: LoadedRecipe) -> LsnError:
    return LsnError(
        f"a case sets {key} = {toml_text(actual)}, where the sweep's own axis says {toml_text(said)}: its results"
        " would stand in a wrong place",
        where=loaded.source.place(f"sweep.{key}"),
        next="leave it out of the case, or sweep it in the cases",
    )


def _product(axes: Mapping[str, Any], loaded: LoadedRecipe, section: str) -> Iterator[dict[str, Any]]:
    for key, values in axes.items():
        if not isinstance(values, list) or not values:
            raise LsnError(
                f"the axis {key!r} of the sweep needs a list of values",
                where=loaded.source.place(f"{section}.{key}"),
                valid=axis_text(key, values),
            )
        seen = [json.dumps(v, sort_keys=True, default=str) for v in values]
        if len(set(seen)) != len(seen):
            raise LsnError(
                f"the axis {key!r} of the sweep has a value twice",
                where=loaded.source.place(f"{section}.{key}"),
            )
    for combination in itertools.product(*axes.values()):
        yield dict(zip(axes, combination, strict=True))


def assign(settings: dict[str, Any], dotted: str, value: Any, loaded: LoadedRecipe) -> None:
    """Set ``dotted`` in nested ``settings``; a table given for a whole section replaces the section."""
    head, *rest = dotted.split(".")
    if head not in SETTING_SECTIONS or len(rest) > MAX_DEPTH:
        raise unknown_axis(dotted, loaded.source.place(f"sweep.{dotted}"))
    at = settings
    for part in (head, *rest)[:-1]:
        inner = at.get(part)
        at[part] = dict(inner) if isinstance(inner, Mapping) else {}
        at = at[part]
    at[(head, *rest)[-1]] = copy.deepcopy(dict(value) if isinstance(value, Mapping) else value)


def value_at(settings: Mapping[str, Any], dotted: str) -> Any:
    """The value at ``dotted`` in nested ``settings``, or None."""
    at: Any = settings
    for part in dotted.split("."):
        if not isinstance(at, Mapping) or part not in at:
            return None
        at = at[part]
    return at


def _with_values(variants: list[Variant]) -> list[Variant]:
    """Give every variant a value for every coordinate that any variant has.

    A case may set ``loss.alpha`` outright where another sweeps it; both belong in the same column.
    """
    keys = list(dict.fromkeys(key for variant in variants for key in variant.coordinates))
    return [
        Variant(
            variant.settings,
            {key: variant.coordinates.get(key, value_at(variant.settings, key)) for key in keys},
        )
        for variant in variants
    ]


def _only(variants: list[Variant], loaded: LoadedRecipe) -> list[Variant]:
    for key, values in _wanted(loaded.overrides.only).items():
        kept = [v for v in variants if any(_is_one(name, values, key) for name in _names(v, key, loaded))]
        if not kept and all(_coordinate(v, key) is None for v in variants):
            swept = dict.fromkeys(name for v in variants for name in v.coordinates)
            raise NoRunLeftError.of(
                "key of --only",
                key,
                swept,
                where=loaded.source.name,
                next=None if swept else "the recipe sweeps nothing: leave --only out",
            )
        if not kept:
            there = dict.fromkeys(
                setting_text(value) for v in variants if (value := _coordinate(v, key)) is not None
            )
            asked = [value for name, value in loaded.overrides.only if name == key]
            raise NoRunLeftError(
                f"--only {key}={' or '.join(map(setting_text, asked))}: no run of the recipe is left",
                where=loaded.source.name,
                valid=there,
            )
        variants = kept
    return variants


def _wanted(only: Iterable[tuple[str, Any]]) -> dict[str, list[Any]]:
    """The values that are kept of each key: ``--only label=LS --only label=FC`` keeps both labels.

    A list stands for its values, and for itself where the values are lists.
    """
    wanted: dict[str, list[Any]] = {}
    for key, value in only:
        wanted.setdefault(key, []).extend([*value, value] if isinstance(value, list) else [value])
    return wanted


def _is_one(name: Any, values: list[Any], key: str) -> bool:
    """Labels are compared as text: what ``--only label=1`` reads as a number is a label all the same."""
    if key == "label":
        return name is not None and str(name) in {v if isinstance(v, str) else toml_text(v) for v in values}
    return name in values


def _names(variant: Variant, key: str, loaded: LoadedRecipe) -> list[Any]:
    """What ``--only`` may call a variant's value: a replaced data set goes by both of its names."""
    value = _coordinate(variant, key)
    other = (loaded.overrides.data or {}).get(value) if key == "data.name" and isinstance(value, str) else None
    return [value] if other is None else [value, other]


def _coordinate(variant: Variant, key: str) -> Any:
    return variant.coordinates[key] if key in variant.coordinates else value_at(variant.settings, key)
