"""The command that trains the runs a report misses, as one would type it."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from lsncli.recipe.loading import DEFAULT_PROFILE, LoadedRecipe, setting_text
from lsncli.recipe.resolve import used_data

_SHIPPED = ".toml (shipped)"


def command_for(loaded: LoadedRecipe, extra: Sequence[str] = ()) -> str:
    """``lsn run …`` with the recipe, profile and overrides of ``loaded``, and ``extra`` words.

    Where several recipes are changed alike, it has of ``--data`` what this one uses: alone it refuses the rest.
    """
    overrides = loaded.overrides
    words = ["lsn", "run", recipe_word(loaded.source.name)]
    if loaded.profile != DEFAULT_PROFILE:
        words += ["--profile", loaded.profile]
    for option, settings in (("--set", overrides.settings), ("--only", overrides.only)):
        for key, value in settings:
            words += [option, f"{key}={setting_text(value)}"]
    used = used_data(loaded) if overrides.shared else set(overrides.data or {})
    for name, other in (overrides.data or {}).items():
        words += ["--data", f"{name}={other}"] if name in used else []
    if overrides.seeds is not None:
        words += ["--seeds", str(overrides.seeds)]
    return shlex.join([*words, *extra])


def recipe_word(source_name: str) -> str:
    """How a recipe is named on the command line: a path, or the short name of a shipped one."""
    return source_name.removesuffix(_SHIPPED)


def is_shipped(source_name: str) -> bool:
    """Whether a recipe comes with lsn, by the name of its source."""
    return source_name.endswith(_SHIPPED)
