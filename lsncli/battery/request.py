"""What is asked of the battery: a loss, a setting, parts of it, and changes to all runs."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from lsncli.battery.candidate import Candidate, Settings, candidates, split_settings
from lsncli.battery.parts import DIGITS, DIGITS_BASE, IMAGES_BASE, PARTS, part_texts
from lsncli.errors import LsnError, UnknownNameError
from lsncli.parameters import parameter_names
from lsncli.recipe.expansion import expand
from lsncli.recipe.loading import LoadedRecipe, Overrides, Source, load, parse, profile_names, setting_text
from lsncli.registry import Registry


@dataclass(frozen=True, slots=True)
class BatteryRequest:
    """A checked request.

    given: every ``--set`` as it was given. base: the recipe with the setting. data: the data set in place of the
    base's own, None for that; overrides.data may replace it further. overrides: what changes all runs.
    """

    chosen: tuple[Candidate, ...]
    given: Settings
    base: str | None
    data: str | None
    parts: tuple[str, ...]
    overrides: Overrides

    @classmethod
    def read(
        cls,
        loss: str,
        overrides: Overrides,
        components: Registry,
        *,
        data: Sequence[str] = (),
        base: str | None = None,
        parts: Sequence[str] = (),
    ) -> BatteryRequest:
        """Check the request; raises :class:`LsnError` for the first mistake.

        data: ``NAME`` or ``NAME=OTHER`` of ``--data``, at most one. parts: empty for all.
        """
        for part in parts:
            if part not in PARTS:
                raise UnknownNameError.of("part of the battery", part, PARTS, where="--part")
        own = parameter_names(components.get("loss", loss, where="lsn battery").params)
        params, others = split_settings(overrides.settings, own or ())
        name, replaced = _data(data)
        return cls(
            tuple(candidates(loss, params, components)),
            overrides.settings,
            base,
            name,
            tuple(part for part in PARTS if part in parts) if parts else PARTS,
            replace(overrides, settings=others, data=replaced, shared=True),
        )

    @property
    def setting(self) -> str:
        """The recipe that data, architecture and training are taken from."""
        return self.base or (DIGITS_BASE if self.data in (None, DIGITS) else IMAGES_BASE)

    def labels(self) -> set[str]:
        """The rows of the candidates."""
        return {candidate.label for candidate in self.chosen}

    def profiles(self) -> list[str]:
        """The profiles of the setting, in the order in which a report looks for results."""
        return profile_names(load(self.setting).recipe.profiles)

    def recipes(self, profile: str | None = None) -> dict[str, LoadedRecipe]:
        """The recipe of each part under ``profile`` (else the one asked for).

        A part without a run that ``--only`` keeps is left out. Raises :class:`LsnError` where no part is left, and
        for any other mistake.
        """
        load(self.setting)  # says what is wrong with a recipe of the user's own
        overrides = replace(self.overrides, profile=profile or self.overrides.profile)
        found: dict[str, LoadedRecipe] = {}
        empty: LsnError | None = None
        for part, text in part_texts(self.setting, self.data, self.chosen, self.parts).items():
            source = Source(f"the battery's {part} part, as {self.setting}", text, Path.cwd())
            loaded = parse(source, overrides)
            expand(replace(loaded, overrides=replace(overrides, only=())))
            try:
                expand(loaded)
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
        words += _options("--set", self.given)
        if self.base is not None:
            words += ["--base", self.base]
        if self.data is not None:
            other = (self.overrides.data or {}).get(self.data)
            words += ["--data", self.data if other is None else f"{self.data}={other}"]
        if self.parts != PARTS:
            words += [word for part in self.parts for word in ("--part", part)]
        if profile != "paper":
            words += ["--profile", profile]
        words += _options("--only", self.overrides.only)
        if self.overrides.seeds is not None:
            words += ["--seeds", str(self.overrides.seeds)]
        return shlex.join([*words, *extra])


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
