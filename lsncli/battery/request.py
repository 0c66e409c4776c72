"""What is asked of the battery: a component, a setting, parts of it, and changes to all runs."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from lsncli.battery.candidate import Candidate, Settings, candidates, split_settings
from lsncli.battery.kinds import KINDS, LOSS, NOISE, Kind, kind_of
from lsncli.battery.parts import part_texts
from lsncli.battery.possible import MAIN_RATE, PARTS, Possible, possible, rates_of
from lsncli.battery.setting import DIGITS, DIGITS_BASE, IMAGES_BASE, Setting, replacing, split_tables
from lsncli.errors import LsnError, UnknownNameError
from lsncli.parameters import parameter_names
from lsncli.recipe.expansion import expand
from lsncli.recipe.loading import (
    DEFAULT_PROFILE,
    LoadedRecipe,
    Overrides,
    Source,
    load,
    parse,
    profile_names,
    setting_text,
)
from lsncli.recipe.resolve import believed
from lsncli.registry import Registry

_RATE_NAME = "rate"
_RATE = f"noise.{_RATE_NAME}"


@dataclass(frozen=True, slots=True)
class BatteryRequest:
    """A checked request.

    word: of ``--kind``, None where the name is enough. given: every ``--set`` as it was given. data: the data
    set in place of the base's own, None for that; overrides.data may replace it further. parts: those asked for,
    empty for all. overrides: what changes all runs. true_labels: tells of a data set whether they are known.
    """

    chosen: tuple[Candidate, ...]
    word: str | None
    given: Settings
    base: str | None
    setting: Setting
    parts: tuple[str, ...]
    overrides: Overrides
    components: Registry
    true_labels: Callable[[str], bool] = believed

    @classmethod
    def read(
        cls,
        name: str,
        overrides: Overrides,
        components: Registry,
        *,
        kind: str | None = None,
        data: Sequence[str] = (),
        base: str | None = None,
        parts: Sequence[str] = (),
        true_labels: Callable[[str], bool] = believed,
    ) -> BatteryRequest:
        """Check the request; raises :class:`LsnError` for the first mistake.

        kind: the word of ``--kind``. data: ``NAME`` or ``NAME=OTHER`` of ``--data``, at most one. parts: empty for
        all. true_labels: whether those of a data set's training examples are known.
        """
        for part in parts:
            if part not in PARTS:
                raise UnknownNameError.of("part of the battery", part, PARTS, where="--part")
        about = kind_of(name, kind, components)
        own = parameter_names(components.get(about.component, name).params)
        params, others = split_settings(split_tables(overrides.settings), about, own or ())
        named, replaced = _data(data)
        instead, others = replacing(others)
        setting = Setting(
            _base(base, named), named, {**instead, **({} if about is LOSS else {about.section: name})}
        )
        setting.check()
        for other in (kind for kind in KINDS if kind.section in instead):
            _check_other(other, others, setting, components)
        chosen, of_all = _chosen(about, name, params, setting, components)
        return cls(
            tuple(chosen),
            kind,
            overrides.settings,
            base,
            setting,
            tuple(part for part in PARTS if part in parts),
            replace(overrides, settings=(*of_all, *others), data=replaced, shared=True),
            components,
            true_labels,
        )

    @property
    def kind(self) -> Kind:
        """What the battery is about."""
        return self.chosen[0].kind

    def labels(self) -> set[str]:
        """The names of the candidates."""
        return {candidate.label for candidate in self.chosen}

    def profiles(self) -> list[str]:
        """The profiles of the setting, in the order in which a report looks for results."""
        return profile_names(load(self.setting.base).recipe.profiles)

    def possible(self, profile: str | None = None) -> Possible:
        """What can be compared under ``profile`` (else the one asked for), and what is left out."""
        profile = profile or self.overrides.profile or DEFAULT_PROFILE
        settings = dict(self.overrides.settings)
        noise = self.setting.section(NOISE.section, profile)
        noise |= {key.removeprefix("noise."): value for key, value in settings.items() if key.startswith("noise.")}
        data = str(settings.get("data.name", self.setting.section("data", profile).get("name")))
        data = (self.overrides.data or {}).get(data, data)
        return possible(
            self.kind,
            noise,
            data,
            self.components,
            parts=self.parts,
            rate_given=_RATE in settings,
            true_labels=self.true_labels(data),
        )

    def recipes(self, profile: str | None = None) -> dict[str, LoadedRecipe]:
        """The recipe of each part under ``profile`` (else the one asked for).

        A part without a run that ``--only`` keeps is left out. Raises :class:`LsnError` where no part is left, and
        for any other mistake.
        """
        can = self.possible(profile)
        overrides = replace(self.overrides, profile=profile or self.overrides.profile)
        found: dict[str, LoadedRecipe] = {}
        empty: LsnError | None = None
        for part, text in part_texts(self.setting, self.chosen, can).items():
            source = Source(f"the battery's {part} part, as {self.setting.base}", text, self.setting.folder)
            loaded = parse(source, overrides)
            expand(replace(loaded, overrides=replace(overrides, only=())), self.components)
            try:
                expand(loaded, self.components)
            except LsnError as error:
                empty = empty or error
                continue
            found[part] = loaded
        if not found and empty is not None:
            raise empty
        return found

    def command(self, profile: str, extra: Sequence[str] = ()) -> str:
        """The command that trains what is missing, as one would type it."""
        words = ["lsn", "battery", self.chosen[0].name]
        if self.word is not None:
            words += ["--kind", self.word]
        words += _options("--set", self.given)
        if self.base is not None:
            words += ["--base", self.base]
        if (data := self.setting.data) is not None:
            other = (self.overrides.data or {}).get(data)
            words += ["--data", data if other is None else f"{data}={other}"]
        words += [word for part in self.parts for word in ("--part", part)]
        if profile != "paper":
            words += ["--profile", profile]
        words += _options("--only", self.overrides.only)
        if self.overrides.seeds is not None:
            words += ["--seeds", str(self.overrides.seeds)]
        return shlex.join([*words, *extra])


def _base(base: str | None, data: str | None) -> str:
    """The recipe that data, architecture and training are taken from."""
    return base or (DIGITS_BASE if data in (None, DIGITS) else IMAGES_BASE)


def _check_other(kind: Kind, settings: Settings, setting: Setting, components: Registry) -> None:
    """Raise :class:`LsnError` for a component that all runs are to have and its parameters, where it was named."""
    name, prefix = setting.replaced[kind.section], f"{kind.section}."
    components.find(kind.component, name, where=f"--set {prefix}name")
    own = {key.removeprefix(prefix): value for key, value in settings if key.startswith(prefix)}
    own.pop("seed", None)
    _chosen(kind, name, own, setting, components)


def _chosen(
    kind: Kind, name: str, params: dict[str, Any], setting: Setting, components: Registry
) -> tuple[list[Candidate], Settings]:
    """The candidates, and those settings of theirs that hold for all runs: a loss's are for its own alone."""
    if kind is LOSS:
        return candidates(name, params, components, folder=setting.folder), ()
    given = {k: v for k, v in setting.section(kind.section).items() if k not in ("name", "seed")}
    own = dict(params)
    if kind is NOISE and (_RATE_NAME in own or rates_of({"name": name, **given, **own}, components) is not None):
        # Its rates are swept, and no part of its name; any will do to see whether the rest is right.
        rate = own.pop(_RATE_NAME, MAIN_RATE)
        given[_RATE_NAME] = rate[0] if isinstance(rate, list) and rate else rate
    chosen = candidates(name, own, components, kind=kind, given=given, folder=setting.folder)
    one = chosen[0]
    return chosen, tuple(
        (f"{kind.section}.{key}", value if key in one.varied else one.params.get(key, value))
        for key, value in params.items()
    )


def _options(option: str, settings: Sequence[tuple[str, Any]]) -> list[str]:
    return [word for key, value in settings for word in (option, f"{key}={setting_text(value)}")]


def _data(words: Sequence[str]) -> tuple[str | None, dict[str, str] | None]:
    """The data set whose setting is taken, and what replaces it."""
    if len(words) > 1:
        raise LsnError(
            f"--data is given {len(words)} times", next="run the battery once for each; they share one database"
        )
    if not words:
        return None, None
    name, equals, other = (part.strip() for part in words[0].partition("="))
    if not name or (equals and not other):
        raise LsnError(f"--data {words[0]!r}: NAME or NAME=OTHER is expected", valid="cifar100, cifar10=my-images")
    return name, {name: other} if equals and other != name else None
