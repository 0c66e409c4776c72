"""The setting of a battery: data, noise, architecture and training of a recipe, with what takes their place."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import tomli

from lsncli.battery.candidate import Settings
from lsncli.battery.kinds import ARCHITECTURE, NOISE
from lsncli.recipe.loading import DEFAULT_PROFILE, load, merge, read_source
from lsncli.recipe.other_data import kept_for

#: Data set → shipped recipe with its setting; images of any other set are trained on as the paper's CIFAR.
DIGITS, DIGITS_BASE, IMAGES_BASE = "digits", "quickstart", "table7"

_TAKEN = ("seeds", "data", "noise", "model", "train", "distillation", "transition")
#: The sections of components that another one may take the place of, and what of them is the section's own.
_REPLACEABLE = {ARCHITECTURE.section: (), NOISE.section: ("seed",)}


@dataclass(frozen=True, slots=True)
class Setting:
    """base: a recipe by name or path. data: a data set in place of its own. replaced: section → another component.

    The parameters of what is replaced mean nothing to the other component, and are left out.
    """

    base: str
    data: str | None = None
    replaced: Mapping[str, str] = field(default_factory=dict)

    @property
    def folder(self) -> Path:
        """Where relative paths start."""
        return read_source(self.base).folder

    def check(self) -> None:
        """Say what is wrong with a recipe of the user's own."""
        load(self.base)

    def document(self) -> dict[str, Any]:
        """What a part has from the base recipe: no sweep of its own, no report, no place in the paper."""
        raw = tomli.loads(read_source(self.base).text)
        taken = {key: raw[key] for key in _TAKEN if key in raw}
        profiles = {
            name: {key: value for key, value in changes.items() if key in _TAKEN}
            for name, changes in raw.get("profiles", {}).items()
        }
        own = taken["data"].get("name")
        if self.data is not None and own != self.data:
            taken["data"] = {**kept_for(self.data, taken["data"], own), "name": self.data}
            for changes in profiles.values():
                if isinstance(section := changes.get("data"), Mapping) and "name" not in section:
                    changes["data"] = kept_for(self.data, section, own)
        if "transition" not in taken:
            # For losses that estimate the matrix, as in Table 7; it is no part of any other run.
            table7 = tomli.loads(read_source(IMAGES_BASE).text)
            taken["transition"] = table7["transition"]
            smoke = {"transition": table7["profiles"]["smoke"]["transition"]}
            profiles["smoke"] = {**smoke, **profiles.get("smoke", {})}
        for section, name in self.replaced.items():
            _replace(section, name, taken, profiles)
        return {**taken, "profiles": profiles}

    def section(self, key: str, profile: str = DEFAULT_PROFILE) -> dict[str, Any]:
        """What a section holds under a profile."""
        document = self.document()
        changed = merge(document, document["profiles"].get(profile, {}))
        return dict(changed.get(key, {}))


def _replace(section: str, name: str, taken: dict[str, Any], profiles: dict[str, dict[str, Any]]) -> None:
    """Put the component in its place, unless it is there; a profile changes it only if it is."""
    before = taken.get(section, {})
    there = before.get("name") == name
    if not there:
        taken[section] = {"name": name, **{k: v for k, v in before.items() if k in _REPLACEABLE[section]}}
    for profile, changes in profiles.items():
        if not there or changes.get(section, {}).get("name", name) != name:
            profiles[profile] = {key: value for key, value in changes.items() if key != section}


def split_tables(settings: Iterable[tuple[str, Any]]) -> Settings:
    """The settings, with a table for a whole component's section given key by key."""
    found: list[tuple[str, Any]] = []
    for key, value in settings:
        if key in _REPLACEABLE and isinstance(value, Mapping) and "name" in value:
            found += [(f"{key}.{inner}", each) for inner, each in value.items()]
        else:
            found.append((key, value))
    return tuple(found)


def replacing(settings: Settings) -> tuple[dict[str, str], Settings]:
    """The components that ``settings`` name for all runs, by section, and the other settings."""
    named = {f"{section}.name": section for section in _REPLACEABLE}
    replaced = {named[key]: value for key, value in settings if key in named and isinstance(value, str)}
    return replaced, tuple(pair for pair in settings if pair[0] not in named or not isinstance(pair[1], str))
