"""Reads a recipe: finds the file, applies profile and overrides, validates, keeps the place for messages."""

from __future__ import annotations

import copy
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib import resources
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from lsncli.errors import LsnError, UnknownNameError
from lsncli.parameters import explain
from lsncli.recipe.location import AppliedProfile, line_of
from lsncli.recipe.replaced_sections import says_otherwise
from lsncli.recipe.schema import PROFILE_ORDER, SETTING_SECTIONS, Recipe
from lsncli.recipe.set_option import apply_setting, leaves
from lsncli.recipe.toml_text import UnreadableTomlError, read_toml
from lsncli.recipe.unknown_keys import keys_of, name_instead, unknown_key
from lsncli.toml_text import toml_text

DEFAULT_PROFILE = "paper"
#: Most that ``--seeds`` makes; as many runs as one recipe may have.
MAX_SEEDS = 20_000


@dataclass(frozen=True, slots=True)
class Source:
    """Where a recipe was read from: its display name, its text, and the folder that relative paths start from.

    ``given`` are the keys that the command line sets, ``profile`` is what it chose.
    """

    name: str
    text: str
    folder: Path
    given: tuple[str, ...] = ()
    profile: AppliedProfile | None = field(default=None, compare=False)

    def place(self, key: str = "", *, case: int | None = None) -> str:
        """``file:line, key 'a.b'`` for messages, or the ``--set`` that the key's value comes from.

        ``case`` counts the cases of the sweep from 0, where the key is one of a case.
        """
        swept = key.removeprefix("sweep.").removeprefix("case.") if key.startswith("sweep.") else None
        for given in self.given:
            if f"{key}.".startswith(f"{given}.") or swept == given:
                return f"--set {given}"
        if key and self.profile is not None:
            key = self.profile.key(key)
        line = line_of(self.text, key, case) if key else None
        return f"{self.name}{f':{line}' if line else ''}{f', key {key!r}' if key else ''}"


@dataclass(frozen=True, slots=True)
class Overrides:
    """What the command line changes about a recipe.

    settings: ``(key, value)`` of ``--set``. data: name → other name, of ``--data``. seeds: how many.
    only: ``(key, value)`` of ``--only``: keeps the variants with that coordinate. shared: whether several
    recipes are changed alike, so that one of them may be without a name that ``--data`` replaces.
    """

    profile: str | None = None
    settings: tuple[tuple[str, Any], ...] = ()
    data: Mapping[str, str] | None = None
    seeds: int | None = None
    only: tuple[tuple[str, Any], ...] = ()
    shared: bool = False


@dataclass(frozen=True, slots=True)
class LoadedRecipe:
    """A validated recipe under one profile, and where it came from."""

    recipe: Recipe
    source: Source
    profile: str
    overrides: Overrides

    def available_profiles(self) -> list[str]:
        """The profiles that the recipe knows, in the order in which a report looks for results."""
        return profile_names(self.recipe.profiles)


def profile_names(profiles: Mapping[str, Any]) -> list[str]:
    """``paper`` and the recipe's own profiles: paper, quick, smoke first, then the others by name."""
    names = {DEFAULT_PROFILE, *profiles}
    return [n for n in PROFILE_ORDER if n in names] + sorted(names - set(PROFILE_ORDER))


def shipped_recipes() -> dict[str, Any]:
    """The recipes that come with lsn, by name without ``.toml``."""
    inside = resources.files("lsncli") / "shipped_recipes"
    folder: Any = inside if inside.is_dir() else Path(__file__).resolve().parents[2] / "recipes"
    if not folder.is_dir():
        return {}
    return {f.name.removesuffix(".toml"): f for f in sorted(folder.iterdir(), key=str) if f.name.endswith(".toml")}


def read_source(name: str) -> Source:
    """The recipe called ``name``: a file, or else one that comes with lsn (``table7``, ``quickstart``)."""
    path = Path(name)
    if is_file(path):
        return Source(name, _read(path, name), path.resolve().parent)
    shipped = shipped_recipes()
    short = name.removesuffix(".toml").removeprefix("recipes/")
    if short in shipped:
        return Source(f"{short}.toml (shipped)", shipped[short].read_text(encoding="utf-8"), Path())
    if os.path.isdir(path):  # noqa: PTH112 - false, unlike Path's, for a name that no file can have
        raise LsnError(
            f"{name} is a folder, not a recipe", next=f"name its files: lsn run {name.rstrip('/')}/*.toml"
        )
    raise UnknownNameError.of("recipe", name, shipped, next="or give the path of a recipe file")


