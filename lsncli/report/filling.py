"""The command that trains the runs a report misses, as one would type it."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import Any

from lsncli.recipe.loading import DEFAULT_PROFILE, LoadedRecipe, parse_setting
from lsncli.toml_text import toml_text

_SHIPPED = ".toml (shipped)"


def command_for(loaded: LoadedRecipe, extra: Sequence[str] = ()) -> str:
    """``lsn run …`` with the recipe, profile and overrides of ``loaded``, and ``extra`` words."""
    overrides = loaded.overrides
    words = ["lsn", "run", recipe_word(loaded.source.name)]
    if loaded.profile != DEFAULT_PROFILE:
        words += ["--profile", loaded.profile]
    for option, settings in (("--set", overrides.settings), ("--only", overrides.only)):
        for key, value in settings:
            words += [option, f"{key}={setting_text(value)}"]
    for name, other in (overrides.data or {}).items():
        words += ["--data", f"{name}={other}"]
    if overrides.seeds is not None:
        words += ["--seeds", str(overrides.seeds)]
    return shlex.join([*words, *extra])


def recipe_word(source_name: str) -> str:
    """How a recipe is named on the command line: a path, or the short name of a shipped one."""
    return source_name.removesuffix(_SHIPPED)


def is_shipped(source_name: str) -> bool:
    """Whether a recipe comes with lsn, by the name of its source."""
    return source_name.endswith(_SHIPPED)


def setting_text(value: Any) -> str:
    """The VALUE that ``--set`` reads as ``value``; strings stay bare where they are not taken for TOML."""
    if isinstance(value, str) and parse_setting(f"key={value}")[1] == value:
        return value
    return toml_text(value)
