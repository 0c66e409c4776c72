"""What is wrong with the words of a sweep, told before anything is put together: its axes, its cases' places."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from lsncli.components import KIND_OF_SECTION
from lsncli.errors import LsnError, UnknownNameError
from lsncli.recipe.homes import did_you_mean, homes_of
from lsncli.recipe.loading import LoadedRecipe, name_instead
from lsncli.recipe.replaced_sections import Parameters
from lsncli.recipe.schema import SETTING_SECTIONS
from lsncli.toml_text import toml_text

#: Keys of a case that set nothing.
OWN_KEYS = ("label", "at", "sweep")


def check_cases(
    axes: Mapping[str, Any], cases: Sequence[Mapping[str, Any]], loaded: LoadedRecipe, parameters: Parameters
) -> None:
    """Raise :class:`LsnError` for an axis or a case that cannot be meant."""
    settings = loaded.recipe.model_dump(include=set(SETTING_SECTIONS))
    _check_axes(axes, [settings, *({**settings, **case} for case in cases)], loaded, parameters)
    varied = list(dict.fromkeys(_varied(axes, cases)))
    for number, case in enumerate(cases):
        for key, value in case.items():
            if key not in OWN_KEYS:
                _check_table(key, value, loaded.source.place(f"sweep.case.{key}", case=number))
        inner = case.get("sweep")
        if isinstance(inner, Mapping):
            _check_axes(inner, [{**settings, **case}], loaded, parameters, case=number)
        _check_place(case.get("at", {}), varied, loaded.source.place("sweep.case.at", case=number))


def _check_axes(
    axes: Mapping[str, Any],
    settings: Sequence[Mapping[str, Any]],
    loaded: LoadedRecipe,
    parameters: Parameters,
    *,
    case: int | None = None,
) -> None:
    """Refuse an axis of no section; ``settings`` are those that it would change, of each case."""
    for key in axes:
        if key.split(".")[0] not in SETTING_SECTIONS:
            # A seed is no setting: a noise's own is not what is meant by one.
            looked = [] if key in ("seed", "seeds") else settings
            homes = [home for one in looked for home in homes_of(key.split(".")[-1], one, parameters)]
            place = f"sweep.{key}" if case is None else f"sweep.case.sweep.{key}"
            raise unknown_axis(key, loaded.source.place(place, case=case), list(dict.fromkeys(homes)))


def unknown_axis(key: str, where: str, homes: Sequence[str] = ()) -> UnknownNameError:
    """The error for an axis that is of no section; ``homes`` is where the recipe has a parameter of its name."""
    seeds = "; seeds are given by seeds = […]" if key in ("seed", "seeds") else ""
    error = UnknownNameError.of(
        "swept key",
        key,
        SETTING_SECTIONS,
        where=where,
        next=f"dotted keys of these sections{seeds}",
    )
    error.next = did_you_mean(homes) or error.next
    return error


def axis_text(key: str, values: Any) -> str:
    """How the axis ``key`` is written; TOML takes a dotted key without quotes for a table in a table."""
    while isinstance(values, Mapping) and values:
        part, values = next(iter(values.items()))
        key = f"{key}.{part}"
    return (
        f"{toml_text(key)} = {toml_text(values) if values and isinstance(values, list) else '[first, second, …]'}"
    )


def _check_table(key: str, value: Any, where: str) -> None:
    """A name in the place of a whole section, which an axis that goes into it would take for an empty table."""
    last = key.split(".")[-1]
    if isinstance(value, Mapping) or (key not in SETTING_SECTIONS and last not in KIND_OF_SECTION):
        return
    problem = {"input": value, "loc": ()}
    written = toml_text(key) if "." in key and not where.startswith("--set ") else key
    raise LsnError(
        f"{key}: a table is expected (given: {value!r})",
        where=where,
        next=name_instead(problem, written, ("name",) if last in KIND_OF_SECTION else (), where),
    )


def _varied(axes: Mapping[str, Any], cases: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """The keys by which combinations differ: the axes, and what the cases sweep or say each for itself."""
    yield from axes
    for case in cases:
        inner = case.get("sweep")
        yield from inner if isinstance(inner, Mapping) else ()
    for case in cases:
        for key, value in case.items():
            yield from () if key in OWN_KEYS else _with_inner(key, value)


def _with_inner(key: str, value: Any) -> Iterator[str]:
    if not isinstance(value, Mapping):
        yield key
        return
    for part, inner in value.items():
        yield from _with_inner(f"{key}.{part}", inner)


def _check_place(at: Any, varied: Sequence[str], where: str) -> None:
    """A place by a key that nothing varies would be a row of its own, beside the one that was meant."""
    if not isinstance(at, Mapping) or any(isinstance(v, Mapping | list) for v in at.values()):
        raise LsnError(
            "a case's 'at' gives swept keys their values in the report",
            where=where,
            valid='at = { "loss.alpha" = 0.0 }',
        )
    for key in at:
        if key not in varied:
            raise UnknownNameError.of("swept key in a case's 'at':", key, varied, where=where)