def is_file(path: Path) -> bool:
    """Whether there is a file; false, unlike Path's own answer, for a name that is too long for one."""
    return os.path.isfile(path)  # noqa: PTH113


def _read(path: Path, name: str) -> str:
    try:
        # With or without the mark that Windows' editors put first.
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise LsnError(
            f"{name} is not a recipe: not UTF-8 text (byte 0x{error.object[error.start]:02x}, {error.reason})",
            where=f"{name}, line {line}",
            next="save it as UTF-8",
        ) from None
    except OSError as error:
        raise LsnError(f"cannot read {name}: {error.strerror}", where=name) from None


def load(name: str, overrides: Overrides | None = None) -> LoadedRecipe:
    """Read and validate the recipe ``name`` with ``overrides``; raises :class:`LsnError` on any mistake.

    Collections and computed figures are no recipes in this sense: see :mod:`lsncli.recipe.documents`.
    """
    from lsncli.recipe.documents import Collection, document_of

    source = read_source(name)
    document = document_of(source)
    if isinstance(document, Collection):
        raise LsnError(
            f"{name} is a collection of recipes",
            where=source.name,
            next=f"one of them: {', '.join(document.include)}",
        )
    if document is not None:
        raise LsnError(
            f"{name} is computed and trains nothing",
            where=source.name,
            next=f"lsn report --figure {document.figure} draws it",
        )
    return parse(source, overrides)


def training_recipes() -> list[str]:
    """The names of the shipped recipes that train."""
    from lsncli.recipe.documents import document_of

    return [name for name in shipped_recipes() if document_of(read_source(name)) is None]


def parse(source: Source, overrides: Overrides | None = None) -> LoadedRecipe:
    """Validate the recipe text of ``source`` under a profile and overrides."""
    overrides = overrides or Overrides()
    try:
        raw = read_toml(source.text)
    except UnreadableTomlError as error:
        raise LsnError(f"not a valid TOML file: {error}", where=source.name) from None
    # The whole file must be right, the profiles that are not asked for included.
    base = _validated(raw, source)
    for name, changes in base.profiles.items():
        with_profile = _with_profile(raw, base, name)
        _validated(with_profile, source, f"profiles.{name}")
        _refuse_lost(with_profile, changes, source, name)
    profile = overrides.profile or DEFAULT_PROFILE
    if profile not in profile_names(base.profiles):
        raise UnknownNameError.of("profile", profile, profile_names(base.profiles), where=source.name)
    changed = _with_profile(raw, base, profile)
    applied = AppliedProfile(profile, base.profiles.get(profile, {}), raw)
    source = replace(source, given=tuple(key for key, _ in overrides.settings), profile=applied)
    for key, value in overrides.settings:
        apply_setting(changed, key, value)
        # The next one looks into it.
        _check_sweep(changed.get("sweep", {}), source)
    if overrides.seeds is not None:
        changed["seeds"] = _first_seeds(_validated(changed, source).seeds, overrides.seeds)
    return LoadedRecipe(_validated(changed, source), source, profile, overrides)


def _validated(raw: Mapping[str, Any], source: Source, inside: str = "") -> Recipe:
    try:
        recipe = Recipe.model_validate(raw)
    except ValidationError as error:
        # A misspelt key also makes the right one missing: the misspelling is the thing to tell.
        found = error.errors(include_url=False)
        first = next((e for e in found if e["type"] == "extra_forbidden"), found[0])
        key = ".".join(str(part) for part in first["loc"])
        if first["type"] == "extra_forbidden":
            raise unknown_key(raw, key, source.place(f"{inside}.{key}" if inside else key)) from None
        where = source.place(f"{inside}.{key}" if inside else key)
        raise LsnError(explain(error), where=where, next=name_instead(first, key, keys_of(key), where)) from None
    _check_sweep(recipe.sweep, source, inside)
    return recipe


