"""What is wrong with the words of a sweep, told before anything is put together: its axes, its cases' places."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from lsncli.errors import LsnError, UnknownNameError
from lsncli.recipe.component_sections import kind_at
from lsncli.recipe.homes import SEEDS_HINT, did_you_mean, homes_of
from lsncli.recipe.loading import LoadedRecipe
from lsncli.recipe.replaced_sections import Parameters, outermost_first, put
from lsncli.recipe.schema import SETTING_SECTIONS
from lsncli.recipe.unknown_keys import name_instead
from lsncli.toml_text import toml_text

#: Keys of a case that set nothing.
OWN_KEYS = ("label", "at", "sweep")


def check_cases(
    axes: Mapping[str, Any], cases: Sequence[Mapping[str, Any]], loaded: LoadedRecipe, parameters: Parameters
) -> None:
    """Raise :class:`LsnError` for an axis or a case that cannot be meant.

    Places and hints are looked for only when there is something to raise: it takes reading the whole text.
    """
    settings = loaded.recipe.model_dump(include=set(SETTING_SECTIONS))
    check = _Words(loaded, parameters, settings, axes, cases)
    check.axes(axes)
    for number, case in enumerate(cases):
        for key, value in case.items():
            if key not in OWN_KEYS:
                check.key(key, number)
                _check_table(key, value, partial(loaded.source.place, f"sweep.case.{key}", case=number))
        inner = case.get("sweep")
        if isinstance(inner, Mapping):
            check.axes(inner, number)
    varied = list(dict.fromkeys(_varied(axes, cases)))
    for number, case in enumerate(cases):
        _check_place(case.get("at", {}), varied, partial(loaded.source.place, "sweep.case.at", case=number))


@dataclass(frozen=True, slots=True)
class _Words:
    """The recipe whose axes and cases are checked; ``settings`` is what it says outside of its sweep."""

    loaded: LoadedRecipe
    parameters: Parameters
    settings: Mapping[str, Any]
    swept: Mapping[str, Any]
    cases: Sequence[Mapping[str, Any]]

    def axes(self, axes: Mapping[str, Any], case: int | None = None) -> None:
        """Refuse an axis of no section."""
        for key in axes:
            if key.split(".")[0] not in SETTING_SECTIONS:
                place = f"sweep.{key}" if case is None else f"sweep.case.sweep.{key}"
                raise unknown_axis(key, self.loaded.source.place(place, case=case), self._homes(key, case))

    def key(self, key: str, case: int) -> None:
        """Refuse a case's key that is neither of a section nor of the case itself."""
        if key.split(".")[0] not in SETTING_SECTIONS:
            where = self.loaded.source.place(f"sweep.case.{key}", case=case)
            error = UnknownNameError.of("key of a case", key, (*SETTING_SECTIONS, *OWN_KEYS), where=where)
            error.next = did_you_mean(self._homes(key, case)) or error.next
            raise error

    def _homes(self, key: str, case: int | None) -> list[str]:
        """Where the combinations, those of the case if it is one's, have a parameter of that name."""
        cases = self.cases if case is None else [self.cases[case]]
        possible = [
            self.settings,
            *(_with(self.settings, {k: v for k, v in c.items() if k not in OWN_KEYS}) for c in cases),
        ]
        for axis, values in self.swept.items():
            for value in values if isinstance(values, list) else ():
                possible += [_with(settings, {axis: value}) for settings in possible[: len(cases) + 1]]
        homes = (home for settings in possible for home in homes_of(key, settings, self.parameters))
        return list(dict.fromkeys(homes))


def _with(settings: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Nested ``settings`` with the dotted keys of ``changes``; a whole section before its parts."""
    result = dict(settings)
    for key in outermost_first(changes):
        put(result, key.split("."), changes[key])
    return result


def unknown_axis(key: str, where: str, homes: Sequence[str] = ()) -> UnknownNameError:
    """The error for an axis that is of no section; ``homes`` is where the recipe has a parameter of its name."""
    seeds = f"; {SEEDS_HINT}" if key in ("seed", "seeds") else ""
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


def _check_table(key: str, value: Any, place: Callable[[], str]) -> None:
    """A name in the place of a whole section, which an axis that goes into it would take for an empty table."""
    named = kind_at(key) is not None
    if isinstance(value, Mapping) or (key not in SETTING_SECTIONS and not named):
        return
    where = place()
    problem = {"input": value, "loc": ()}
    written = toml_text(key) if "." in key and not where.startswith("--set ") else key
    raise LsnError(
        f"{key}: a table is expected (given: {value!r})",
        where=where,
        next=name_instead(problem, written, ("name",) if named else (), where),
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


def _check_place(at: Any, varied: Sequence[str], place: Callable[[], str]) -> None:
    """A place by a key that nothing varies would be a row of its own, beside the one that was meant."""
    if not isinstance(at, Mapping) or any(isinstance(v, Mapping | list) for v in at.values()):
        raise LsnError(
            "a case's 'at' gives swept keys their values in the report",
            where=place(),
            valid='at = { "loss.alpha" = 0.0 }',
        )
    for key in at:
        if key not in varied:
            raise UnknownNameError.of("swept key in a case's 'at':", key, varied, where=place())