def _check_sweep(sweep: Any, source: Source, inside: str = "") -> None:
    """Refuse a sweep that is no table, or whose cases are none."""
    key = f"{inside}.sweep" if inside else "sweep"
    if not isinstance(sweep, Mapping):
        raise LsnError(f"sweep: a table is expected (given: {sweep!r})", where=source.place(key))
    cases = sweep.get("case", [])
    if not isinstance(cases, list) or not all(isinstance(case, Mapping) for case in cases):
        raise LsnError("sweep.case must be tables: write [[sweep.case]]", where=source.place(f"{key}.case"))


def _with_profile(raw: Mapping[str, Any], base: Recipe, profile: str) -> dict[str, Any]:
    merged: dict[str, Any] = copy.deepcopy(dict(raw))
    return merge(merged, base.profiles.get(profile, {}))


def _refuse_lost(raw: Mapping[str, Any], profile: Mapping[str, Any], source: Source, name: str) -> None:
    """Refuse what a profile says of a key that an axis or a case says, too: they would have the last word.

    Cases and tables of axes that are the profile's own may say otherwise, as those of a file may.
    """
    axes, own = raw.get("sweep", {}), profile.get("sweep", {})
    others = {key: values for key, values in axes.items() if key not in own}
    cases = others.pop("case", [])
    for section in SETTING_SECTIONS:
        for key, value in leaves(section, profile.get(section, {})):
            if key in axes:
                raise LsnError(
                    f"the recipe sweeps {key!r}, so that what the profile says of it would be lost",
                    where=source.place(f"profiles.{name}.{key}"),
                    next=f"change the axis: {toml_text(key)} = [{toml_text(value)}] in [profiles.{name}.sweep]",
                )
            by_case = any(says_otherwise(case, key, value) for case in cases)
            if by_case or says_otherwise({"sweep": others}, key, value):
                instead = f"[[profiles.{name}.sweep.case]]" if by_case else f"[profiles.{name}.sweep]"
                raise LsnError(
                    f"{'a case' if by_case else 'an axis'} sets {key!r} to another value, so that what the profile"
                    " says of it would be lost there",
                    where=source.place(f"profiles.{name}.{key}"),
                    next=f"leave it out of one of the two, or write what the profile sweeps instead in {instead}",
                )


def merge(base: dict[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Lay ``changes`` over ``base``: tables merge key by key, everything else is replaced.

    A table that names another component replaces the old one: its parameters belonged to the old name.
    """
    result = dict(base)
    for key, value in changes.items():
        old = result.get(key)
        if isinstance(value, Mapping) and isinstance(old, Mapping):
            other = "name" in value and value["name"] != old.get("name", value["name"])
            result[key] = dict(value) if other and key != "data" else merge(dict(old), value)
        else:
            result[key] = copy.deepcopy(value)
    return result


def _first_seeds(seeds: Sequence[int], count: int) -> list[int]:
    """The first ``count`` of the recipe's seeds, continued by the smallest unused numbers."""
    if not 1 <= count <= MAX_SEEDS:
        problem = "at least one seed is needed" if count < 1 else "more seeds than can be planned"
        raise LsnError(f"--seeds {count}: {problem}", valid=f"1 to {MAX_SEEDS:,}")
    extra = (s for s in range(len(seeds) + count + max(seeds, default=0) + 1) if s not in seeds)
    return [*seeds[:count], *(next(extra) for _ in range(count - len(seeds)))]


def parse_setting(text: str) -> tuple[str, Any]:
    """``KEY=VALUE`` with VALUE in TOML's syntax; what is not TOML is taken as a string."""
    key, equals, value = text.partition("=")
    if not equals or not key.strip():
        raise LsnError(f"--set {text!r}: KEY=VALUE is expected", valid="for example --set train.steps=500")
    try:
        return key.strip(), read_toml(f"value = {value}")["value"]
    except UnreadableTomlError:
        return key.strip(), value.strip()


def setting_text(value: Any) -> str:
    """The VALUE that ``--set`` reads as ``value``; strings stay bare where they are not taken for TOML."""
    if isinstance(value, str) and parse_setting(f"key={value}")[1] == value:
        return value
    return toml_text(value)
